"""`hubbub bench`: put a server under load, and check everything it says."""

import asyncio
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import Parameter
from rich.console import Console

from hubbub.bench import machine, report
from hubbub.bench.asked import Asked, Scenario
from hubbub.bench.clustered import OwnCluster
from hubbub.bench.fleet import FleetFailed
from hubbub.bench.orders import Transport
from hubbub.bench.outcome import Outcome
from hubbub.bench.play import SERVER_FLAGS, play_alone, play_on, play_on_cluster
from hubbub.bench.plot import latency_over_load
from hubbub.bench.refusals import Limited
from hubbub.bench.seats import People, read_people
from hubbub.bench.server import OwnServer, RunningServer, ServerFailed
from hubbub.cli.asked import without_settings
from hubbub.cli.errors import Failed, Misused
from hubbub.cli.seed import seeded, sown
from hubbub.knobs import ServerUrl

BROKEN_PROMISE = 1


def bench(
    scenario: Annotated[Scenario, Parameter(help="What is played.")] = "fanout",
    *,
    url: Annotated[
        list[str] | None,
        Parameter(
            help="A server that runs; without it, one is started. Several times: the nodes of one cluster.",
            metavar="URL",
        ),
    ] = None,
    cluster: Annotated[
        int | None,
        Parameter(
            help="Start a whole cluster with so many nodes: PostgreSQL, NATS, nodes; all on this machine.",
            metavar="NODES",
        ),
    ] = None,
    one_core: Annotated[
        bool,
        Parameter(
            help="All of that cluster on one core, as a server alone is; else it shares all with clients.",
        ),
    ] = False,
    seed: Annotated[
        Path | None,
        Parameter(
            help="People and rooms of that server, from `hubbub seed`; without it, people sign up.",
            metavar="FILE",
        ),
    ] = None,
    people: Annotated[
        int | None,
        Parameter(help="How many sign up, to be shared by the clients; by default 100, or one a client."),
    ] = None,
    streams: Annotated[
        int, Parameter(help="Clients that share one sign-in of theirs; a server allows 32 by default.")
    ] = Asked().streams,
    server_pid: Annotated[
        list[int] | None,
        Parameter(help="That server's process, for its CPU and memory; one for each --url.", metavar="PID"),
    ] = None,
    clients: Annotated[int, Parameter(help="Connections that listen.")] = 1000,
    rooms: Annotated[int, Parameter(help="Rooms they are spread over.")] = 10,
    rate: Annotated[
        str, Parameter(help="Posts a second, of all together; several for one load after the other.")
    ] = "500",
    seconds: Annotated[float, Parameter(help="Of load that is measured.")] = 10.0,
    warm_up: Annotated[float, Parameter(help="Seconds of load before that.")] = 1.0,
    transport: Annotated[Transport, Parameter(help="How they listen.")] = "ws",
    payload: Annotated[int, Parameter(help="Bytes of a text.")] = 80,
    processes: Annotated[
        int | None,
        Parameter(
            help="Processes the clients live in; by default one a core they have, or as many as it takes."
        ),
    ] = None,
    settle: Annotated[float, Parameter(help="Seconds everything has to arrive in after a load.")] = 60.0,
    check: Annotated[
        bool,
        Parameter(
            help="Then read back all that is stored, and tell of each promise whether it was kept.",
        ),
    ] = False,
    metrics: Annotated[
        list[str] | None,
        Parameter(
            help="Where that server's metrics are, as http://127.0.0.1:9464/metrics, for --check; one for"
            " each --url.",
            metavar="URL",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        Parameter(help="A directory that gets the figures as JSON, and drawn.", metavar="DIR"),
    ] = None,
) -> int:
    """Put a server under load, check every delivery, and tell how long everything took.

    The load is open: a post is due at its moment whether or not the server keeps up, and latencies count
    from that moment. Exit code 1 says that a promise was broken.
    """
    for_server, for_clients = machine.split_cores()
    asked = Asked(
        scenario=scenario,
        clients=clients,
        rooms=1 if scenario == "room" else rooms,
        rates=_rates(rate),
        seconds=seconds,
        warm_up_seconds=warm_up,
        transport=transport,
        payload_bytes=payload,
        processes=processes or max(1, len(for_clients), -(-clients // machine.most_connections())),
        settle_seconds=settle,
        people=min(clients, Asked().people) if people is None else people,
        streams=streams,
        check=check,
        nodes=cluster or 0,
        urls=len(url or ()),
    )
    mistakes = asked.mistakes()
    if one_core and cluster is None:
        mistakes.append("--one-core goes with --cluster: a server alone has one anyway")
    if cluster is not None:
        mistakes += _of_a_cluster(cluster, {"--url": url, "--seed": seed, "--server-pid": server_pid})
    for flag, each in {"--server-pid": server_pid, "--metrics": metrics}.items():
        if url is not None and each is not None and len(each) != len(url):
            mistakes.append(f"{flag}: one for each --url, or none")
    if mistakes:
        raise Misused("; ".join(mistakes))
    try:
        if cluster is not None:
            outcome = _on_cluster(asked, for_server if one_core else frozenset(), for_clients)
        elif url is None:
            outcome = _alone(asked, for_server, for_clients)
        else:
            outcome = _on(RunningServer(url, server_pid or (), metrics or ()), seed, asked, for_clients)
    except (ServerFailed, FleetFailed, Limited) as error:
        raise Failed(str(error)) from error
    except asyncio.CancelledError:
        raise Failed("stopped before it was done") from None
    console = Console()
    report.show(console, asked, outcome)
    for file in _write(out, asked, outcome) if out is not None else ():
        console.print(f"written: {file}", style="dim", soft_wrap=True)
    return BROKEN_PROMISE if outcome.broken else 0


def _of_a_cluster(nodes: int, others: Mapping[str, object]) -> list[str]:
    """What cannot be said together with --cluster."""
    mistakes = [] if nodes > 0 else ["--cluster: 1 node or more"]
    if named := [flag for flag, given in others.items() if given is not None]:
        mistakes.append(f"--cluster starts its own servers: leave out {', '.join(named)}")
    return mistakes


def _rates(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise Misused("--rate: a number, or several with commas between") from None


def _alone(asked: Asked, for_server: frozenset[int], for_clients: frozenset[int]) -> Outcome:
    with tempfile.TemporaryDirectory(prefix="hubbub-bench-") as directory:
        data = Path(directory) / "data"
        people = msgspec.convert(seeded(data, asked.clients, asked.rooms), People)
        own = OwnServer(
            data, flags=SERVER_FLAGS, environment=without_settings(), cores=for_server, watched=asked.check
        )
        return asyncio.run(play_alone(own, asked, people, for_clients))


def _on_cluster(asked: Asked, for_cluster: frozenset[int], for_clients: frozenset[int]) -> Outcome:
    """Raises Failed where something is missing that talks to a cluster."""
    for driver in ("asyncpg", "nats"):
        if find_spec(driver) is None:
            raise Failed(
                f"--cluster needs {driver}: install hubbub[postgres,nats], or make setup in a checkout"
            )

    async def fill(database: str) -> People:
        return msgspec.convert(await sown(ServerUrl(database), asked.clients, asked.rooms), People)

    with tempfile.TemporaryDirectory(prefix="hubbub-bench-") as directory:
        own = OwnCluster(
            Path(directory),
            nodes=asked.nodes,
            flags=SERVER_FLAGS,
            environment=without_settings(),
            cores=for_cluster,
        )
        return asyncio.run(play_on_cluster(own, asked, fill, for_clients))


def _on(server: RunningServer, seed: Path | None, asked: Asked, for_clients: frozenset[int]) -> Outcome:
    people = None if seed is None else _people(seed, asked)
    return asyncio.run(play_on(server, asked, people, for_clients))


def _people(seed: Path, asked: Asked) -> People:
    try:
        people = read_people(seed)
    except (OSError, ValueError) as error:
        raise Failed(f"cannot read {seed}: {error}") from error
    if len(people.rooms) < asked.rooms:
        raise Misused(f"--rooms: {seed} has {len(people.rooms)} only")
    return people


def _write(directory: Path, asked: Asked, outcome: Outcome) -> list[Path]:
    """What was written: earlier runs stay as they are, and the next of the same name gets a number."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        file = _new_file(directory, f"{asked.scenario}-{asked.transport}")
        file.write_bytes(report.as_json(asked, outcome, machine.described()))
        picture = latency_over_load(report.title(asked), outcome.loads)
        if picture is None:
            return [file]
        drawn = file.with_suffix(".svg")
        drawn.write_text(picture, "utf-8")
    except OSError as error:
        raise Failed(f"cannot write to {directory}: {error.strerror}") from error
    return [file, drawn]


def _new_file(directory: Path, name: str) -> Path:
    for number in count(1):
        file = directory / f"{name}{f'-{number}' if number > 1 else ''}.json"
        with suppress(FileExistsError):
            file.touch(exist_ok=False)
            return file
    raise AssertionError("there is always a further number")

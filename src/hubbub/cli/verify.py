"""`hubbub verify`: whether a store is whole, of a directory, of a backup, or of a server that runs."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

import httpx2
import msgspec
from cyclopts import Parameter
from rich.console import Console
from rich.status import Status
from rich.table import Table

from hubbub.cli.asked import Data, Database, Place, asked_place, now_ms
from hubbub.cli.errors import Failed, Misused
from hubbub.cli.places import audit_of, check_store
from hubbub.verify import Anchor, Counts, Done, Earlier, Progress, Report, Walk
from hubbub.verify.report import MEANING

NOT_WHOLE = 1
SHOWN = 20
"""Problems a person is shown; all that were kept are in the JSON."""

_TOLD_SECONDS = 0.2


def verify(
    *,
    data: Data = None,
    database: Database = None,
    backup: Annotated[
        Path | None, Parameter(help="A backup, in place of a directory.", metavar="FILE")
    ] = None,
    server: Annotated[
        str | None,
        Parameter(help="A running server's admin listener, in place of a directory.", metavar="URL"),
    ] = None,
    token_file: Annotated[
        Path | None, Parameter(help="What that server has as --admin-token-file.", metavar="FILE")
    ] = None,
    against: Annotated[
        Path | None,
        Parameter(help="An earlier report: its history must still be there.", metavar="REPORT"),
    ] = None,
    json: Annotated[bool, Parameter(help="The report as JSON, to keep.")] = False,
) -> int:
    """Check that a store is whole: every log, every message, every key. Also while a server uses it.

    Exit code 1 says that something is wrong.
    """
    if sum(each is not None for each in (data, database, backup, server)) > 1:
        raise Misused("--data, --database, --backup and --server: one of them")
    if (server is None) != (token_file is None):
        raise Misused("--server and --token-file: one is of no use without the other")
    earlier = None if against is None else _earlier(against)
    told = Console(stderr=True)
    if server is not None and token_file is not None:
        report = asyncio.run(_ask(server, _token(token_file), earlier, told))
    elif backup is not None:
        report = asyncio.run(verified(backup, told, earlier))
    else:
        report = asyncio.run(_of_a_store(asked_place(data, database), told, earlier))
    if json:
        print(msgspec.json.format(msgspec.json.encode(report)).decode())
    else:
        show(Console(), report)
    return 0 if report.whole else NOT_WHOLE


async def _of_a_store(where: Place, told: Console, earlier: Mapping[str, Anchor] | None) -> Report:
    await check_store(where)
    return await verified(where, told, earlier)


async def verified(where: Place, told: Console, earlier: Mapping[str, Anchor] | None = None) -> Report:
    """Walk through a store, or a backup's file. Raises StoreUnusable."""
    store = await audit_of(where)
    try:
        walk = Walk(store, against=earlier, pause=lambda: asyncio.sleep(0))
        async with _watching(told, lambda: walk.counts):
            return await walk.run(now_ms=now_ms, monotonic=time.monotonic)
    finally:
        await store.close()


@asynccontextmanager
async def _watching(told: Console, counts: Callable[[], Counts]) -> AsyncIterator[None]:
    """Show a person at a terminal how far it is."""
    if not told.is_terminal:
        yield
        return
    with told.status("checking") as status:
        watcher = asyncio.get_running_loop().create_task(_watch(status, counts))
        try:
            yield
        finally:
            watcher.cancel()


async def _watch(status: Status, counts: Callable[[], Counts]) -> None:
    while True:
        now = counts()
        status.update(
            f"checking: {now.events:,} events in {now.logs:,} logs, {now.keys:,} keys, "
            f"{now.direct_messages:,} direct messages"
        )
        await asyncio.sleep(_TOLD_SECONDS)


# -- a running server -------------------------------------------------------


async def _ask(server: str, token: str, earlier: Mapping[str, Anchor] | None, told: Console) -> Report:
    """Have the server look itself through. Raises Failed."""
    body = msgspec.json.encode(Earlier(anchors=earlier)) if earlier is not None else b""
    counts = Counts()
    try:
        async with (
            httpx2.AsyncClient(base_url=server, timeout=httpx2.Timeout(60.0)) as http,
            http.stream(
                "POST", "/verify", content=body, headers={"Authorization": f"Bearer {token}"}
            ) as answer,
            _watching(told, lambda: counts),
        ):
            if answer.status_code != 200:
                said = (await answer.aread()).decode("utf-8", "replace").strip()
                raise Failed(f"the server answered {answer.status_code}: {said}")
            async for line in answer.aiter_lines():
                match msgspec.json.decode(line, type=Progress | Done):
                    case Done(report=report):
                        return report
                    case Progress(checked=counts):
                        pass
    except (httpx2.HTTPError, httpx2.InvalidURL, msgspec.DecodeError) as error:
        raise Failed(f"{server}: {error or type(error).__name__}") from error
    raise Failed(f"{server} ended before it was done")


def _token(file: Path) -> str:
    try:
        return file.read_text("utf-8").strip()
    except (OSError, ValueError) as error:
        raise Failed(f"cannot read {file}: {error}") from error


def _earlier(file: Path) -> Mapping[str, Anchor]:
    try:
        return msgspec.json.decode(file.read_bytes(), type=Earlier).anchors
    except (OSError, msgspec.DecodeError) as error:
        raise Failed(f"{file} is no report: {error}") from error


# -- for people -------------------------------------------------------------


def show(console: Console, report: Report) -> None:
    """On one screen: what was looked at, and what was found."""
    checked = report.checked
    table = Table.grid(padding=(0, 2))
    for name, count in (
        ("events", checked.events),
        ("in logs", checked.logs),
        ("direct messages, on both sides", checked.direct_messages),
        ("idempotency keys", checked.keys),
        ("users", checked.users),
        ("rooms", checked.rooms),
        ("sessions", checked.sessions),
        ("read marks", checked.marks),
    ):
        table.add_row(f"{count:>13,}", name)
    if checked.anchors or checked.anchors_removed:
        table.add_row(f"{checked.anchors:>13,}", "logs compared with the earlier report")
    if checked.anchors_removed:
        table.add_row(f"{checked.anchors_removed:>13,}", "not: retention has removed what it saw")
    console.print(
        f"checked in {report.seconds:.1f} s ({report.backend} {report.version}, form {report.form}, "
        f"epoch {report.epoch})",
        style="dim",
        highlight=False,
    )
    console.print(table, highlight=False)
    if report.whole:
        console.print("whole: nothing is wrong", style="bold green")
        return
    found = sum(report.problems_by_kind.values())
    console.print(
        f"NOT WHOLE: {found:,} problem{'s' if found > 1 else ''}", style="bold red", highlight=False
    )
    for kind, count in report.problems_by_kind.items():
        console.print(f"{count:>13,}  {MEANING.get(kind, kind)}", highlight=False, markup=False)
    for problem in report.problems[:SHOWN]:
        where = " ".join(str(part) for part in (problem.log, problem.seq) if part is not None)
        console.print(
            f"  {where or 'the database'}: {problem.text}", highlight=False, markup=False, soft_wrap=True
        )
    if found > SHOWN:
        console.print("  …; more are in the report of --json", highlight=False)

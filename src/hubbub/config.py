"""Everything that can be set, in one table, and how it is read: flags over HUBBUB_* over hubbub.toml.

Read once, at the start. Every mistake in every source is found and told at once, also in a value that a
stronger source would have replaced; a name nobody knows is a mistake.

This module and the command line are the only ones that know of files of settings and of the environment.
"""

import difflib
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, Literal, cast

import msgspec
from platformdirs import user_data_path

from hubbub import knobs
from hubbub.api.settings import Settings
from hubbub.knobs import Address, Knob, ServerUrl
from hubbub.service.limits import DEFAULTS as LIMITS
from hubbub.service.limits import Policy, parse_policies
from hubbub.service.passwords import cores

FILE = "hubbub.toml"

_KIB = 1024
_DAY_SECONDS = 86_400
_LONGEST_SESSION_DAYS = 3650


class Tls(msgspec.Struct, frozen=True):
    certificate: Path
    key: Path


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """All of it, valid. `load` makes one; tests build their own."""

    data: Path
    database: ServerUrl | None = None
    """Instead of `data`, where several servers share one."""
    bus: Sequence[ServerUrl] = ()
    """How they hear of each other; without one they ask the database."""
    listen: Address = Address("127.0.0.1", 8080)
    admin_listen: Address | None = Address("127.0.0.1", 9464)
    admin_token_hash: bytes | None = None
    """SHA-256 of what opens more than metrics and health to operators."""
    tls: Tls | None = None
    sign_up_open: bool = True
    session_seconds: int = 30 * _DAY_SECONDS
    ticket_seconds: int = 30
    password_workers: int = 2
    password_queue: int = 64
    retention_days: int | None = None
    limits: Mapping[str, Policy | None] | None = msgspec.field(default_factory=dict)
    """By name, those that differ from the defaults, None for one that does not hold. Instead of them all
    None: nothing is limited by rate or by address."""
    backlog: int = 4096
    log_format: Literal["console", "json"] = "console"
    log_level: str = "info"
    access_log: bool = False
    loop: Literal["auto", "uvloop", "asyncio"] = "auto"
    drain_seconds: float = 0.0
    stop_seconds: float = 4.5
    settings: Settings = Settings()


class Misconfigured(Exception):
    """`mistakes`: a line for each, saying where it stands and what to write instead."""

    def __init__(self, mistakes: Sequence[str]) -> None:
        count = "a mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
        super().__init__(f"the settings have {count}:\n" + "\n".join(f"  {each}" for each in mistakes))
        self.mistakes = mistakes


def _knob(name: str, value: str, help: str, read: knobs.Read, default: object, *, many: bool = False) -> Knob:
    return Knob(name=name, value=value, help=help, default=default, read=read, many=many)


def _limit(text: str) -> tuple[str, Policy | None]:
    name, _, amount = text.partition("=")
    return name, parse_policies({name: amount})[name]


_BASE = Config(data=Path())
_BYTES = knobs.whole(1 * _KIB, 1 << 30)
_COUNT = knobs.whole(1, 1_000_000)
_DURATION = knobs.seconds(0.1, 86_400)

SERVER = (
    _knob("listen", "HOST:PORT", "Where people reach the server.", knobs.address, _BASE.listen),
    _knob(
        "data",
        "DIR",
        "Where everything is kept; made if need be, one server at a time.",
        knobs.directory,
        user_data_path("hubbub", appauthor=False),
    ),
    _knob(
        "database",
        "URL",
        "A PostgreSQL database to keep everything in, which any number of servers share.",
        knobs.database_url,
        None,
    ),
    _knob(
        "bus",
        "URL",
        "NATS servers over which those who share a database hear of each other.",
        knobs.server_url("nats", "tls", example="nats://bus.internal:4222"),
        (),
        many=True,
    ),
    _knob("public_url", "URL", "How people reach the server from outside.", knobs.origin, None),
    _knob("tls_cert", "FILE", "The certificate and its chain, in PEM.", knobs.file, None),
    _knob("tls_key", "FILE", "The certificate's key, in PEM.", knobs.file, None),
    _knob(
        "sign_up",
        "open|closed",
        "Who may make an account.",
        knobs.switch("open", "closed"),
        _BASE.sign_up_open,
    ),
    _knob(
        "limits",
        "off|NAME=QUOTA/SECONDS",
        f"How fast people may act ({', '.join(LIMITS)}); off is for load tests.",
        _limit,
        {},
        many=True,
    ),
    _knob(
        "retention_days",
        "N|off",
        "Remove messages older than this.",
        knobs.whole_or_off(1, 36_500),
        _BASE.retention_days,
    ),
    _knob(
        "session_days",
        "N",
        "A sign-in unused for this long ends.",
        knobs.whole(1, _LONGEST_SESSION_DAYS),
        _BASE.session_seconds // _DAY_SECONDS,
    ),
    _knob(
        "ticket_seconds",
        "N",
        "How long the addresses of a 202 may be opened.",
        knobs.whole(1, 30),
        _BASE.ticket_seconds,
    ),
    _knob("password_workers", "N", "Passwords checked at once.", knobs.whole(1, 64), min(8, cores())),
    _knob(
        "password_queue",
        "N",
        "Passwords that may wait to be checked.",
        knobs.whole(1, 10_000),
        _BASE.password_queue,
    ),
    _knob(
        "admin_listen",
        "HOST:PORT|off",
        "Metrics and health, for operators only.",
        knobs.address_or_off,
        _BASE.admin_listen,
    ),
    _knob(
        "admin_token_file",
        "FILE",
        "The token that lets operators do more there; without it nobody can.",
        knobs.token_file,
        None,
    ),
    _knob(
        "log_format",
        "console|json",
        "What the log is for.",
        knobs.one_of("console", "json"),
        _BASE.log_format,
    ),
    _knob(
        "log_level",
        "LEVEL",
        "The least that is logged.",
        knobs.one_of("debug", "info", "warning", "error"),
        _BASE.log_level,
    ),
    _knob("access_log", "on|off", "A line for each request.", knobs.switch("on", "off"), _BASE.access_log),
    _knob(
        "loop",
        "auto|uvloop|asyncio",
        "The event loop.",
        knobs.one_of("auto", "uvloop", "asyncio"),
        _BASE.loop,
    ),
    _knob("backlog", "N", "Connections that may wait to be accepted.", knobs.whole(1, 65_535), _BASE.backlog),
    _knob(
        "drain_seconds",
        "SECONDS",
        "How long it serves on, not ready any more, before it stops.",
        knobs.seconds(0.0, 600),
        _BASE.drain_seconds,
    ),
    _knob(
        "stop_seconds",
        "SECONDS",
        "How long a stop may take.",
        knobs.seconds(0.5, 600),
        _BASE.stop_seconds,
    ),
)

# name, what stands for the value, what it bounds, how it is read. The default is that of the wire.
_OF_THE_WIRE: tuple[tuple[str, str, str, knobs.Read], ...] = (
    ("trusted_proxies", "NETWORK", "Proxies whose X-Forwarded-* is believed.", knobs.network),
    ("cors_origins", "ORIGIN", "Other sites whose pages may call the API.", knobs.origin),
    ("max_body_bytes", "N", "The largest request body.", _BYTES),
    ("max_head_bytes", "N", "The largest request head.", _BYTES),
    ("max_frame_bytes", "N", "The largest WebSocket frame from a client.", _BYTES),
    ("head_seconds", "SECONDS", "For a connection to begin TLS, to send a head, to sign in.", _DURATION),
    ("body_seconds", "SECONDS", "For a request to send its body.", _DURATION),
    ("max_wait_seconds", "N", "The longest long poll.", knobs.whole(1, 3600)),
    ("streams_per_session", "N", "Live streams of one session.", _COUNT),
    ("sockets_per_address", "N", "Connections from one address; 0: any.", knobs.whole(0, 1_000_000)),
    ("subscriptions_per_stream", "N", "Logs on one stream.", _COUNT),
    ("requests_in_flight", "N", "Unanswered requests of one WebSocket.", _COUNT),
    ("write_buffer_bytes", "N", "What may wait in the server for one reader.", _BYTES),
    ("ping_seconds", "SECONDS", "Between pings of a WebSocket.", _DURATION),
    ("heartbeat_seconds", "SECONDS", "Between heartbeats of an event stream.", _DURATION),
    ("retry_seconds", "SECONDS", "After which event streams come back, on average.", _DURATION),
    ("herd_seconds", "SECONDS", "Over which clients come back after a restart.", _DURATION),
)

WIRE = tuple(
    _knob(
        name,
        value,
        help,
        read,
        default,
        many=isinstance(default, tuple),
    )
    for name, value, help, read in _OF_THE_WIRE
    for default in [getattr(_BASE.settings, name)]
)

KNOBS = (*SERVER, *WIRE)
_BY_NAME = {knob.name: knob for knob in KNOBS}

_SECRET = ("database", "bus")
"""What may have a password in it, and is not repeated to whoever made a mistake in it."""

# What Kubernetes puts in the environment of every pod beside a service called "hubbub".
_NEIGHBOURS = re.compile(r"HUBBUB_(SERVICE_.*|PORT|PORT_.*)")

# What the commands for people read: a server may be started from the same shell.
_CLIENTS = ("HUBBUB_SERVER", "HUBBUB_TOKEN")


class _Given(msgspec.Struct, frozen=True):
    """A value somebody wrote, and where."""

    knob: Knob
    texts: Sequence[str]
    where: str


def load(
    flags: Mapping[str, Sequence[str]], environment: Mapping[str, str], *, directory: Path | None = None
) -> Config:
    """The settings in force.

    `flags` by name, with underscores; `config` among them names the file, which is otherwise
    `hubbub.toml` in `directory` (the current one), if there is one. Raises Misconfigured.
    """
    mistakes: list[str] = []
    path, where = _file(flags, environment, directory or Path.cwd(), mistakes)
    given = chain(
        _from_file(path, where, mistakes) if path else (),
        _from_environment(environment, mistakes),
        _from_flags(flags, mistakes),
    )
    values: dict[str, Any] = {knob.name: knob.default for knob in KNOBS}
    where_set: dict[str, str] = {}
    for each in given:  # the strongest last
        values[each.knob.name] = _read(each, mistakes)
        where_set[each.knob.name] = each.where
    if {"data", "database"} <= where_set.keys():
        mistakes.append(f"{where_set['data']} and {where_set['database']}: everything is kept in one of them")
    if "bus" in where_set and "database" not in where_set:
        mistakes.append(f"{where_set['bus']}: servers that hear of each other share a --database")
    if ("tls_cert" in where_set) != ("tls_key" in where_set):
        mistakes.append("--tls-cert and --tls-key: one is of no use without the other")
    if mistakes:
        raise Misconfigured(mistakes)
    return _config(values)


def _config(values: Mapping[str, Any]) -> Config:
    settings = {knob.name: values[knob.name] for knob in WIRE}
    same = {name: values[name] for name in Config.__struct_fields__ if name in values}
    tls = Tls(values["tls_cert"], values["tls_key"]) if values["tls_cert"] else None
    return Config(
        **same,
        admin_token_hash=values["admin_token_file"],
        tls=tls,
        sign_up_open=values["sign_up"],
        session_seconds=values["session_days"] * _DAY_SECONDS,
        settings=Settings(public_url=values["public_url"], **settings),
    )


def _file(
    flags: Mapping[str, Sequence[str]], environment: Mapping[str, str], directory: Path, mistakes: list[str]
) -> tuple[Path | None, str]:
    if named := flags.get("config"):
        text, where = named[-1], "--config"
    elif variable := environment.get("HUBBUB_CONFIG"):
        text, where = variable, "HUBBUB_CONFIG"
    else:
        path = directory / FILE
        return (path, FILE) if path.is_file() else (None, "")
    try:
        path = knobs.file(str(directory / Path(text).expanduser()))
    except (ValueError, OSError) as error:
        mistakes.append(f"{where} {text!r}: {_why(error)}")
        return None, ""
    return path, path.name


def _from_file(path: Path, where: str, mistakes: list[str]) -> Iterator[_Given]:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        mistakes.append(f"{where}: {_why(error)}")
        return
    for name, value in table.items():
        texts = _texts(value)
        if name not in _BY_NAME:
            mistakes.append(f"{where}: {name}: unknown{_meant(name, _BY_NAME)}")
        elif texts is None:
            mistakes.append(f"{where}: {name}: {_BY_NAME[name].value}, not {type(value).__name__}")
        else:
            yield _Given(_BY_NAME[name], texts, f"{where}: {name}")


def _texts(value: object) -> list[str] | None:
    """A value of TOML as somebody would have written it on the command line; None for what nobody could."""
    match value:
        case bool():
            return ["on" if value else "off"]
        case str() | int() | float():
            return [str(value)]
        case list() if all(isinstance(each, str) for each in value):
            return cast(list[str], value)
        case dict() if all(isinstance(each, str | int) for each in value.values()):
            return [f"{name}={amount}" for name, amount in value.items()]
    return None


def _from_environment(environment: Mapping[str, str], mistakes: list[str]) -> Iterator[_Given]:
    names = {knob.variable: knob for knob in KNOBS}
    for variable, text in sorted(environment.items()):
        if not variable.startswith("HUBBUB_") or variable == "HUBBUB_CONFIG":
            continue
        if variable in names:
            yield _Given(names[variable], [text], variable)
        elif variable not in _CLIENTS and not _NEIGHBOURS.fullmatch(variable):
            mistakes.append(f"{variable}: unknown{_meant(variable, names)}")


def _from_flags(flags: Mapping[str, Sequence[str]], mistakes: list[str]) -> Iterator[_Given]:
    names = {knob.flag: knob for knob in KNOBS}
    for name, texts in flags.items():
        flag = "--" + name.replace("_", "-")
        if name in _BY_NAME:
            yield _Given(_BY_NAME[name], texts, flag)
        elif name != "config":
            mistakes.append(f"{flag}: unknown{_meant(flag, names)}")


def _read(given: _Given, mistakes: list[str]) -> object:
    knob = given.knob
    items = [item.strip() for text in given.texts for item in (text.split(",") if knob.many else [text])]
    items = [item for item in items if item] if knob.many else items[-1:]
    if knob.name == "limits" and items == ["off"]:
        return None
    values = []
    for item in items:
        try:
            values.append(knob.read(item))
        except (ValueError, OSError) as error:
            shown = "" if knob.name in _SECRET else f" {item!r}"
            mistakes.append(f"{given.where}{shown}: {_why(error)}")
    if not knob.many:
        return values[0] if values else None
    return dict(cast("list[tuple[str, Policy | None]]", values)) if knob.name == "limits" else tuple(values)


def _why(error: ValueError | OSError) -> str:
    return str(error) if isinstance(error, ValueError) else f"it cannot be read: {error.strerror or error}"


def _meant(name: str, known: Mapping[str, object]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]}?" if close else ""

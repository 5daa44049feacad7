"""`hubbub serve`: its flags are the table of settings."""

import dataclasses
import os
import ssl
import sys
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import structlog
from cyclopts import Parameter

from hubbub import logs
from hubbub.app import Running
from hubbub.cli.errors import Failed
from hubbub.config import FILE, KNOBS, Misconfigured, load
from hubbub.knobs import Knob
from hubbub.process import run

_log = structlog.get_logger("hubbub.cli")


def _default(knob: Knob) -> str:
    match knob.default:
        case None | () | {}:
            return ""
        case bool():
            on, off = knob.value.split("|")
            return f" [{on if knob.default else off}]"
        case default:
            return f" [{default}]"


def _field(knob: Knob) -> tuple[str, Any, Any]:
    shape = list[str] | None if knob.many else str | None
    parameter = Parameter(help=f"{knob.help}{_default(knob)}", metavar=knob.value)
    return knob.name, Annotated[shape, parameter], None


# One for each setting, all text: `config` reads them, so that it can tell every mistake at once.
_FILE_HELP = Parameter(help=f"More settings, in TOML. [./{FILE} if there is one]", metavar="FILE")
_FILE = ("config", Annotated[str | None, _FILE_HELP], None)
Flags = dataclasses.make_dataclass("Flags", [_FILE, *map(_field, KNOBS)], kw_only=True)
Flags.__module__ = __name__  # cyclopts looks into no class that calls itself a part of the standard library


def serve(
    *,
    flags: Annotated[Flags | None, Parameter(name="*")] = None,  # type: ignore[valid-type]
    left: Annotated[Sequence[str], Parameter(parse=False)] = (),
) -> int:
    """Serve until told to stop.

    Every flag can also be set as HUBBUB_FLAG in the environment or as flag in hubbub.toml.
    A flag is stronger than the environment, and that is stronger than the file.
    """
    unknown, words = _strays(left)
    mistakes = [f"{word!r} is not expected here" for word in words]
    try:
        config = load({**unknown, **_given(flags)}, os.environ)
    except Misconfigured as error:
        mistakes = [*error.mistakes, *mistakes]
    if mistakes:
        raise Misconfigured(mistakes)
    logs.configure(config.log_format, config.log_level)
    try:
        return run(config, _announce)
    except ssl.SSLError as error:  # it names no file
        raise Failed(f"--tls-cert and --tls-key are no certificate and its key: {error}") from error
    except (OSError, ImportError) as error:  # an address that is none, or an event loop that cannot be used
        raise Failed(f"cannot start: {error}") from error


def _given(flags: object) -> dict[str, list[str]]:
    values: Mapping[str, str | list[str] | None] = vars(flags) if flags is not None else {}
    return {
        name: [value] if isinstance(value, str) else value
        for name, value in values.items()
        if value is not None
    }


def _strays(words: Sequence[str]) -> tuple[dict[str, list[str]], list[str]]:
    """Of words that belong to no flag there is: flags nobody knows, with their values, and the rest."""
    unknown: dict[str, list[str]] = {}
    rest: list[str] = []
    name: str | None = None
    for word in words:
        if word.startswith("--"):
            name = word.removeprefix("--").partition("=")[0].replace("-", "_")
            unknown[name] = []
        elif name is not None:
            unknown[name].append(word)
            name = None
        else:
            rest.append(word)
    return unknown, rest


def _kept_in(server: Running) -> str:
    return str(server.config.database or server.config.data)


def _announce(server: Running) -> None:
    """Tell a person on standard output, a program in its log."""
    if server.config.log_format == "json":
        admin = str(server.admin) if server.admin else None
        _log.info("listening", url=server.url, data=_kept_in(server), admin=admin)
        return
    print(f"hubbub listens on {server.url}")
    print(f"and keeps everything in {_kept_in(server)}")
    if server.admin is not None:
        print(f"metrics for operators: http://{server.admin}/metrics")
    sys.stdout.flush()

"""The command line: parse, call, report, exit code.

0 done · 1 failed · 2 misused · 70 the store broke · 130 interrupted

Only the command that is asked for is loaded: help, and the commands people wait for, need no server.
"""

import importlib
import sys
from collections.abc import Sequence

from cyclopts import App, CycloptsError, Group, MissingArgumentError, Parameter
from rich.console import Console

import hubbub
from hubbub.cli import output
from hubbub.cli.errors import Failed, Misused

TALKING = {
    "login": ("hubbub.cli.login:login", "Sign in to a server."),
    "logout": ("hubbub.cli.login:logout", "Sign out, and forget the session."),
    "rooms": ("hubbub.cli.rooms:rooms", "List the rooms, or make one."),
    "post": ("hubbub.cli.post:post", "Post to a room."),
    "tail": ("hubbub.cli.tail:tail", "Show what is said in rooms, as it is said."),
    "dm": ("hubbub.cli.dm:dm", "Post to a person, or show your conversation."),
    "inbox": ("hubbub.cli.inbox:inbox", "Show what was posted to you."),
    "chat": ("hubbub.cli.chat:chat", "Talk in rooms and with people, full-screen."),
}
KEEPING = {
    "serve": ("hubbub.cli.serve:serve", "Serve until told to stop."),
    "user": ("hubbub.cli.user:user", "Look after accounts, also while the server runs."),
    "backup": ("hubbub.cli.backup:backup", "Copy a store into one file, also while a server writes to it."),
    "restore": ("hubbub.cli.backup:restore", "Make a backup the store of a directory that no server uses."),
    "verify": ("hubbub.cli.verify:verify", "Check that a store is whole, also while a server uses it."),
    "move": ("hubbub.cli.move:move", "Bring a store to another place, as from a file to PostgreSQL."),
    "seed": ("hubbub.cli.seed:seed", "Make a store with people and rooms in it, to try things on."),
    "cluster": ("hubbub.cli.cluster:cluster", "Try a whole cluster on this machine."),
    "bench": ("hubbub.cli.bench:bench", "Put a server under load, and check everything it says."),
}
COMMANDS = TALKING | KEEPING
"""Each command: where it is, and what a list of them says of it."""

_GROUPS = {
    **dict.fromkeys(TALKING, Group("Talking", sort_key=1)),
    **dict.fromkeys(KEEPING, Group("Keeping a server", sort_key=2)),
}

_WORDS = {
    "login": "[URL [NAME]]",
    "rooms": "[WORD...]",
    "post": "ROOM [TEXT...]",
    "tail": "[ROOM...]",
    "dm": "NAME [TEXT...]",
}

STDIN = "\0"
"""What stands for a lone hyphen: nobody can type it, and a lone hyphen is no text and no flag."""

_READING_STDIN = ("post", "dm")


def main(words: Sequence[str] | None = None) -> int:
    """Do what `words`, or the process's arguments, ask for; the exit code."""
    given = list(sys.argv[1:] if words is None else words)
    try:
        with output.guarded():
            return _run(given)
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        code = _code(error)
        if code is None:
            raise
        print(f"hubbub: {_told(error)}", file=sys.stderr)
        return code


def _run(given: list[str]) -> int:
    asked = given[0] if given else ""
    if asked in TALKING:  # as in standard input; for the others it may be a path, which can be any bytes
        given = [word.encode("utf-8", "surrogateescape").decode("utf-8", "replace") for word in given]
    if asked in _READING_STDIN:
        given = [STDIN if word == "-" else word for word in given]
    command, bound, left, _ = _app(asked).parse_known_args(given, error_console=Console(stderr=True))
    if asked == "serve" and "left" in command.__annotations__:
        return int(command(*bound.args, **bound.kwargs, left=left))
    if left:
        raise Misused(f"nobody knows what {' '.join(left)} means here; see --help")
    return int(command(*bound.args, **bound.kwargs) or 0)


def _app(asked: str) -> App:
    """All the commands; of those that are not asked for, only what the list says."""
    flags = Parameter(negative=(), show_default=_default)
    app = App(name="hubbub", help=hubbub.__doc__, version=hubbub.__version__, default_parameter=flags)
    for name, (where, line) in COMMANDS.items():
        if name == asked:
            module, _, attribute = where.partition(":")
            app.command(getattr(importlib.import_module(module), attribute), **_shape(name))
        else:
            app.command(where, name=name, help=line, group=_GROUPS[name])
    return app


def _default(value: object) -> str | None:
    """What help says of it: that something is off, or not given, says nothing."""
    if value is None or value is False or value == "":
        return None
    return "yes" if value is True else str(value)


def _shape(name: str) -> dict[str, str]:
    """How help shows it: examples as they are written, for in Markdown they would be a dark block."""
    if name not in TALKING:
        return {}
    words = _WORDS.get(name, "")
    return {"help_format": "plaintext", "usage": f"Usage: hubbub {name} [OPTIONS] {words}".rstrip()}


def _told(error: Exception) -> str:
    """What is wrong, for people; what is missing is told with where to read of it."""
    if not isinstance(error, MissingArgumentError) or error.argument is None:
        return str(error)
    command = " ".join(error.command_chain or ())
    name = error.argument.name
    missing = f"a value for {name}" if name.startswith("-") else name
    return f"{command} needs {missing}; see hubbub {command} --help"


def _code(error: Exception) -> int | None:
    """The exit code for what commands raise on purpose; None for a bug."""
    if isinstance(error, CycloptsError):
        error.verbose = False  # it would name functions of ours
        return 2
    for kind in type(error).__mro__:
        if (code := _CODES.get(f"{kind.__module__}.{kind.__qualname__}")) is not None:
            return code
    return None


# By name: to name the class itself would load the server for those who need none.
_CODES = {
    f"{Misused.__module__}.{Misused.__qualname__}": 2,
    f"{Failed.__module__}.{Failed.__qualname__}": 1,
    "hubbub.config.Misconfigured": 2,
    "hubbub.domain.errors.HubbubError": 1,
    "hubbub.server.CannotListen": 1,
    "hubbub.storage.errors.StoreInUse": 1,
    "hubbub.storage.errors.StoreUnusable": 1,
    "hubbub.terminal.errors.BadAddress": 2,
    "hubbub.terminal.errors.TerminalError": 1,
}

"""The command line: parse, call, report, exit code.

0 done · 1 failed · 2 misused · 70 the store broke · 130 interrupted
"""

import sys
from collections.abc import Sequence

from cyclopts import App, CycloptsError
from rich.console import Console

import hubbub
from hubbub.cli.asked import Failed, Misused
from hubbub.cli.backup import backup, restore
from hubbub.cli.bench import bench
from hubbub.cli.seed import seed
from hubbub.cli.serve import serve
from hubbub.cli.user import user
from hubbub.cli.verify import verify
from hubbub.config import Misconfigured
from hubbub.domain.errors import HubbubError
from hubbub.server import CannotListen
from hubbub.storage.errors import StoreInUse, StoreUnusable

app = App(name="hubbub", help=hubbub.__doc__, version=hubbub.__version__)
app.command(serve)
app.command(seed)
app.command(bench)
app.command(user)
app.command(verify)
app.command(backup)
app.command(restore)


def main(words: Sequence[str] | None = None) -> int:
    """Do what `words`, or the process's arguments, ask for; the exit code."""
    given = list(sys.argv[1:] if words is None else words)
    try:
        command, bound, left, _ = app.parse_known_args(given, error_console=Console(stderr=True))
        if command is serve:
            return serve(*bound.args, **bound.kwargs, left=left)
        if left:
            raise Misused(f"nobody knows what {' '.join(left)} means here; see --help")
        return int(command(*bound.args, **bound.kwargs) or 0)
    except CycloptsError as error:
        error.verbose = False  # it would name functions of ours
        return _tell(error, 2)
    except (Misused, Misconfigured) as error:
        return _tell(error, 2)
    except (Failed, HubbubError, CannotListen, StoreInUse, StoreUnusable) as error:
        return _tell(error, 1)
    except KeyboardInterrupt:
        return 130


def _tell(error: Exception, code: int) -> int:
    print(f"hubbub: {error}", file=sys.stderr)
    return code

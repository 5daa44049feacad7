"""`hubbub backup` and `hubbub restore`: a copy of a store while its server goes on, and a store of a copy."""

import asyncio
import os
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console

from hubbub.cli.asked import Data, Database, Place, asked_place, now_ms
from hubbub.cli.errors import Failed, Misused
from hubbub.cli.move import shown
from hubbub.cli.places import check_store, copied, restoring
from hubbub.cli.verify import show, verified
from hubbub.knobs import ServerUrl
from hubbub.storage.copying import TABLES, compare
from hubbub.storage.copying import copy as copy_rows
from hubbub.storage.sqlite.backup import Contents, Restore, contents, copy, written
from hubbub.storage.sqlite.copying import reading
from hubbub.storage.sqlite.directory import DATABASE

Unverified = Annotated[bool, Parameter(name="--no-verify", help="Do not check the copy.")]


def backup(
    *,
    to: Annotated[
        Path, Parameter(help="A new file, or a directory that gets one named after the time.", metavar="PATH")
    ],
    data: Data = None,
    database: Database = None,
    no_verify: Unverified = False,
) -> int:
    """Copy a store into one file, as it is at one moment, also while servers write to it.

    Of a database too the file is one that `hubbub restore` takes.
    """
    where = asked_place(data, database)
    asyncio.run(check_store(where))
    target = to / f"hubbub-{_name()}.db" if to.is_dir() else to
    try:
        with written(target, partial(_copy, where)) as part:
            held = contents(part)
            if not no_verify:
                _check(part, held, "the copy", "The store itself may be: hubbub verify tells.")
    except FileExistsError:
        raise Failed(f"{target} exists already; nothing was written") from None
    except OSError as error:
        raise Failed(f"cannot write {target}: {error.strerror or error}") from error
    print(f"wrote {target}: {_described(held)}")
    return 0


def restore(
    *,
    source: Annotated[
        Path,
        Parameter(name="--from", help="A backup, or a directory with a store in it.", metavar="PATH"),
    ],
    data: Data = None,
    database: Database = None,
    replace: Annotated[
        bool, Parameter(help="Put a store that is there aside, within the directory.")
    ] = False,
    keep_sessions: Annotated[
        bool,
        Parameter(help="Leave people signed in, also those who signed out since the backup."),
    ] = False,
    no_verify: Unverified = False,
) -> int:
    """Make a backup the store of a directory that no server uses, or of a database that is empty.

    Clients are told to read anew, and everybody signs in again.
    """
    where = asked_place(data, database)
    file = source / DATABASE if source.is_dir() else source
    if isinstance(where, Path):
        _restore_directory(file, where, replace, keep_sessions, no_verify)
    elif replace:
        raise Misused("--replace: a store in a database is not put aside; say a database that is empty")
    else:
        _restore_database(file, where, keep_sessions, no_verify)
    return 0


def _restore_directory(
    file: Path, directory: Path, replace: bool, keep_sessions: bool, no_verify: bool
) -> None:
    try:
        with Restore(file, directory, replace=replace) as copy:
            before = contents(copy.file)
            copy.bring_up(os.urandom)
            held = contents(copy.file)
            if not no_verify:
                _check(copy.file, held, "the backup", "--no-verify restores it nevertheless.")
            done = copy.finish(os.urandom, keep_sessions=keep_sessions, aside=f"replaced-{_name()}")
    except OSError as error:
        raise Failed(f"cannot restore into {directory}: {error.strerror or error}") from error
    _tell(file, directory, held, done.epoch, None if keep_sessions else done.sessions_ended)
    if before.form != held.form:
        print(f"brought up from form {before.form} to {held.form}")
    if done.aside is not None:
        print(f"what was there is in {done.aside}")


def _restore_database(file: Path, where: ServerUrl, keep_sessions: bool, no_verify: bool) -> None:
    held = contents(file)
    if not held.newest_form:
        raise Failed(
            f"{file} has the older form {held.form}: restore it into a directory, which brings it up, and"
            " hubbub move it from there"
        )
    if not no_verify:
        _check(file, held, "the backup", "--no-verify restores it nevertheless.")
    epoch = os.urandom(8).hex()
    sessions_ended = asyncio.run(_fill(where, file, epoch, keep_sessions))
    _tell(file, where, held, epoch, sessions_ended)


async def _fill(where: ServerUrl, file: Path, epoch: str, keep_sessions: bool) -> int | None:
    """How many sessions ended, if they had to."""
    with reading(file) as backup:
        async with restoring(where) as store:
            rows = sum([await backup.count(table) for table in TABLES])
            with shown(Console(stderr=True), rows, 0) as (written_rows, compared_rows):
                await copy_rows(backup, store, written_rows)
                await compare(backup, store, compared_rows)
            await store.renew(epoch, os.urandom(32))
            return None if keep_sessions else await store.end_sessions()


def _tell(file: Path, where: Place, held: Contents, epoch: str, sessions_ended: int | None) -> None:
    print(f"restored {where} from {file}: {_described(held)}")
    print(f"its epoch is now {epoch}: clients are told to read anew")
    if sessions_ended is None:
        print("sessions are as they were: whoever has signed out since the backup is signed in again")
    else:
        print(f"sessions ended: {sessions_ended}; everybody signs in again")


def _copy(where: Place, file: Path) -> None:
    """Raises StoreUnusable, OSError."""
    if isinstance(where, Path):
        copy(where / DATABASE, file)
    else:
        asyncio.run(copied(where, file))


def _check(file: Path, held: Contents, what: str, hint: str) -> None:
    """Raises Failed for a copy that is not whole."""
    told = Console(stderr=True)
    if not held.newest_form:
        told.print(f"{what} has the older form {held.form} and was not checked; restoring brings it up")
        return
    report = asyncio.run(verified(file, told))
    if not report.whole:
        show(told, report)
        raise Failed(f"{what} is not whole and was not kept. {hint}")


def _described(held: Contents) -> str:
    newest = ""
    if held.newest_ms is not None:
        newest = f", the newest of {datetime.fromtimestamp(held.newest_ms / 1000, UTC):%Y-%m-%dT%H:%M:%SZ}"
    return f"{held.events:,} events in {held.logs:,} logs{newest}; epoch {held.epoch}"


def _name() -> str:
    """Of this moment, for a file."""
    return datetime.fromtimestamp(now_ms() / 1000, UTC).strftime("%Y%m%dT%H%M%SZ")

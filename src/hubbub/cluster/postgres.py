"""A PostgreSQL of one's own on the loopback, in a directory of its own."""

import asyncio
import os
import re
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from hubbub.cluster import programs
from hubbub.cluster.errors import ClusterFailed
from hubbub.cluster.guard import Guard
from hubbub.cluster.piece import Piece
from hubbub.cluster.ports import LOOPBACK, free_port

START_SECONDS = 60.0
STOP_SECONDS = 20.0

_OWNER = "hubbub"
"""The database, and the role that has it: what a node needs, and no more."""

_SUPERUSER = "postgres"

_ENVIRONMENT = {"LC_ALL": "C", "PATH": os.defpath}
"""Nothing of ours: PGDATA, PGPORT and their like would say something else than we do."""

_SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "200",
    "fsync": "on",
    "synchronous_commit": "on",
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_timezone": "UTC",
}

_TRIES = 5
"""Times it may find that somebody else has taken the port meanwhile."""

_POLL_SECONDS = 0.01

_REMOVING = 'for _ in 1 2 3 4 5 6 7 8 9; do rm -rf "$1" && exit; sleep 0.2; done'
"""More than once, for it may end only now."""


class Postgres(Piece):
    """A server whose data lies in `directory`.

    Always true: it listens on the loopback only, and lets in who has the password, which is random and lies
    in a file that only we may read.
    """

    def __init__(self, directory: Path, *, keep: bool = False, settings: Sequence[str] = ()) -> None:
        """`keep`: what is stored stays there for the next time, also where root had to put it elsewhere;
        `settings`: as `work_mem=64MB`, over ours."""
        super().__init__("PostgreSQL", directory / "postgres.log")
        self._directory = directory
        self._keep = keep
        self._settings = settings
        self._user: str | None = None
        self._programs = Path()
        self._data = Path()
        self._password = ""
        self._port = 0
        self._is_prepared = False
        self._guard: Guard | None = None
        """Of data that lies elsewhere and is not kept."""

    @property
    def url(self) -> str:
        """With the password in it: for nobody's eyes."""
        return self.url_of(_OWNER)

    def url_of(self, database: str) -> str:
        return f"postgresql://{_OWNER}:{self._password}@{self.address}/{database}"

    @property
    def superuser_url(self) -> str:
        """What may do everything; nodes do not need it."""
        return f"postgresql://{_SUPERUSER}:{self._password}@{self.address}/{_OWNER}"

    @property
    def address(self) -> str:
        return f"{LOOPBACK}:{self._port}"

    @property
    def home(self) -> Path:
        """Where its data lies."""
        return self._directory / "postgres"

    async def start(self) -> None:
        if not self._is_prepared:
            await asyncio.to_thread(self._prepare)
            self._is_prepared = True
        for _ in range(_TRIES):
            chosen = self._port or free_port()
            if await self._serves(chosen):
                self._port = chosen
                return
            if self._port:
                break
        raise self._process.failed("did not start")

    async def database(self, name: str) -> str:
        """A new and empty database of that name (letters, digits and `_`); its address."""
        import asyncpg  # not everyone who starts a cluster makes databases in it

        if not re.fullmatch(r"[a-z_][a-z0-9_]{0,62}", name):
            raise ValueError(f"{name!r} is no name for a database")
        connection = await asyncpg.connect(self.superuser_url)
        try:
            await connection.execute(f"CREATE DATABASE {name} OWNER {_OWNER}")
        finally:
            await connection.close()
        return self.url_of(name)

    async def stop(self) -> None:
        """In order: every connection is cut, everything is on disk, the next start has nothing to repair."""
        await self._process.end(signal.SIGINT, STOP_SECONDS)

    async def leave(self, *, at_once: bool = False) -> None:
        """End it, in order if what it stored is kept and there is time; nothing is left outside our
        directory that is not kept."""
        if self._keep and not at_once:
            await self.stop()
        else:
            await self.kill()
        where = self.home
        if where.is_symlink() and not self._keep:
            await asyncio.to_thread(shutil.rmtree, where.resolve(), ignore_errors=True)
            where.unlink()
        if self._guard is not None:
            self._guard.dismiss()
            self._guard = None

    async def _serves(self, port: int) -> bool:
        """Whether it got as far as to answer on that port."""
        settings = {**_SETTINGS, "port": str(port)}
        words = [f"{name}={value}" for name, value in settings.items()] + list(self._settings)
        await self._process.start(
            [str(self._programs / "postgres"), "-D", str(self._data), *(f"--{each}" for each in words)],
            environment=_ENVIRONMENT,
            directory=self._directory,
            user=self._user,
            last_signal=signal.SIGQUIT,  # it ends at once, and takes its own processes with it
        )
        try:
            async with asyncio.timeout(START_SECONDS):
                while not self._says_ready():
                    if not self.is_running:
                        return False
                    await asyncio.sleep(_POLL_SECONDS)
        except TimeoutError:
            await self.kill()
            raise self._process.failed(f"did not answer within {START_SECONDS:g} s") from None
        except BaseException:
            await self.kill()
            raise
        return True

    def _says_ready(self) -> bool:
        """By its lock file, as pg_ctl does: the first line is its process, the eighth how far it is."""
        try:
            lines = (self._data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return len(lines) >= 8 and lines[0] == str(self.pid) and lines[7].strip() == "ready"

    def _prepare(self) -> None:
        self._directory.mkdir(parents=True, exist_ok=True)
        self._programs = programs.postgres_programs()
        self._user = programs.other_user()
        home = self._made_home()
        if self.home.is_symlink() and not self._keep:
            self._guard = self._guard or Guard(_REMOVING, str(home))
        self._data = home / "data"
        secret = home / "password"
        if not (self._data / "PG_VERSION").exists() or not secret.exists():
            self._password = secrets.token_urlsafe(24)
            self._initialise(home, secret)
        self._password = secret.read_text()

    def _made_home(self) -> Path:
        """Where its files lie: in our directory, or, if its user cannot reach that, behind a link."""
        where = self.home
        if where.exists():
            return where.resolve()
        if where.is_symlink():  # to something that was removed
            where.unlink()
        if programs.may_enter(self._directory, self._user):
            where.mkdir(mode=0o700)
        else:
            # What is kept has to be there after a restart of the machine too.
            lasting = "/var/tmp" if self._keep else None  # noqa: S108 - made by mkdtemp
            where.symlink_to(tempfile.mkdtemp(prefix="hubbub-postgres-", dir=lasting))
        home = where.resolve()
        if self._user is not None:
            shutil.chown(home, self._user)
        return home

    def _initialise(self, home: Path, secret: Path) -> None:
        """A new cluster of databases in the place of what an earlier try may have left."""
        shutil.rmtree(self._data, ignore_errors=True)
        secret.unlink(missing_ok=True)
        given = home / "given"
        given.touch(mode=0o600)
        given.write_text(self._password)
        if self._user is not None:
            shutil.chown(given, self._user)
        self._run(
            *("initdb", "-D", str(self._data), "--encoding=UTF8", "--locale=C", f"--username={_SUPERUSER}"),
            *("--auth=scram-sha-256", f"--pwfile={given}"),
        )
        self._run(
            *("postgres", "--single", "-D", str(self._data), "postgres"),
            given=f"CREATE ROLE {_OWNER} LOGIN PASSWORD '{self._password}'\n"
            f"CREATE DATABASE {_OWNER} OWNER {_OWNER}\n",
        )
        given.rename(secret)  # last: with it, all of this is done

    def _run(self, name: str, *words: str, given: str = "") -> None:
        done = subprocess.run(  # noqa: S603
            [str(self._programs / name), *words],
            input=given,
            capture_output=True,
            text=True,
            env=_ENVIRONMENT,
            user=self._user,
            group=self._group(),
            extra_groups=[] if self._user else None,
            cwd="/",
            check=False,
        )
        # In this mode errors of SQL do not end it with a code.
        if done.returncode or "ERROR:" in done.stderr:
            said = (done.stderr or done.stdout).replace(self._password, "…")
            raise ClusterFailed(f"PostgreSQL could not be set up: {name} said\n{said}")

    def _group(self) -> int | None:
        import pwd

        return pwd.getpwnam(self._user).pw_gid if self._user else None

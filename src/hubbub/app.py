"""The server, put together: started, and stopped."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import structlog
import uvicorn
from msgspec.structs import replace
from starlette.types import ASGIApp

from hubbub import housekeeping
from hubbub.admin import Verification, admin_app
from hubbub.api.connections import Connections
from hubbub.api.context import Context
from hubbub.api.guard import SECURITY_FIELDS, without_guard
from hubbub.api.http import build_app
from hubbub.api.outbox import Outbox
from hubbub.api.transport import http_class
from hubbub.api.websocket import websocket_class
from hubbub.backends import Backend, Seams, open_store
from hubbub.config import Config
from hubbub.domain.errors import Damaged, HubbubError, ShuttingDown, StorageAway, StorageFailed
from hubbub.hub import Hub
from hubbub.knobs import Address
from hubbub.membership import Membership
from hubbub.metrics import LAG_BOUNDS_SECONDS, registry
from hubbub.server import CannotListen, Server, bound, listen
from hubbub.service.accounts import Accounts
from hubbub.service.history import History
from hubbub.service.limits import Limits
from hubbub.service.marks import Marks
from hubbub.service.passwords import Passwords
from hubbub.service.posting import Posting
from hubbub.service.rooms import Rooms
from hubbub.service.security import SecurityLog
from hubbub.service.tally import Histogram
from hubbub.service.tickets import Tickets

KEEP_ALIVE_SECONDS = 30
"""How long an idle HTTP connection is kept for the client's next request."""

_CLOSING_SECONDS = 1.0
"""Of the time a stop may take, what is kept for all but waiting for clients."""

_LOOPBACK = ("127.0.0.1", "::1", "localhost")

_log = structlog.get_logger("hubbub.app")


class Running:
    """A server that accepts requests.

    Always true: `ended` is set once somebody asked it to stop, or the store broke; it then waits for whoever
    started it to leave.
    """

    def __init__(
        self,
        config: Config,
        backend: Backend,
        member: Membership,
        context: Context,
        address: Address,
        admin: Address | None,
    ) -> None:
        self.config = config
        self.backend = backend
        self.member = member
        self.store = backend.store
        self.context = context
        self.address = address
        self.admin = admin
        self.broken: StorageFailed | None = None
        self.damages = 0
        """How often the store found something to be damaged."""
        self.is_leaving = False
        """Whether it was asked to stop: it says that it is not ready, and may still serve for a while."""
        self.ended = asyncio.Event()
        self.lag_seconds = Histogram(*LAG_BOUNDS_SECONDS)
        self.servers: list[Server] = []

    @property
    def url(self) -> str:
        return f"{'https' if self.config.tls else 'http'}://{self.address}"

    def leave(self) -> None:
        """Be not ready from now on, and stop once whoever sends people here has had the time to notice; asked
        again, at once."""
        if self.is_leaving or not self.config.drain_seconds:
            self.stop()
        elif not self.ended.is_set():
            _log.info("not ready any more; serving on", seconds=self.config.drain_seconds)
            asyncio.get_running_loop().call_later(self.config.drain_seconds, self.stop)
        self.is_leaving = True

    def stop(self) -> None:
        self.ended.set()

    def force(self) -> None:
        """Wait for nobody any more."""
        self.ended.set()
        for server in self.servers:
            server.force_exit = True

    def broke(self, error: StorageFailed) -> None:
        """The store's last word."""
        _log.critical("the store broke; stopping", reason=str(error.__cause__ or error))
        self.broken = error
        self.ended.set()

    def found_damage(self, damage: Damaged) -> None:
        """The store gave something back that is not what was stored; whoever asked for it is refused."""
        _log.critical(
            "what was stored is damaged: run hubbub verify, and restore a backup",
            log=damage.log,
            seq=damage.seq,
        )
        self.damages += 1

    def trouble(self) -> HubbubError | None:
        """Why no more requests should be sent here."""
        if self.broken:
            return self.broken
        if self.is_leaving or self.ended.is_set():
            return ShuttingDown()
        return None if self.backend.is_up() else StorageAway()

    def farewell(self) -> None:
        """Tell everyone who waits for something that it will not come from here."""
        told = self.context.connections.farewell()
        self.context.hub.dismiss(ShuttingDown)
        _log.info("said good-bye", streams=told)


def assemble(
    config: Config, backend: Backend, member: Membership, passwords: Passwords, seams: Seams
) -> Context:
    """The floors, one upon the other. To be called in the loop that will serve."""
    settings = config.settings
    store, now_ms = backend.store, backend.now_ms
    security = SecurityLog(seams.monotonic)
    if config.limits is None:
        settings = replace(settings, sockets_per_address=0)
        limits = Limits.off()
    else:
        limits = Limits(
            seams.monotonic,
            config.limits,
            refused=lambda policy, whom: security.warn_seldom(
                "throttled", cause=f"{policy} {whom}", policy=policy, whom=whom
            ),
            taken=member.taken,
        )
    soon = asyncio.get_running_loop().call_soon
    hub = Hub(store, failed=lambda error: _log.error("a reader could not be served", reason=str(error)))
    member.begin(hub, limits, backend, seams)
    outbox = Outbox(soon)

    def chance() -> float:
        return int.from_bytes(seams.randomness(4)) / 2**32

    return Context(
        accounts=Accounts(
            store,
            passwords,
            limits,
            now_ms=now_ms,
            randomness=seams.randomness,
            session_seconds=config.session_seconds,
            sign_up_open=config.sign_up_open,
            security=security,
        ),
        rooms=Rooms(store, limits, now_ms=now_ms, randomness=seams.randomness),
        posting=Posting(
            store,
            hub,
            limits,
            now_ms=now_ms,
            monotonic=seams.monotonic,
            randomness=seams.randomness,
            soon=soon,
            flushed=outbox.send,
        ),
        history=History(store, hub, monotonic=seams.monotonic, epoch=store.info.epoch),
        marks=Marks(store, hub),
        tickets=Tickets(store.ticket_secret, now_ms, config.ticket_seconds),
        hub=hub,
        limits=limits,
        security=security,
        connections=Connections(settings, chance=chance),
        outbox=outbox,
        bus=member.bus,
        info=store.info,
        settings=settings,
    )


@asynccontextmanager
async def running(config: Config, seams: Seams | None = None) -> AsyncIterator[Running]:
    """A server with its store, until the block is left; then it takes its leave and all is closed.

    Raises CannotListen, StoreInUse, StoreUnusable, or OSError for a certificate that cannot be used.
    """
    seams = seams or Seams()
    async with AsyncExitStack() as stack:
        sockets = _listen(stack, config.listen, config.backlog, "--listen")
        admin_sockets = _listen(stack, config.admin_listen, 16, "--admin-listen")
        server: Running | None = None

        def broke(error: StorageFailed) -> None:
            if server is not None:  # else nothing was promised yet, and whoever starts us is told
                server.broke(error)

        def found_damage(damage: Damaged) -> None:
            if server is not None:
                server.found_damage(damage)

        backend = await open_store(stack, config, seams, broke=broke, damaged=found_damage)
        member = await Membership.join(stack, config, backend.store.info.epoch, seams)
        passwords = Passwords(config.password_workers, config.password_queue)
        stack.callback(passwords.close)
        context = assemble(config, backend, member, passwords, seams)
        stack.callback(context.hub.end)
        server = Running(
            config, backend, member, context, bound(sockets), bound(admin_sockets) if admin_sockets else None
        )

        app = build_app(context, trouble=server.trouble)
        public = Server(
            _public(config, context, app),
            farewell=server.farewell,
            handshake_seconds=config.settings.head_seconds,
        )
        await _serve(stack, server, public, sockets)
        if admin_sockets:
            metrics = registry(
                context,
                server.lag_seconds,
                backend,
                member,
                damages=lambda: server.damages,
            )
            verification = Verification(backend.audit, config.admin_token_hash, now_ms=backend.now_ms)
            page = without_guard(admin_app(metrics, app, verification))
            await _serve(stack, server, Server(_admin(config, page)), admin_sockets)
        await stack.enter_async_context(_housekeeping(config, server, member))
        _warn(config)
        try:
            yield server
        finally:
            server.stop()


def _listen(stack: AsyncExitStack, address: Address | None, backlog: int, flag: str) -> list[socket.socket]:
    if address is None:
        return []
    try:
        sockets = listen(address, backlog=backlog)
    except CannotListen as error:
        raise CannotListen(f"{error}; choose another with {flag}") from error
    for sock in sockets:
        stack.callback(sock.close)
    return sockets


async def _serve(
    stack: AsyncExitStack, running: Running, server: Server, sockets: list[socket.socket]
) -> None:
    """Accept requests from here on, and have `stack` end that."""
    task = asyncio.get_running_loop().create_task(server.serve(sockets))
    running.servers.append(server)

    async def end() -> None:
        if running.broken:
            server.config.timeout_graceful_shutdown = 1
        server.leave()
        await task

    stack.push_async_callback(end)
    await server.ready.wait()


@asynccontextmanager
async def _housekeeping(config: Config, server: Running, member: Membership) -> AsyncIterator[None]:
    backend = server.backend
    work = [
        housekeeping.beat(server.context),
        housekeeping.look_after_sessions(server.context),
        housekeeping.measure_lag(server.lag_seconds),
        member.keep(),
    ]
    if config.retention_days is not None:
        work.append(housekeeping.retain(backend.store, server.context, config.retention_days, backend.now_ms))
    tasks = [asyncio.get_running_loop().create_task(each) for each in work]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _public(config: Config, context: Context, app: ASGIApp) -> uvicorn.Config:
    tls = config.tls
    return _uvicorn(
        app,
        http=http_class(context),
        ws=websocket_class(context),
        access_log=config.access_log,
        backlog=config.backlog,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=max(1, int(config.stop_seconds - _CLOSING_SECONDS)),
        ssl_certfile=tls.certificate if tls else None,
        ssl_keyfile=tls.key if tls else None,
    )


def _admin(config: Config, app: ASGIApp) -> uvicorn.Config:
    # uvicorn has one access log for all its servers, and a server that wants none takes it from the others.
    return _uvicorn(
        app,
        http="httptools",
        ws="none",
        access_log=config.access_log,
        timeout_graceful_shutdown=1,
        headers=[(name.decode(), value.decode()) for name, value in SECURITY_FIELDS],
    )


def _uvicorn(app: ASGIApp, **more: Any) -> uvicorn.Config:
    """What both listeners have in common. Raises OSError for a certificate that cannot be used."""
    # The application reads X-Forwarded-* itself, from those it was told to trust.
    config = uvicorn.Config(
        app, lifespan="off", log_config=None, proxy_headers=False, server_header=False, workers=1, **more
    )
    config.load()
    return config


def _warn(config: Config) -> None:
    """Of what nobody should do without knowing."""
    if config.limits is None:
        _log.warning("limits are off: nobody is held back, by rate or by address; for load tests only")
    public_url = config.settings.public_url or ""
    if config.listen.host not in _LOOPBACK and config.tls is None and not public_url.startswith("https:"):
        _log.warning(
            "passwords and tokens travel unencrypted: set --tls-cert and --tls-key, or put a proxy with TLS "
            "before this server and set --public-url",
            listen=str(config.listen),
        )

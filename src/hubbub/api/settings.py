"""The bounds and addresses of the wire, each with its default. `config` reads them."""

import msgspec


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The bounds and addresses of the wire. Every one can be set by whoever runs the server."""

    public_url: str | None = None
    """Where people reach this server, without a trailing slash; None: the request's own host."""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses or networks (CIDR) whose X-Forwarded-* headers are believed."""
    cors_origins: tuple[str, ...] = ()
    """Other sites whose pages may call this API with a bearer token."""
    max_body_bytes: int = 128 * 1024
    max_head_bytes: int = 16 * 1024
    max_frame_bytes: int = 64 * 1024
    head_seconds: float = 10.0
    """How long a connection may take to begin with TLS, to send a request's head, or to sign in."""
    body_seconds: float = 30.0
    max_wait_seconds: int = 60
    """The longest long poll."""
    streams_per_session: int = 32
    """Live streams of one session, all transports together."""
    sockets_per_address: int = 512
    subscriptions_per_stream: int = 1000
    """Over WebSocket; over SSE and NDJSON the logs are named in one URL, which bounds them too."""
    requests_in_flight: int = 128
    """Requests of one WebSocket that may await their replies; further ones are left unread."""
    write_buffer_bytes: int = 64 * 1024
    """What may wait in the server for one reader; with more it is behind, and reads at its own pace."""
    ping_seconds: float = 25.0
    heartbeat_seconds: float = 20.0
    retry_seconds: float = 3.0
    """The mean of the `retry:` of event streams; each client gets its own, from a half to one and a half."""
    herd_seconds: float = 5.0
    """At shutdown clients are asked to come back spread over this long."""

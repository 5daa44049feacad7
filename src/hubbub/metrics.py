"""What an operator can watch: plain numbers kept elsewhere, put into Prometheus' words when asked.

Nothing is counted here, and no hot path knows of this module.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

import hubbub
from hubbub.api.context import Context
from hubbub.backends import Backend
from hubbub.membership import Membership
from hubbub.service.tally import Histogram

LAG_BOUNDS_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


def registry(
    context: Context,
    loop_lag_seconds: Histogram,
    backend: Backend,
    member: Membership,
    *,
    damages: Callable[[], int],
) -> CollectorRegistry:
    """All there is to see of one server. A registry of its own: two servers in a process do not mix.

    `damages`: how often the store withheld what was damaged.
    """
    metrics = CollectorRegistry()
    metrics.register(ServerCollector(context, loop_lag_seconds, backend, member, damages))
    ProcessCollector(registry=metrics)
    PlatformCollector(registry=metrics)
    GCCollector(registry=metrics)
    return metrics


class ServerCollector(Collector):
    def __init__(
        self,
        context: Context,
        loop_lag_seconds: Histogram,
        backend: Backend,
        member: Membership,
        damages: Callable[[], int],
    ) -> None:
        self._context = context
        self._backend = backend
        self._member = member
        self._damages = damages
        self._loop_lag_seconds = loop_lag_seconds

    def collect(self) -> Iterator[Metric]:
        context, posting, hub = self._context, self._context.posting, self._context.hub
        yield InfoMetricFamily(
            "hubbub",
            "What runs here.",
            value={
                "version": hubbub.__version__,
                "store": context.info.backend,
                "store_version": context.info.version,
                "epoch": context.info.epoch,
            },
        )
        connections = GaugeMetricFamily(
            "hubbub_connections", "Live streams that are open.", labels=["transport"]
        )
        for transport, count in sorted(context.connections.by_transport.items()):
            connections.add_metric([transport], count)
        yield connections
        yield _gauge("hubbub_tasks", "What the event loop has under way.", len(asyncio.all_tasks()))
        yield _counter("hubbub_posts", "Messages accepted, repeated ones included.", posting.posts)
        yield _counter(
            "hubbub_posts_repeated", "Posts whose key had been used: answered, not stored.", posting.repeated
        )
        yield _counter("hubbub_posts_shed", "Posts refused because too many came at once.", posting.shed)
        yield _counter("hubbub_deliveries", "Events handed to live streams.", hub.deliveries)
        yield _counter("hubbub_flushes", "Times a log's new events were handed out together.", hub.flushes)
        yield _gauge("hubbub_behind_readers", "Subscriptions that are not at their log's head.", hub.behind)
        yield _gauge("hubbub_logs_in_memory", "Logs somebody listens to.", hub.logs_in_memory)
        yield _gauge("hubbub_queue_depth", "Posts that await their commit.", posting.queued)
        yield _gauge(
            "hubbub_syncs_apart",
            "1 while the disk is so slow to sync that it is waited for in a thread.",
            self._backend.syncs_apart(),
        )
        yield _gauge("hubbub_database_up", "1 while the database can be reached.", self._backend.is_up())
        yield from self._of_the_cluster()
        yield _histogram("hubbub_commit_batch_size", "Posts written together.", self._backend.batch_sizes)
        yield _histogram(
            "hubbub_commit_seconds",
            "From the end of a turn of the loop until its posts were on disk.",
            posting.commit_seconds,
        )
        yield _histogram(
            "hubbub_loop_lag_seconds",
            "How late the event loop came to something that was due.",
            self._loop_lag_seconds,
        )
        yield _counter(
            "hubbub_damaged_reads",
            "Times the disk gave back something else than was stored, and it was withheld.",
            self._damages(),
        )
        yield _counter(
            "hubbub_sign_in_failures",
            "Sign-ins with a wrong name or password.",
            context.accounts.sign_in_failures,
        )

    def _of_the_cluster(self) -> Iterator[Metric]:
        bus, relay = self._member.bus, self._member.relay
        if bus is None or relay is None:
            return
        yield _gauge("hubbub_bus_up", "1 while the bus carries what nodes tell each other.", bus.up)
        yield _counter("hubbub_bus_messages_sent", "Messages to other nodes.", relay.sent)
        yield _counter("hubbub_bus_messages_heard", "Messages of other nodes.", relay.heard_messages)
        yield _counter(
            "hubbub_bus_messages_not_understood",
            "Messages of other nodes that this version cannot read.",
            relay.not_understood,
        )
        yield _counter(
            "hubbub_repairs",
            "Times something was read from the database that no message had told of in time.",
            self._context.hub.repairs,
        )


def _counter(name: str, help: str, value: float) -> Metric:
    return CounterMetricFamily(name, help, value=value)


def _gauge(name: str, help: str, value: float) -> Metric:
    return GaugeMetricFamily(name, help, value=value)


def _histogram(name: str, help: str, tally: Histogram) -> Metric:
    return HistogramMetricFamily(name, help, buckets=_buckets(tally), sum_value=tally.total)


def _buckets(tally: Histogram) -> Sequence[tuple[str, float]]:
    """Prometheus counts what is at or below each bound, with everything below it."""
    buckets: list[tuple[str, float]] = []
    below = 0
    for bound, count in zip((*tally.bounds, float("inf")), tally.counts, strict=True):
        below += count
        buckets.append(("+Inf" if bound == float("inf") else str(float(bound)), below))
    return buckets

"""``/metrics`` for Prometheus, on a port of its own.

The numbers tell how a business goes, so they are off by default and never on the port that buyers reach: a proxy
that passes everything on to the gateway cannot give them away.

Counts and sums come from the database, so a restart loses none; only ``node_errors`` and ``bytes_served`` begin at 0.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import chain

import structlog
from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import Connection, select

from bitcache.errors import BadInput
from bitcache.storage.sqlite_only_sql import insertion_order
from bitcache.storage.tables import grant, invoice
from bitcache.wallet_connections import connection_id_of
from gateway.context import GatewayContext
from gateway.diagnostics.facts import Ledger, ledger_facts
from gateway.server.listener import Listener
from gateway.server.malformed_requests import Limits, Runner
from gateway.visitor_limits import VisitorLimits
from gateway.wallet_ports import ChainStatus, ConnectionHealth

#: Upper ends, in seconds: what is released at once, within a block or some, within hours.
BUCKETS = (1, 5, 30, 60, 300, 600, 1_200, 2_400, 3_600, 7_200, 21_600, 86_400)
NODE_SECONDS = 5.0
#: Connections to the metrics' port at once, and how long one may hold its place.
MOST_READERS, IDLE_SECONDS = 32, 30.0
STATES = ("new", "processing", "settled", "expired", "invalid")

log = structlog.get_logger("gateway.diagnostics.metrics")


@dataclass
class Releases:
    """Every release ever, by the seconds from first sight to release; reads only what is new since the last time."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS) + 1))
    seconds: int = 0
    last_row: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.counts)

    def read(self, conn: Connection) -> None:
        """Read the newest grants: they are never deleted, and numbered as they come."""
        number = insertion_order(grant)
        rows = (
            select(grant.c.granted_at, invoice.c.seen_at, number.label("number"))
            .join(invoice, invoice.c.purchase_id == grant.c.purchase_id)
            .where(number > self.last_row)
            .order_by(number)
        )
        for row in conn.execute(rows):
            self._add(max(0, row.granted_at - (row.seen_at or row.granted_at)))
            self.last_row = row.number

    def _add(self, seconds: int) -> None:
        bucket = next((n for n, end in enumerate(BUCKETS) if seconds <= end), len(BUCKETS))
        self.counts[bucket] += 1
        self.seconds += seconds

    def metric(self) -> HistogramMetricFamily:
        """Return as Prometheus wants it: each bucket holds those below it too."""
        name, text = "bitcache_seen_to_settled_seconds", "From a payment's first sight to its release"
        ends = [str(end) for end in BUCKETS] + ["+Inf"]
        cumulative = [sum(self.counts[: n + 1]) for n in range(len(ends))]
        return HistogramMetricFamily(
            name, text, buckets=list(zip(ends, cumulative, strict=True)), sum_value=self.seconds
        )


class Metrics:
    """What one scrape says."""

    def __init__(self, context: GatewayContext) -> None:
        self._context = context
        self._releases = Releases()

    async def text(self) -> bytes:
        """Return the exposition."""
        facts = await self._context.store.read(self._read)
        status = await self._status()
        registry = CollectorRegistry()
        wallets = _of_wallets(self._context.connections.health(), self._context.clock())
        parts = (self._of_chain(status, facts), self._of_ledger(facts), wallets, self._of_process())
        registry.register(_Ready(chain.from_iterable(parts)))
        return generate_latest(registry)

    def _read(self, conn: Connection) -> Ledger:
        self._releases.read(conn)
        return ledger_facts(conn)

    async def _status(self) -> ChainStatus | None:
        """Return how the chain source is; None when it takes too long, so that it cannot hang the scrape."""
        try:
            async with asyncio.timeout(NODE_SECONDS):
                return await self._context.source.status()
        except TimeoutError:
            return None

    def _of_chain(self, status: ChainStatus | None, facts: Ledger) -> Iterator[Metric]:
        yield GaugeMetricFamily("bitcache_node_up", "1: the node answers", int(status is not None and status.reachable))
        if status is not None and status.reachable and facts.cursor:
            lag = max(0, status.height - facts.cursor.height)
            yield GaugeMetricFamily("bitcache_cursor_lag_blocks", "Blocks of the node not processed yet", lag)
        if status is not None and status.tip_time is not None:
            age = max(0, self._context.clock() - status.tip_time)
            yield GaugeMetricFamily("bitcache_tip_age_seconds", "Age of the node's newest block", age)
        watched = self._context.watcher.status.synced_at
        if watched is not None:
            silence = self._context.clock() - watched
            yield GaugeMetricFamily("bitcache_watched_seconds_ago", "Since the chain was last read to its end", silence)

    def _of_ledger(self, facts: Ledger) -> Iterator[Metric]:
        invoices = GaugeMetricFamily("bitcache_invoices", "Invoices by state", labels=["state"])
        for state in STATES:
            invoices.add_metric([state], facts.invoices.get(state, 0))
        yield invoices
        yield self._releases.metric()
        yield CounterMetricFamily("bitcache_releases", "Files released", self._releases.total)
        yield GaugeMetricFamily("bitcache_losses", "Released purchases whose payment was undone", facts.losses)
        yield GaugeMetricFamily("bitcache_lost_sat", "What those asked for", facts.lost_sat)
        yield GaugeMetricFamily("bitcache_exposure_sat", "Released, and in no block yet (or lost)", facts.exposure_sat)
        yield GaugeMetricFamily("bitcache_unread_events", "Events not delivered to open pages yet", facts.unread_events)
        yield GaugeMetricFamily("bitcache_open_reports", "Reports that wait for the operator", facts.open_reports)
        yield GaugeMetricFamily("bitcache_taken_down_files", "Files that the operator took down", facts.taken_down)

    def _of_process(self) -> Iterator[Metric]:
        errors = CounterMetricFamily("bitcache_node_errors", "Failed looks at the chain, by code", labels=["code"])
        for code, count in sorted(self._context.watcher.status.failures.items()):
            errors.add_metric([code], count)
        yield errors
        served = self._context.counters.bytes_served
        yield CounterMetricFamily("bitcache_served_bytes", "Sealed bytes sent to buyers", served)


def _of_wallets(wallets: dict[str, ConnectionHealth], now: int) -> Iterator[Metric]:
    """Yield what is known of Lightning wallets; a connection's label is its number, which its seller's page names."""
    states = GaugeMetricFamily("bitcache_wallets", "Lightning wallets that are asked, by state", labels=["state"])
    failing = sum(health.failures > 0 for health in wallets.values())
    states.add_metric(["ok"], len(wallets) - failing)
    states.add_metric(["failing"], failing)
    label = ["connection"]
    silence = GaugeMetricFamily("bitcache_wallet_silence_seconds", "Since a wallet answered last", labels=label)
    invoices = CounterMetricFamily("bitcache_wallet_invoices", "Invoices that a wallet made", labels=label)
    lookups = CounterMetricFamily("bitcache_wallet_lookups", "Invoices looked up in a wallet", labels=label)
    failed = CounterMetricFamily("bitcache_wallet_failures", "Questions that a wallet did not answer", labels=label)
    for scope, health in wallets.items():
        number = [str(connection_id_of(scope))]
        if health.last_answer is not None:
            silence.add_metric(number, max(0, now - health.last_answer))
        invoices.add_metric(number, health.invoices)
        lookups.add_metric(number, health.lookups)
        failed.add_metric(number, health.failed)
    yield from (states, silence, invoices, lookups, failed)


class _Ready(Collector):
    """Families that are made already."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = list(families)

    def collect(self) -> Iterable[Metric]:
        return self._families


@asynccontextmanager
async def listening(context: GatewayContext) -> AsyncIterator[str | None]:
    """Serve ``/metrics`` where the settings say, or nowhere; yields its address."""
    settings = context.settings.metrics
    if not settings.enabled:
        yield None
        return
    metrics = Metrics(context)

    async def answer(_: web.Request) -> web.Response:
        headers = {"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
        return web.Response(body=await metrics.text(), headers=headers)

    app = web.Application()
    app.router.add_get("/metrics", answer)
    runner = Runner(app, access_log=None, keepalive_timeout=IDLE_SECONDS)
    await runner.setup()
    try:
        places = Limits(first_request=IDLE_SECONDS, idle_when_crowded=IDLE_SECONDS, reading=IDLE_SECONDS)
        readers = VisitorLimits(MOST_READERS, MOST_READERS)
        await Listener(runner, settings.host, settings.port, readers, places, ()).start()
        host, port = runner.addresses[0][:2]
        url = f"http://[{host}]:{port}/metrics" if ":" in host else f"http://{host}:{port}/metrics"
        log.info("metrics", url=url)
        yield url
    except OSError as error:
        hint = "Another program has the port: change metrics.port."
        raise BadInput(f"cannot serve metrics there: {error.strerror}", hint=hint) from None
    finally:
        await runner.cleanup()

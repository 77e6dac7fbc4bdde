"""/healthz: whether a sale made this moment would be watched, written down and stored.  It tries; it does not guess."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

from aiohttp import web

from bitcache import __version__
from bitcache.errors import BitcacheError
from bitcache.storage import sqlite_only_sql
from gateway.api.models import DatabaseHealth, Health, NodeHealth, SalesHealth, StorageHealth, WalletsHealth
from gateway.api.request_bodies import reply
from gateway.context import GatewayContext, context_of
from gateway.diagnostics import facts

#: The watcher looks at least every ten seconds; after this long without success something is wrong.
WATCHER_SILENCE = 120
#: Answers are this fresh: many askers at once cost one look.
FRESH_SECONDS = 2.0
NODE_SECONDS = 5.0


@dataclass
class _Last:
    """The last answer, and whoever is getting the next one."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    health: Health | None = None
    at: float = 0.0


_LAST: web.AppKey[_Last] = web.AppKey("health", _Last)


def install(app: web.Application) -> None:
    """Add the route and what it remembers."""
    app[_LAST] = _Last()
    app.router.add_get("/healthz", healthz)


async def healthz(request: web.Request) -> web.Response:
    """200 when all is well, else 503; the body says what is not."""
    last = request.app[_LAST]
    async with last.lock:
        if last.health is None or time.monotonic() - last.at > FRESH_SECONDS:
            last.health, last.at = await look(context_of(request)), time.monotonic()
        health = last.health
    return reply(health, status=200 if health.status == "ok" else 503)


async def look(context: GatewayContext) -> Health:
    """Return the truth about node, database and storage."""
    node, database, storage = await asyncio.gather(_node(context), _database(context), _storage(context))
    why = context.readiness.reason
    return Health(
        status="ok" if node.ok and database.ok and storage.ok and why is None else "degraded",
        node=node,
        database=database,
        storage=storage,
        sales=SalesHealth(ok=why is None, error=why),
        wallets=_wallets(context),
        version=__version__,
    )


async def _node(context: GatewayContext) -> NodeHealth:
    watched = context.watcher.status
    try:
        async with asyncio.timeout(NODE_SECONDS):
            status = await context.source.status()
        reachable, synced, height, headers = status.reachable, status.synced, status.height, status.headers
        error, warning = status.error or watched.error, status.warning
    except TimeoutError:
        reachable, synced, height, headers, error, warning = False, False, 0, 0, watched.error, "no answer in time"
    recent = watched.synced_at is not None and context.clock() - watched.synced_at <= WATCHER_SILENCE
    return NodeHealth(
        ok=reachable and synced and recent and error is None,
        source=context.source.name,
        network=context.rails.network,
        height=height,
        headers=headers,
        synced=synced,
        watched_height=watched.cursor.height if watched.cursor else None,
        watched_at=watched.synced_at,
        error=error.code if error else None,
        warning=warning,
    )


def _wallets(context: GatewayContext) -> WalletsHealth:
    health = context.connections.health().values()
    failing = sum(wallet.failures > 0 for wallet in health)
    return WalletsHealth(ok=len(health) - failing, failing=failing)


async def _database(context: GatewayContext) -> DatabaseHealth:
    try:
        await context.store.write(sqlite_only_sql.probe_write)
    except BitcacheError as error:
        return DatabaseHealth(ok=False, error=error.code)
    return DatabaseHealth(ok=True, error=None)


async def _storage(context: GatewayContext) -> StorageHealth:
    settings = context.settings.storage
    try:
        free = await asyncio.to_thread(facts.probe_storage, settings.directory)
    except OSError:
        return StorageHealth(ok=False, free_bytes=0, error="storage")
    enough = free > settings.min_free_bytes
    return StorageHealth(ok=enough, free_bytes=free, error=None if enough else "disk_full")

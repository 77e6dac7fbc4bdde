"""The aiohttp application and its life: made, served, ended in order."""

from __future__ import annotations

import asyncio
import gc
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from aiohttp import web

from bitcache.errors import BadInput
from gateway.api import (
    accounts,
    buyer,
    download,
    event_stream,
    health,
    openapi,
    own_files,
    reports,
    sales,
    seller,
    uploads,
    wallet_connection,
)
from gateway.compose import running
from gateway.config.settings import Settings
from gateway.context import CONTEXT, GatewayContext
from gateway.demo import api
from gateway.diagnostics import logs, metrics
from gateway.server import middlewares, response_pacing
from gateway.server.listener import Listener, connections_allowed
from gateway.server.malformed_requests import Limits, Runner
from gateway.visitor_limits import VisitorLimits
from gateway.web import pages

#: A connection without its first whole request head for this long is closed.
HEAD_SECONDS = 15.0
#: So is one that sends nothing, or only half of a further request head, for this long.
IDLE_SECONDS = 75.0
#: And for this long while there is little room for others.
CROWDED_IDLE_SECONDS = 5.0
#: How long a refused sender may go on sending before its connection is cut: it should still read the answer.
LINGER_SECONDS = 3.0
#: What a shutdown grants to requests in flight.
GRACE_SECONDS = 5.0

log = structlog.get_logger("gateway")


def make_app(context: GatewayContext) -> web.Application:
    """Return the application over a running gateway's context."""
    passes = [middlewares.access_log, middlewares.problems, response_pacing.bounded, middlewares.cross_origin]
    app = web.Application(middlewares=passes)
    app[CONTEXT] = context
    limits = context.settings.limits
    app[response_pacing.VISITORS] = VisitorLimits(limits.answers_per_visitor, limits.connections)
    app.on_response_prepare.append(middlewares.security_headers)
    app.on_response_prepare.append(uploads.version_header)
    for module in (
        accounts,
        seller,
        own_files,
        reports,
        sales,
        wallet_connection,
        uploads,
        buyer,
        download,
        event_stream,
        openapi,
    ):
        app.add_routes(module.routes())
    health.install(app)
    if context.demo_wallet is not None:
        app.add_routes(api.routes())
        app.cleanup_ctx.append(api.mining)
    app.add_routes(pages.routes())
    app.on_shutdown.append(_end_streams)
    return app


@asynccontextmanager
async def listening(context: GatewayContext) -> AsyncIterator[str]:
    """Serve on the configured address; yields the address that is really listened on."""
    runner = Runner(
        make_app(context),
        access_log=None,
        auto_decompress=False,  # what is uploaded is stored as it is
        keepalive_timeout=IDLE_SECONDS,
        lingering_time=LINGER_SECONDS,
        shutdown_timeout=GRACE_SECONDS,
    )
    await runner.setup()
    try:
        await _bind(_listener(runner, context.settings))
        host, port = runner.addresses[0][:2]
        url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        log.info("listening", url=url, public_url=context.settings.public_url, network=context.rails.network)
        yield url
    finally:
        await runner.cleanup()
        log.info("stopped")


async def serve(settings: Settings) -> None:
    """Run the gateway until SIGINT or SIGTERM."""
    logs.configure(settings.log)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with running(settings) as context, metrics.listening(context), listening(context):
        freeze_gc()
        await stop.wait()


def freeze_gc() -> None:
    """Keep what was loaded out of the collector: each full collection would look through it, and stop all for 0.1 s."""
    gc.collect()
    gc.freeze()


def _listener(runner: Runner, settings: Settings) -> Listener:
    server, limits = settings.server, settings.limits
    visitors = VisitorLimits(limits.connections_per_visitor, connections_allowed(limits.connections))
    places = Limits(HEAD_SECONDS, CROWDED_IDLE_SECONDS, limits.send_seconds)
    return Listener(runner, server.host, server.port, visitors, places, server.trusted_proxies)


async def _bind(site: Listener) -> None:
    try:
        await site.start()
    except OSError as error:
        raise BadInput(
            f"cannot listen there: {error.strerror}", hint="Another program has the port: change server.port."
        ) from None


async def _end_streams(app: web.Application) -> None:
    """End event streams; uploads keep what arrived."""
    app[CONTEXT].hub.close()

"""The seller's calls about a Lightning wallet: try it, connect it, ask it no more."""

from __future__ import annotations

from aiohttp import web

from bitcache import wallet_connections
from bitcache.wallet_connections import NewConnection, WalletConnection
from gateway.api import authentication, models
from gateway.api.request_bodies import json_body, reply
from gateway.context import GatewayContext, context_of


def routes() -> list[web.RouteDef]:
    """Return the routes of this module."""
    path = "/api/v1/seller/connection"
    return [web.post(path + "/check", check), web.put(path, connect), web.delete(path, disconnect)]


async def check(request: web.Request) -> web.Response:
    """Ask the wallet what it is; change nothing."""
    await authentication.seller(request)
    tried = await _tried(request)
    return reply(
        models.WalletConnection(
            rail=tried.rail, kind=tried.kind, label=tried.label, created_at=None, last_answer=None, failures=0
        )
    )


async def connect(request: web.Request) -> web.Response:
    """Ask the wallet what it is, then ask it for the invoices of new purchases."""
    context = context_of(request)
    seller = await authentication.seller(request)
    tried = await _tried(request)
    made = await context.store.write(
        lambda conn: wallet_connections.connect(conn, context.master_key, seller.id, tried, context.clock())
    )
    context.connections.note_answer(made.scope)
    context.rail_follower.wake()
    return reply(model_of(context, made))


async def disconnect(request: web.Request) -> web.Response:
    """Ask this seller's wallet for no more invoices; those that are open are still looked up."""
    seller = await authentication.seller(request)
    await context_of(request).store.write(lambda conn: wallet_connections.disconnect(conn, seller.id))
    return web.Response(status=204)


def model_of(context: GatewayContext, connection: WalletConnection) -> models.WalletConnection:
    """Return the connection as its seller sees it."""
    health = context.connections.health_of(connection.scope)
    return models.WalletConnection(
        rail=connection.rail,
        kind=connection.kind,
        label=connection.label,
        created_at=connection.created_at,
        last_answer=health.last_answer,
        failures=health.failures,
    )


async def _tried(request: web.Request) -> NewConnection:
    asked = await json_body(request, models.ConnectRequest)
    return await context_of(request).connections.try_connection(asked.connection)

"""The seller's calls about a Lightning wallet: try it, connect it, ask it no more."""

from __future__ import annotations

from aiohttp import web
from sqlalchemy import Connection

from bitcache import account_events, payout_changes, wallet_connections
from bitcache.access_tokens import Scope
from bitcache.account_events import AccountEventKind
from bitcache.payout_changes import PayoutChange
from bitcache.wallet_connections import WalletConnection
from gateway.api import authentication, models
from gateway.api.money_proof import may_move_money
from gateway.api.request_bodies import json_body, reply
from gateway.context import GatewayContext, context_of


def routes() -> list[web.RouteDef]:
    """Return the routes of this module."""
    path = "/api/v1/seller/connection"
    return [web.post(path + "/check", check), web.put(path, connect), web.delete(path, disconnect)]


async def check(request: web.Request) -> web.Response:
    """Ask the wallet what it is; change nothing."""
    await authentication.seller(request, Scope.ACCOUNT)
    asked = await json_body(request, models.ConnectRequest)
    tried = await context_of(request).connections.try_connection(asked.connection)
    return reply(
        models.WalletConnection(
            rail=tried.rail, kind=tried.kind, label=tried.label, created_at=None, last_answer=None, failures=0
        )
    )


async def connect(request: web.Request) -> web.Response:
    """Ask the wallet what it is, then ask it for invoices: at once, or (202) after the seller's delay."""
    context = context_of(request)
    access = await authentication.access(request, Scope.ACCOUNT)
    asked = await json_body(request, models.ConnectRequest)
    await context.store.read(lambda conn: may_move_money(conn, access, asked.proof))
    tried = await context.connections.try_connection(asked.connection)

    def change(conn: Connection) -> tuple[WalletConnection, PayoutChange | None]:
        may_move_money(conn, access, asked.proof)
        kept = wallet_connections.keep(conn, context.master_key, tried, context.clock())
        return kept, payout_changes.request(conn, access.seller.id, context.clock(), connection_id=kept.id)

    made, waits = await context.store.write(change)
    context.connections.note_answer(made.scope)
    context.rail_follower.wake()
    return reply(model_of(context, made), status=200 if waits is None else 202)


async def disconnect(request: web.Request) -> web.Response:
    """Ask this seller's wallet for no more invoices; those that are open are still looked up."""
    seller = await authentication.seller(request, Scope.ACCOUNT)
    context = context_of(request)

    def end(conn: Connection) -> None:
        if wallet_connections.disconnect(conn, seller.id):
            account_events.add(conn, seller.id, AccountEventKind.DISCONNECTED, context.clock())

    await context.store.write(end)
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

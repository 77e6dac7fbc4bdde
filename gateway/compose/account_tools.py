"""What an operator makes beside a running gateway: invitations, and tokens for sellers' programs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import Connection

from bitcache import access_tokens, account_events, accounts, sellers
from bitcache.access_tokens import Scope
from bitcache.account_events import AccountEventKind
from bitcache.errors import BadInput
from bitcache.sellers_overview import SellerOverview, sellers_overview
from bitcache.storage.database import Store
from gateway.compose.init_data_folder import set_up
from gateway.config.settings import Settings
from wallet.watcher import unix_time

DAY = 86_400


async def make_invite(settings: Settings, days: int) -> str:
    """Return the secret of an invitation for one seller."""
    now = unix_time()
    async with beside(settings) as store:
        return await store.write(lambda conn: accounts.make_invite(conn, now, now + days * DAY))


async def make_token(settings: Settings, seller: str | None, name: str, scope: Scope) -> str:
    """Return a new token of the seller of that name (None: the only one); raise BadInput, TooManyTokens."""
    now = unix_time()
    async with beside(settings) as store:
        found = await store.read(lambda conn: sellers.named(conn, seller))
        if len(found) != 1:
            raise BadInput(
                "there is no seller of that name" if not found else f"{len(found)} sellers could be meant",
                hint="Name one with --seller.",
            )

        def make(conn: Connection) -> str:
            account_events.add(conn, found[0].id, AccountEventKind.TOKEN_MADE, now, name)
            return access_tokens.make_token(conn, found[0].id, name, scope, now)

        return await store.write(make)


async def all_sellers(settings: Settings, most: int) -> list[SellerOverview]:
    """Return who sells here, those with the most bytes first."""
    async with beside(settings) as store:
        return await store.read(lambda conn: sellers_overview(conn, most))


@asynccontextmanager
async def beside(settings: Settings) -> AsyncIterator[Store]:
    """Yield the database of a gateway that may be running."""
    store = await Store.open(set_up(settings).database)
    try:
        yield store
    finally:
        await store.close()

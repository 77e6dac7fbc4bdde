"""A data folder made, found, and what a seller typed read as the gateway would."""

from __future__ import annotations

import asyncio

from sqlalchemy import Connection

from bitcache import sellers
from bitcache.errors import InvalidSettings
from bitcache.identifiers import new_secret, token_hash
from bitcache.master_key import MasterKey
from bitcache.payment_rail import PayoutTerms
from bitcache.storage.database import Store
from gateway.config.data_folder import DataFolder
from gateway.config.settings import Settings
from wallet.rails.onchain import OnChainRail
from wallet.watcher import unix_time


async def init_data_folder(settings: Settings, name: str = "seller", terms: PayoutTerms | None = None) -> str:
    """Make the data folder, its keys, its database and the first seller; returns the token, which is kept nowhere.

    With ``terms`` (from :func:`check_payout`) the seller is paid there.
    Raise InvalidSettings when there is a seller already.
    """
    folder = DataFolder(settings.storage.directory)
    folder.create()
    with folder.locked():
        MasterKey.load_or_create(folder.master_key)
        folder.load_buyer_secret()
        folder.database.touch(mode=0o600)  # what SQLite makes beside it gets the same mode
        store = await Store.open(folder.database)
        try:
            return await _first_seller(store, name, terms)
        finally:
            await store.close()


async def check_payout(settings: Settings, text: str, script_type: str | None = None) -> PayoutTerms:
    """Read a descriptor or extended key as the gateway would; raise InvalidDescriptor and its kin."""
    rail = OnChainRail(settings.bitcoin.network, set())
    return await asyncio.to_thread(rail.check, text, script_type)


def set_up(settings: Settings) -> DataFolder:
    """Return the data folder; raise InvalidSettings when ``bitcache init`` has not been there."""
    folder = DataFolder(settings.storage.directory)
    if not folder.master_key.exists() or not folder.database.exists():
        raise InvalidSettings("this data folder is not set up", hint="Run: bitcache init")
    return folder


async def _first_seller(store: Store, name: str, terms: PayoutTerms | None) -> str:
    token, now = new_secret(), unix_time()
    if await store.read(sellers.any_seller):
        raise InvalidSettings("this data folder is set up already", hint="Start the gateway: bitcache serve")

    def create(conn: Connection) -> None:
        seller = sellers.create_seller(conn, name, token_hash(token), now)
        if terms is not None:
            sellers.set_payout(conn, seller, OnChainRail.name, terms, now)

    await store.write(create)
    return token

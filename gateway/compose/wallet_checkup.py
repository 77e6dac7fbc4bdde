"""How the wallets are that sellers connected, asked from outside a running gateway: for ``bitcache doctor``."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from bitcache.chain_errors import WalletUnreachable
from bitcache.errors import BitcacheError
from bitcache.master_key import MasterKey
from bitcache.wallet_connections import WalletConnection
from gateway.compose.connected_wallets import ask_what_it_is, opener
from gateway.config.settings import Settings
from wallet.lightning.open_connection import Opener
from wallet.watcher import unix_time

PATIENCE_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class WalletFacts:
    """A connection, and why its wallet cannot be asked; None: it answers."""

    connection: WalletConnection
    error: BitcacheError | None


async def wallet_facts(
    settings: Settings, key: MasterKey, connections: Sequence[WalletConnection]
) -> list[WalletFacts]:
    """Ask each wallet what it is, all at once; change nothing."""
    open_with = opener(settings, settings.bitcoin.network, unix_time)
    return list(await asyncio.gather(*(_ask(open_with, key, connection) for connection in connections)))


async def _ask(open_with: Opener, key: MasterKey, connection: WalletConnection) -> WalletFacts:
    try:
        wallet = open_with.open(key.unwrap_connection(connection.wrapped))
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await ask_what_it_is(wallet, tries=2)
        finally:
            await wallet.close()
    except TimeoutError:
        return WalletFacts(connection, WalletUnreachable("the wallet does not answer in time"))
    except BitcacheError as error:
        return WalletFacts(connection, error)
    return WalletFacts(connection, None)

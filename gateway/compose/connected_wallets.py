"""The wallets that sellers connected, opened when they are first asked and kept open."""

from __future__ import annotations

import asyncio
import hashlib
from contextlib import suppress

from bitcache import wallet_connections
from bitcache.chain_errors import WalletUnreachable
from bitcache.errors import NotFound
from bitcache.master_key import MasterKey
from bitcache.storage.database import Store
from bitcache.wallet_connections import NewConnection
from gateway.wallet_ports import ConnectionHealth
from wallet.lightning.electrum.electrum_daemon import ElectrumDaemon
from wallet.lightning.lightning_wallet import LightningWallet, WalletInfo
from wallet.lightning.open_connection import Opener
from wallet.lightning.simulated_lightning import SimulatedLightning
from wallet.rails.lightning import LightningRail
from wallet.rails.wallet_health import WalletHealth

#: A wallet listens for a connection only some seconds after it was made, and sellers paste at once.
TRIES = 3


class ConnectedWallets:
    """By scope: each stays open while somebody uses its connection."""

    def __init__(self, store: Store, key: MasterKey, opener: Opener, tries: int = TRIES) -> None:
        self._store, self._key, self._opener, self._tries = store, key, opener, tries
        self._open: dict[str, LightningWallet] = {}
        self.health = WalletHealth()
        self.demo_payer: ElectrumDaemon | None = None

    async def of(self, scope: str) -> LightningWallet:
        """Return the wallet of a scope; raise NotFound, WrongKey."""
        if scope not in self._open:
            connection = await self._store.read(lambda conn: wallet_connections.by_scope(conn, scope))
            self._open.setdefault(scope, self._opener.open(self._key.unwrap_connection(connection.wrapped)))
        return self._open[scope]

    async def release(self, scope: str) -> None:
        """Close the wallet of a scope until it is asked for again."""
        wallet = self._open.pop(scope, None)
        if wallet is not None:
            await wallet.close()

    async def try_connection(self, text: str) -> NewConnection:
        """Ask the wallet what it is; raise ConnectionRefused, ConnectionCanSpend, or what the wallet raises."""
        wallet = self._opener.open(text)
        try:
            info = await _info(wallet, self._tries)
        finally:
            await wallet.close()
        return NewConnection(LightningRail.name, info.kind, info.name, text.strip())

    def count(self) -> dict[str, int]:
        """Return how many wallets that were asked lately answer ("ok") and do not ("failing")."""
        failing = sum(self.health.failures(scope) > 0 for scope in self._open)
        return {"ok": len(self._open) - failing, "failing": failing}

    async def pay_in_demo(self, invoice: str) -> str:
        """Pay by ``demo_payer``, else an invoice of the simulated wallet; return the payment hash.

        Raise NotFound where there is neither, or what the payer raises.
        """
        if self.demo_payer is not None:
            return hashlib.sha256(await self.demo_payer.pay(invoice)).hexdigest()
        for wallet in self._open.values():
            if isinstance(wallet, SimulatedLightning):
                return hashlib.sha256(await asyncio.to_thread(wallet.pay, invoice)).hexdigest()
        raise NotFound("no seller here has connected the simulated wallet")

    def health_of(self, scope: str) -> ConnectionHealth:
        """Return when the wallet answered last, and how often in a row it has failed since."""
        return ConnectionHealth(self.health.last_answer(scope), self.health.failures(scope))

    async def close(self) -> None:
        """Close them all."""
        for wallet in self._open.values():
            await wallet.close()


async def _info(wallet: LightningWallet, tries: int) -> WalletInfo:
    for _ in range(tries - 1):
        with suppress(WalletUnreachable):
            return await wallet.info()
    return await wallet.info()

"""The wallets that sellers connected, opened when they are first asked and kept open."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from contextlib import suppress

from bitcache import wallet_connections
from bitcache.chain_errors import WalletUnreachable
from bitcache.errors import NotFound
from bitcache.master_key import MasterKey
from bitcache.storage.database import Store
from bitcache.wallet_connections import NewConnection
from gateway.config.settings import Settings
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

    def __init__(
        self, store: Store, key: MasterKey, opener: Opener, clock: Callable[[], int], tries: int = TRIES
    ) -> None:
        self._store, self._key, self._opener, self._clock, self._tries = store, key, opener, clock, tries
        self._open: dict[str, LightningWallet] = {}
        self.records = WalletHealth()
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
            info = await ask_what_it_is(wallet, self._tries)
        finally:
            await wallet.close()
        return NewConnection(LightningRail.name, info.kind, info.name, text.strip())

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
        record = self.records.of(scope)
        return ConnectionHealth(record.last_answer, record.failures, record.invoices, record.lookups, record.failed)

    def health(self) -> dict[str, ConnectionHealth]:
        """Return how each wallet is that was asked lately, by its scope."""
        return {scope: self.health_of(scope) for scope in self._open}

    def note_answer(self, scope: str) -> None:
        """Note that the wallet of a scope has just answered."""
        self.records.answered(scope, self._clock())

    async def close(self) -> None:
        """Close them all."""
        for wallet in self._open.values():
            await wallet.close()


async def ask_what_it_is(wallet: LightningWallet, tries: int = TRIES) -> WalletInfo:
    """Return what the wallet says of itself; raise WalletError, ConnectionCanSpend."""
    for _ in range(tries - 1):
        with suppress(WalletUnreachable):
            return await wallet.info()
    return await wallet.info()


def opener(settings: Settings, network: str, clock: Callable[[], int]) -> Opener:
    """Return what opens wallet connections; where coins are worth nothing, also those to a simulated wallet."""
    worthless = network == "regtest"
    simulated = settings.storage.directory / "simulated_lightning.sqlite" if worthless else None
    return Opener(network, clock, simulated, private=worthless)

"""What a seller pasted to be paid by Lightning, told apart and opened."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bitcache.chain_errors import ConnectionRefused
from wallet.lightning.lightning_address import LightningAddress, is_lightning_address
from wallet.lightning.lightning_wallet import LightningWallet
from wallet.lightning.lnbits_wallet import LnbitsWallet, is_lnbits
from wallet.lightning.nwc import connection_string
from wallet.lightning.nwc.nwc_connection import NwcConnection
from wallet.lightning.nwc.nwc_wallet import NwcWallet
from wallet.lightning.simulated_lightning import SCHEME, SimulatedLightning

LONGEST_CONNECTION = 2_000


@dataclass(frozen=True, slots=True)
class Opener:
    """``simulated``: the file of the simulated wallet, if there is one; ``private``: wallets may be on this machine."""

    network: str
    clock: Callable[[], int]
    simulated: Path | None = None
    private: bool = False

    def open(self, text: str) -> LightningWallet:
        """Return the wallet, not yet asked anything; raise ConnectionRefused, which never quotes what was pasted."""
        text = text.strip()
        if len(text) > LONGEST_CONNECTION:
            raise ConnectionRefused("this is too long for a wallet connection")
        if text.startswith(SCHEME) and self.simulated is not None:
            return SimulatedLightning(self.network, self.simulated, self.clock)
        if connection_string.is_connection_string(text):
            parsed = connection_string.parse(text, private=self.private)
            return NwcWallet(NwcConnection(parsed, self.clock, private=self.private))
        if is_lnbits(text):
            return LnbitsWallet(text, private=self.private)
        if is_lightning_address(text):
            return LightningAddress(text, private=self.private)
        raise ConnectionRefused("this is no wallet connection that Bitcache knows")

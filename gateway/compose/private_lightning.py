"""Two real Lightning wallets on a demonstration's private chain: the seller's makes invoices, the buyer's pays."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bitcache.errors import BadInput
from gateway.compose.chain_selection import PrivateChain
from wallet.chain.regtest_node import RegtestNode
from wallet.lightning.electrum.electrum_daemon import ElectrumDaemon
from wallet.lightning.electrum.electrum_pair import electrum_pair
from wallet.lightning.electrum.electrum_programs import NoElectrum, find_electrum

WITHOUT = (
    "They come from Debian's archive and PyPI, without root: this needs Debian (its apt and its archive keys), "
    "Python's venv, and the network. Elsewhere leave out --lightning: the demo then simulates the Lightning wallets."
)


@dataclass(frozen=True, slots=True)
class PrivateLightning:
    """``connection`` is what the seller connects, ``spending`` what the buyer pays with; both are secrets."""

    name: str
    payer: ElectrumDaemon
    connection: str = field(repr=False)
    spending: str = field(repr=False)


def electrum_programs() -> Path:
    """Return where the wallets' programs lie, fetched if need be; raise BadInput where they cannot be had."""
    try:
        return find_electrum()
    except NoElectrum as reason:
        raise BadInput(f"--lightning runs real wallets, and they cannot be had here: {reason}", hint=WITHOUT) from None


@asynccontextmanager
async def private_lightning(
    folder: Path, chain: PrivateChain, programs: Path, say: Callable[[str], None]
) -> AsyncIterator[PrivateLightning]:
    """Yield both wallets with a channel, in an empty ``folder``; raise WalletError when they do not come up."""
    assert isinstance(chain.demo_wallet, RegtestNode)  # real wallets need a real node
    async with electrum_pair(programs, folder, chain.demo_wallet, say) as pair:
        yield PrivateLightning(f"Electrum {pair.version}", pair.buyer, pair.connection, pair.spending)

"""A gateway for show: a private chain, a wallet that pays, a seller whose wallet is ready.

Nothing here is worth anything.  Everything lies in one folder and is made anew when what lies there cannot be used;
everything that was started ends with the context, in whatever way that is left.
"""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bitcache.chain_errors import ChainError
from bitcache.errors import DatabaseBusy, DatabaseUnusable, InvalidSettings
from bitcache.storage.durable_files import lock
from gateway.api.models import Payout, SellerInfo, WalletConnection
from gateway.client import signing_key
from gateway.client.gateway_client import GatewayClient, connect
from gateway.client.private_files import read_private, write_private
from gateway.compose import PrivateChain, PrivateLightning, init_data_folder, private_chain, private_lightning, running
from gateway.config.load_settings import check
from gateway.config.settings import Settings
from gateway.context import GatewayContext
from gateway.server.app import listening

#: What the seller of a demonstration connects, unless real wallets run (wallet/lightning/simulated_lightning.py).
SIMULATED_WALLET = "simulated+lightning:"


@dataclass(frozen=True, slots=True)
class Demo:
    """A running demonstration, seen from its seller."""

    gateway: GatewayClient
    context: GatewayContext
    token: str
    seed: bytes
    lightning: PrivateLightning | None = None

    @property
    def chain(self) -> str:
        """``bitcoind 29.4.2`` or ``simulated``."""
        return self.context.source.name


@asynccontextmanager
async def demonstration(
    folder: Path,
    program: Path | None,
    port: int,
    wallets: Path | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> AsyncIterator[Demo]:
    """Yield a demonstration in ``folder`` on the node that ``program`` runs, or on the simulated chain.

    ``wallets``: the programs of two real Lightning wallets, which are made anew each time; ``say`` is told each step.
    """
    async with AsyncExitStack() as stack:
        stack.enter_context(_alone(_made(folder)))
        if wallets is not None and program is not None:
            data = folder / "lightning"
            shutil.rmtree(data, ignore_errors=True)
            yield await stack.enter_async_context(_started_with_wallets(data, program, port, wallets, say))
            return
        data = folder / ("simulated" if program is None else "regtest")
        try:
            demo = await stack.enter_async_context(_started(data, program, port))
        except (ChainError, DatabaseUnusable, InvalidSettings):
            if not data.exists():
                raise
            # Left half-made by a power cut, or by another version: it is only for show.
            shutil.rmtree(data)
            demo = await stack.enter_async_context(_started(data, program, port))
        yield demo


@asynccontextmanager
async def _started(data: Path, program: Path | None, port: int) -> AsyncIterator[Demo]:
    async with private_chain(_made(data), program) as chain, _gateway(data, chain, port, None) as demo:
        yield demo


@asynccontextmanager
async def _started_with_wallets(
    data: Path, program: Path, port: int, wallets: Path, say: Callable[[str], None]
) -> AsyncIterator[Demo]:
    say("Starting a Bitcoin node")
    async with (
        private_chain(_made(data), program) as chain,
        private_lightning(data / "wallets", chain, wallets, say) as lightning,
    ):
        say("Starting the gateway, and connecting the seller's wallet to it")
        async with _gateway(data, chain, port, lightning) as demo:
            yield demo


@asynccontextmanager
async def _gateway(
    data: Path, chain: PrivateChain, port: int, lightning: PrivateLightning | None
) -> AsyncIterator[Demo]:
    payer = None if lightning is None else lightning.payer
    async with AsyncExitStack() as stack:
        settings = _settings(data, port)
        token = await _token(settings, data / "seller.token")
        context = await stack.enter_async_context(running(settings, demo_wallet=chain.demo_wallet, demo_payer=payer))
        url = await stack.enter_async_context(listening(context))
        gateway = await stack.enter_async_context(connect(url))
        seller = await gateway.call(SellerInfo, "GET", "/seller", bearer=token)
        if seller.payout is None:
            await gateway.call(Payout, "PUT", "/seller/payout", bearer=token, json={"descriptor": chain.descriptor})
        if seller.connection is None:
            body = {"connection": SIMULATED_WALLET if lightning is None else lightning.connection}
            await gateway.call(WalletConnection, "PUT", "/seller/connection", bearer=token, json=body)
        yield Demo(gateway, context, token, signing_key.load_or_create(data / "seller.key"), lightning)


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _settings(data: Path, port: int) -> Settings:
    return check(
        {
            "bitcoin": {"network": "regtest"},
            "server": {"host": "127.0.0.1", "port": port},
            "storage": {"directory": data / "gateway", "min_free_bytes": 0},
        }
    )


async def _token(settings: Settings, path: Path) -> str:
    """Return the seller's token; the demonstration alone keeps it, so that a later start is the same seller."""
    if path not in path.parent.iterdir():
        write_private(path, await init_data_folder(settings, "demo"), replace=False)
    return read_private(path, "demo's seller token")


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    with (folder / "lock").open("w") as file:
        try:
            lock(file.fileno())
        except BlockingIOError:
            raise DatabaseBusy("a demo runs here already", hint="Stop it with Ctrl-C where it runs.") from None
        yield

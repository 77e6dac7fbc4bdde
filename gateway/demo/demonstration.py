"""A gateway for show: a private chain, a wallet that pays, a seller whose wallet is ready.

Nothing here is worth anything.  Everything lies in one folder and is made anew when what lies there cannot be used;
everything that was started ends with the context, in whatever way that is left.
"""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Iterator
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
from gateway.compose import init_data_folder, private_chain, running
from gateway.config.load_settings import check
from gateway.config.settings import Settings
from gateway.context import GatewayContext
from gateway.server.app import listening

#: What the seller of a demonstration connects (wallet/lightning/simulated_lightning.py).
SIMULATED_WALLET = "simulated+lightning:"


@dataclass(frozen=True, slots=True)
class Demo:
    """A running demonstration, seen from its seller."""

    gateway: GatewayClient
    context: GatewayContext
    token: str
    seed: bytes

    @property
    def chain(self) -> str:
        """``bitcoind 29.4.2`` or ``simulated``."""
        return self.context.source.name


@asynccontextmanager
async def demonstration(folder: Path, program: Path | None, port: int) -> AsyncIterator[Demo]:
    """Yield a demonstration in ``folder`` on the node that ``program`` runs, or on the simulated chain."""
    async with AsyncExitStack() as stack:
        stack.enter_context(_alone(_made(folder)))
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
    async with AsyncExitStack() as stack:
        chain = await stack.enter_async_context(private_chain(_made(data), program))
        settings = _settings(data, port)
        token = await _token(settings, data / "seller.token")
        context = await stack.enter_async_context(running(settings, demo_wallet=chain.demo_wallet))
        url = await stack.enter_async_context(listening(context))
        gateway = await stack.enter_async_context(connect(url))
        seller = await gateway.call(SellerInfo, "GET", "/seller", bearer=token)
        if seller.payout is None:
            await gateway.call(Payout, "PUT", "/seller/payout", bearer=token, json={"descriptor": chain.descriptor})
        if seller.connection is None:
            body = {"connection": SIMULATED_WALLET}
            await gateway.call(WalletConnection, "PUT", "/seller/connection", bearer=token, json=body)
        yield Demo(gateway, context, token, signing_key.load_or_create(data / "seller.key"))


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

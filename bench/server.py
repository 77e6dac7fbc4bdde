"""A gateway in a process of its own, with one file sold, and beside it the plain way to send a file."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

from aiohttp import web

from bench.bench_gateway import NO_QUOTAS
from bitcache.identifiers import b64u, claim_hash, new_secret
from bitcache.money import Sat
from gateway.api.models import Payout, Purchase
from gateway.client.gateway_client import GatewayClient, connect
from gateway.client.invoice_terms import onchain_request
from gateway.client.sell_file import FileToSell, sell
from gateway.compose import init_data_folder, private_chain, running
from gateway.config.load_settings import check
from gateway.config.settings import Log
from gateway.context import GatewayContext
from gateway.diagnostics import logs
from gateway.server.app import listening

FILE_BYTES = 256 * 2**20
COPY_PIECE = 256 * 1024


@dataclass(frozen=True, slots=True)
class Served:
    """What the benchmark needs to know: ``plain_port`` serves the same number of bytes by a copy loop."""

    pid: int
    port: int
    plain_port: int
    file_id: str
    claim: str
    purchase_id: str


@contextmanager
def serving() -> Iterator[Served]:
    """The process, while the context lasts."""
    ours, theirs = get_context("spawn").Pipe()
    process = get_context("spawn").Process(target=_main, args=(theirs,), daemon=True)
    process.start()
    try:
        yield ours.recv()
    finally:
        ours.send("stop")
        process.join(10)


def _main(pipe: Connection) -> None:
    logs.configure(Log(level="error"))
    with tempfile.TemporaryDirectory(prefix="bitcache-bench-") as folder:
        asyncio.run(_serve(Path(folder), pipe))


async def _serve(folder: Path, pipe: Connection) -> None:
    source = folder / "file.bin"
    with source.open("wb") as file:
        for _ in range(FILE_BYTES // 2**20):
            file.write(os.urandom(2**20))
    settings = check(
        {
            "bitcoin": {"network": "regtest"},
            "server": {"port": 0},
            "storage": {"directory": folder / "data", "min_free_bytes": 0},
            "invoices": NO_QUOTAS,
        }
    )
    token = await init_data_folder(settings)
    async with (
        private_chain(folder, None) as chain,
        running(settings, demo_wallet=chain.demo_wallet) as context,
        listening(context) as url,
        connect(url) as gateway,
    ):
        await gateway.call(Payout, "PUT", "/seller/payout", bearer=token, json={"descriptor": chain.descriptor})
        sold = await sell(gateway, token, os.urandom(32), FileToSell(source, Sat(2500), "file.bin"))
        claim, purchase = await _bought(gateway, context, sold.link.file_id)
        plain = await _copy_loop(source)
        pipe.send(Served(os.getpid(), int(url.rpartition(":")[2]), plain, sold.link.file_id, claim, purchase))
        await asyncio.to_thread(pipe.recv)


async def _bought(gateway: GatewayClient, context: GatewayContext, file_id: str) -> tuple[str, str]:
    claim = new_secret()
    body = {"claim_hash": b64u(claim_hash(claim))}
    purchase = await gateway.call(Purchase, "POST", f"/files/{file_id}/purchases", json=body)
    assert context.demo_wallet is not None
    await context.demo_wallet.pay(onchain_request(purchase).address, Sat(purchase.amount_sat))
    await context.demo_wallet.mine()
    while not purchase.released:
        await asyncio.sleep(0.05)
        purchase = await gateway.call(Purchase, "GET", f"/purchases/{purchase.purchase_id}")
    return claim, purchase.purchase_id


async def _copy_loop(source: Path) -> int:
    """The peer: read a piece, write a piece."""

    async def send(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": str(FILE_BYTES)})
        await response.prepare(request)
        with source.open("rb") as file:
            while piece := file.read(COPY_PIECE):
                await response.write(piece)
        return response

    app = web.Application()
    app.add_routes([web.get("/plain", send)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return int(runner.addresses[0][1])

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

from bench.shop import NO_QUOTAS
from bitcache.identifiers import b64u, claim_hash, new_secret
from bitcache.money import Sat
from gateway import logs
from gateway.api.models import Payout, Transfer
from gateway.app import listening
from gateway.client.http import GatewayClient, connect
from gateway.client.selling import Offer, sell
from gateway.compose import Parts, init_data_dir, private_chain, running
from gateway.load_settings import check
from gateway.settings import Log

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
    transfer_id: str


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
    token = await init_data_dir(settings)
    async with (
        private_chain(folder, None) as chain,
        running(settings, purse=chain.purse) as parts,
        listening(parts) as url,
        connect(url) as gateway,
    ):
        await gateway.call(Payout, "PUT", "/seller/payout", bearer=token, json={"descriptor": chain.descriptor})
        sold = await sell(gateway, token, os.urandom(32), Offer(source, Sat(2500), "file.bin"))
        claim, transfer = await _bought(gateway, parts, sold.link.file_id)
        plain = await _copy_loop(source)
        pipe.send(Served(os.getpid(), int(url.rpartition(":")[2]), plain, sold.link.file_id, claim, transfer))
        await asyncio.to_thread(pipe.recv)


async def _bought(gateway: GatewayClient, parts: Parts, file_id: str) -> tuple[str, str]:
    claim = new_secret()
    body = {"claim_hash": b64u(claim_hash(claim))}
    transfer = await gateway.call(Transfer, "POST", f"/files/{file_id}/transfers", json=body)
    assert parts.purse is not None
    await parts.purse.pay(transfer.address, Sat(transfer.amount_sat))
    await parts.purse.mine()
    while not transfer.released:
        await asyncio.sleep(0.05)
        transfer = await gateway.call(Transfer, "GET", f"/transfers/{transfer.transfer_id}")
    return claim, transfer.transfer_id


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

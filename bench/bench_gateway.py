"""A gateway in a process of its own that does what a benchmark tells it: make invoices, have them paid, find blocks."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from multiprocessing import get_context
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, func, literal_column, select

from bench.fullblocks import FullBlocks, Payment
from bitcache.identifiers import FileId, claim_hash, new_secret
from bitcache.money import Sat
from bitcache.purchases import Purchase
from bitcache.storage.database import Store
from bitcache.storage.tables import grant, invoice
from gateway.client.gateway_client import connect
from gateway.client.sell_file import FileToSell, sell
from gateway.compose import check_payout, init_data_folder, running
from gateway.config.load_settings import check
from gateway.config.settings import Log, Settings
from gateway.context import GatewayContext
from gateway.diagnostics import logs
from gateway.server.app import freeze_gc, listening
from wallet.chain.regtest_node import RegtestNode
from wallet.chain.simulated_chain import SimulatedChain

DESCRIPTOR = (
    "wpkh(tpubDC8msFGeGuwnKG9Upg7DM2b4DaRqg3CUZa5g8v2SRQ6K4NSkxUgd7HsL2XVWbVm39yBA4LAxysQAm397zwQSQoQgewGiYZqrA9DsP4zbQ1M"
    "/0/*)"
)
PRICE = 2_500
NO_QUOTAS = dict.fromkeys(
    ("cap_per_buyer", "cap_per_listing", "cap_per_account", "cap_in_all", "wallet_gap_limit", "longest_unpaid_run"),
    10**9,
)


class TimedNode(RegtestNode):
    """A node whose log says to the microsecond when it accepted a block."""

    def launch(self, *extra: str) -> None:
        """Start the process."""
        super().launch("-logtimemicros", *extra)

    def accepted(self, digest: str) -> float:
        """The moment at which this block became its newest, in Unix seconds."""
        log = (self.datadir / "regtest" / "debug.log").read_text()
        line = next(line for line in reversed(log.splitlines()) if f"UpdateTip: new best={digest}" in line)
        return datetime.fromisoformat(line.split()[0]).timestamp()


@dataclass(frozen=True, slots=True)
class BenchGateway:
    """The process, from outside."""

    pid: int
    port: int
    file_id: str
    pipe: Pipe

    def do(self, name: str, *args: Any) -> Any:
        """One of :class:`_Commands`."""
        self.pipe.send((name, args))
        return self.pipe.recv()


@contextmanager
def open_bench_gateway(
    *, node: bool = False, folder: Path | None = None, log: Path | None = None
) -> Iterator[BenchGateway]:
    """A gateway, on a simulated chain or a private ``node``; ``folder`` is that of :func:`set_up`."""
    ours, theirs = get_context("spawn").Pipe()
    process = get_context("spawn").Process(target=_main, args=(theirs, node, folder, log), daemon=True)
    process.start()
    try:
        yield BenchGateway(*ours.recv(), ours)
    finally:
        ours.send(None)
        process.join(30)


def settings_in(folder: Path) -> Settings:
    """Caps and limits out of the way of what is measured."""
    return check(
        {
            "bitcoin": {"network": "regtest"},
            "server": {"port": 0},
            "storage": {"directory": folder / "data", "min_free_bytes": 0},
            "invoices": NO_QUOTAS,
            "limits": {
                "connections": 10**5,
                "connections_per_visitor": 10**5,
                "answers_per_visitor": 10**5,
                "streams_per_visitor": 10**5,
            },
        }
    )


async def set_up(folder: Path) -> str:
    """A data folder with a seller; returns the token."""
    settings = settings_in(folder)
    return await init_data_folder(settings, terms=await check_payout(settings, DESCRIPTOR))


def resident_mb(pid: int | str = "self") -> float:
    """Memory of a process, in millions of bytes."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _main(pipe: Pipe, node: bool, folder: Path | None, log: Path | None) -> None:
    with (
        tempfile.TemporaryDirectory(prefix="bitcache-bench-") as temporary,
        (log or Path(os.devnull)).open("w") as lines,
    ):
        logs.configure(Log(level="info", format="json"), lines)  # as in production: every request has its line
        asyncio.run(_serve(Path(temporary), folder, pipe, node))


async def _serve(temporary: Path, folder: Path | None, pipe: Pipe, node: bool) -> None:
    token = await set_up(temporary) if folder is None else None
    async with (
        _chain(temporary, node) as chain,
        running(settings_in(folder or temporary), demo_wallet=chain) as context,
        listening(context) as url,
    ):
        file_id = "" if token is None else await _sold(temporary, url, token)
        commands = _Commands(context, chain, FileId(file_id))
        freeze_gc()
        pipe.send((os.getpid(), int(url.rpartition(":")[2]), file_id))
        while asked := await asyncio.to_thread(pipe.recv):
            name, args = asked
            pipe.send(await getattr(commands, name)(*args))


@asynccontextmanager
async def _chain(folder: Path, node: bool) -> AsyncIterator[TimedNode | SimulatedChain]:
    if not node:
        yield SimulatedChain()
        return
    started = await TimedNode.start(folder / "node")
    try:
        yield started
    finally:
        await started.stop()


async def _sold(folder: Path, url: str, token: str) -> str:
    source = folder / "file.bin"
    source.write_bytes(os.urandom(100_000))
    async with connect(url) as gateway:
        return (await sell(gateway, token, os.urandom(32), FileToSell(source, Sat(PRICE), "file.bin"))).link.file_id


async def _until(ready: Callable[[], Awaitable[bool]]) -> None:
    while not await ready():  # noqa: ASYNC110 – what is waited for tells nobody
        await asyncio.sleep(0.01)


class _Commands:
    """What can be asked through the pipe."""

    def __init__(self, context: GatewayContext, chain: TimedNode | SimulatedChain, file_id: FileId) -> None:
        self._context, self._chain, self._file_id = context, chain, file_id
        self._made: dict[str, Purchase] = {}
        self._blocks: FullBlocks | None = None
        self._grants = _Grants(context.store)

    async def make(self, count: int) -> list[str]:
        """So many fresh invoices; their purchases' ids."""
        hashes = [claim_hash(new_secret()) for _ in range(count)]
        opened = await asyncio.gather(
            *[self._context.invoice_batcher.open(self._file_id, claim_hash, None) for claim_hash in hashes]
        )
        self._made |= {purchase.purchase_id: purchase for purchase, _ in opened}
        return [purchase.purchase_id for purchase, _ in opened]

    def _script(self, purchase_id: str) -> bytes:
        [request] = self._made[purchase_id].payment_requests
        assert request.match_key is not None
        return request.match_key

    async def pay(self, ids: list[str]) -> None:
        """Pay them on the simulated chain, and wait until all of it was seen."""
        assert isinstance(self._chain, SimulatedChain)
        for purchase_id in ids:
            self._chain.send(self._script(purchase_id), Sat(PRICE))
        waiting = select(func.count()).select_from(invoice).where(invoice.c.state == "processing")

        async def seen() -> bool:
            return await self._context.store.read(lambda conn: conn.execute(waiting).scalar_one()) >= len(ids)

        await _until(seen)

    async def settle(self, count: int) -> float:
        """Find the block in which so many are paid; the moment at which their grants were committed."""
        assert isinstance(self._chain, SimulatedChain)
        wanted = self._grants.newest + count
        await self._chain.mine()
        return await self._grants.committed(wanted)

    async def block_to_grant(self, count: int) -> float:
        """Milliseconds from the node accepting a block that pays so many invoices until their grants are committed."""
        assert isinstance(self._chain, TimedNode)
        if self._blocks is None:
            self._blocks = await FullBlocks.on(self._chain)
        ids = await self.make(count)
        raw = await self._blocks.prepare([Payment(self._script(purchase_id), PRICE) for purchase_id in ids], count)
        await self.caught_up()
        await asyncio.sleep(0.1)
        wanted = self._grants.newest + count
        await self._chain.rpc("submitblock", raw)
        committed = await self._grants.committed(wanted) + time.time() - time.perf_counter()
        return 1000 * (committed - self._chain.accepted(await self._chain.rpc("getbestblockhash")))

    async def caught_up(self) -> float:
        """Wait until everything was loaded and the chain followed; this process's memory, in megabytes."""
        tip = await self._context.source.tip()

        async def there() -> bool:
            status = self._context.watcher.status
            return status.synced_at is not None and status.cursor == tip

        await _until(there)
        return resident_mb()


class _Grants:
    """Notes the moment of every commit, and how far the grants were then."""

    def __init__(self, store: Store) -> None:
        self.newest = 0
        self._at: dict[int, float] = {}
        self._write = store.write
        store.write = self._noting  # type: ignore[method-assign]

    async def committed(self, newest: int) -> float:
        """When grant number ``newest`` was committed."""

        async def there() -> bool:
            return self.newest >= newest

        await _until(there)
        return min(at for number, at in self._at.items() if number >= newest)

    async def _noting(self, work: Callable[[Connection], Any]) -> Any:
        result, newest = await self._write(lambda conn: (work(conn), _newest_grant(conn)))
        self._at.setdefault(newest, time.perf_counter())
        self.newest = newest
        return result


def _newest_grant(conn: Connection) -> int:
    return conn.execute(select(func.max(literal_column("rowid"))).select_from(grant)).scalar_one() or 0

"""Watching a million scripts on a real node: full blocks matched, caught up with, and paid invoices granted."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Coroutine, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.bench_gateway import PRICE, BenchGateway, open_bench_gateway, set_up, settings_in
from bench.case import Case
from bench.fullblocks import TRANSACTIONS, FullBlocks
from bitcache import block_processing
from bitcache.chain_types import CHAIN, BlockRef
from bitcache.identifiers import b64u
from bitcache.storage.database import Store
from gateway.config.data_folder import DataFolder
from wallet.chain.bitcoind_source import BitcoindSource
from wallet.chain.chain_source import Forward
from wallet.chain.regtest_node import RegtestNode
from wallet.watcher import Watcher

SCRIPTS = 1_000_000
BEHIND = 30  #: full blocks to catch up with
PAID = 100  #: invoices in one block
BLOCKS = 20  #: such blocks in a round


class RestNode(RegtestNode):
    """A node that offers REST too, as docs/operating.md advises."""

    def launch(self, *extra: str) -> None:
        """Start the process."""
        super().launch("-rest", *extra)


@contextmanager
def cases() -> Iterator[list[Case]]:
    """Blocks on a node with REST and on one without; memory and grants of whole gateways."""
    with (
        _chain(RestNode) as rest,
        _chain(RegtestNode) as plain,
        open_bench_gateway(node=True) as bench_gateway,
        tempfile.TemporaryDirectory(prefix="bitcache-bench-") as folder,
    ):
        _remember_a_million(Path(folder))
        grants = _Grants(bench_gateway)
        yield [
            Case(
                "watch.match_full_block_1m_scripts",
                "ms",
                rest.match,
                "getblock verbosity 2",
                rest.match_verbose,
                f"{TRANSACTIONS} transactions, 1.6 MB, fetched from a node with rest=1 and matched",
            ),
            Case(
                "watch.match_full_block_1m_scripts.rpc",
                "ms",
                plain.match,
                "getblock verbosity 2",
                plain.match_verbose,
                "the same block by RPC alone: most of it is the node writing hex",
            ),
            Case("watch.catch_up", "1/s", rest.catch_up, note=f"{BEHIND} full blocks, a million scripts, rest=1"),
            Case("watch.catch_up.rpc", "1/s", plain.catch_up, note="the same by RPC alone"),
            Case(
                "watch.block_to_grant",
                "ms",
                grants.median,
                note=f"{PAID} paid in a block: from the node accepting it to the grants committed",
            ),
            Case("watch.block_to_grant.p99", "ms", grants.p99, note=f"of all blocks so far, {BLOCKS} a round"),
            Case("watch.rss_1m_scripts", "MB", lambda: _memory(Path(folder)), note="the whole gateway, once loaded"),
        ]


class _Chain:
    """Full blocks on one node, a million scripts, and an event loop to ask from."""

    def __init__(self, node: RegtestNode, runner: asyncio.Runner) -> None:
        self._node, self._runner = node, runner
        self._source = BitcoindSource(node.client(), "regtest")
        self._scripts = {b"\x00\x14" + os.urandom(20) for _ in range(SCRIPTS)}
        self._before, self._parent, self._tip = runner.run(self._make())

    async def _make(self) -> tuple[BlockRef, BlockRef, BlockRef]:
        blocks = await FullBlocks.on(self._node)
        before = await self._source.tip()
        for _ in range(BEHIND):
            await blocks.find()
        tip = await self._source.tip()
        return before, await self._source.at(tip.height - 1), tip

    def match(self) -> float:
        """Fetch and match the newest block."""
        return self._timed(self._match())

    def match_verbose(self) -> float:
        """The same through the node's decoded form."""
        return self._timed(self._match_verbose())

    def catch_up(self) -> float:
        """Blocks a second after a downtime."""
        return BEHIND / self._runner.run(self._catch_up())

    def close(self) -> None:
        """Close the connections."""
        self._runner.run(self._source.close())

    def _timed(self, work: Coroutine[Any, Any, None]) -> float:
        began = time.perf_counter()
        self._runner.run(work)
        return 1000 * (time.perf_counter() - began)

    async def _match(self) -> None:
        assert isinstance(await self._source.step(self._parent, self._scripts), Forward)

    async def _match_verbose(self) -> None:
        block = await self._source.rpc.call("getblock", self._tip.hash, 2)
        outputs = (output["scriptPubKey"]["hex"] for transaction in block["tx"] for output in transaction["vout"])
        assert not any(bytes.fromhex(script) in self._scripts for script in outputs)

    async def _catch_up(self) -> float:
        with tempfile.TemporaryDirectory(prefix="bitcache-bench-") as folder:
            store = await Store.open(Path(folder) / "bitcache.sqlite")
            await store.write(lambda conn: block_processing.start(conn, self._before))
            watcher = Watcher(store, self._source, self._scripts)
            began = time.perf_counter()
            await watcher.sync()
            spent = time.perf_counter() - began
            assert watcher.status.cursor == self._tip
            await store.close()
            return spent


@contextmanager
def _chain(kind: type[RegtestNode]) -> Iterator[_Chain]:
    with asyncio.Runner() as runner:
        node = runner.run(kind.start())
        try:
            chain = _Chain(node, runner)
            yield chain
            chain.close()
        finally:
            runner.run(node.stop())


#: An old invoice, which nobody paid.
_INVOICE = {
    "payout_id": 1,
    "amount_sat": PRICE,
    "required_confirmations": 1,
    "created_at": 0,
    "expires_at": 0,
    "state": "expired",
    "marks": "",
    "received_sat": 0,
    "confirmed_sat": 0,
    "confirmations": 0,
}


class _Grants:
    """Rounds of blocks in a gateway, and what became of all of them."""

    def __init__(self, bench_gateway: BenchGateway) -> None:
        self._bench_gateway = bench_gateway
        self._all: list[float] = []

    def median(self) -> float:
        """Of one round."""
        times = [float(self._bench_gateway.do("block_to_grant", PAID)) for _ in range(BLOCKS)]
        self._all += times
        return statistics.median(times)

    def p99(self) -> float:
        """Of all rounds, without the first, which warmed up."""
        counted = sorted(self._all[BLOCKS:])
        return counted[min(len(counted) - 1, int(0.99 * len(counted)))]


def _remember_a_million(folder: Path) -> None:
    """A data folder with a million old invoices."""
    asyncio.run(set_up(folder))
    data = DataFolder(settings_in(folder).storage.directory)
    data.addresses.touch()  # a used database without its journal is refused
    with contextlib.closing(sqlite3.connect(data.database)) as conn, conn:
        conn.execute("INSERT INTO listing SELECT 'f', id, ?, 1, '', '', '', '', NULL, '', 0 FROM seller", (PRICE,))
        ids = [b64u(os.urandom(16)) for _ in range(SCRIPTS)]
        purchases = ({"id": id_, "file_id": "f", "claim_hash": os.urandom(32), "created_at": 0} for id_ in ids)
        _insert(conn, "purchase", purchases)
        _insert(conn, "invoice", (_INVOICE | {"purchase_id": id_} for id_ in ids))
        _insert(conn, "payment_request", (_request(index, id_) for index, id_ in enumerate(ids)))
        conn.execute("UPDATE payout SET next_index = ?", (SCRIPTS,))


def _request(index: int, purchase_id: str) -> dict[str, object]:
    return {
        "purchase_id": purchase_id,
        "rail": "onchain",
        "scope": CHAIN,
        "destination": f"bcrt1q{index:038}",
        "match_key": b"\x00\x14" + os.urandom(20),
        "minimum_sat": 294,
        "expires_at": 0,
        "payout_id": 1,
        "key_index": index,
        "received_sat": 0,
        "created_at": 0,
    }


def _insert(conn: sqlite3.Connection, table: str, rows: Iterable[dict[str, object]]) -> None:
    iterator = iter(rows)
    first = next(iterator)
    statement = f"INSERT INTO {table} ({', '.join(first)}) VALUES ({', '.join(f':{name}' for name in first)})"
    conn.executemany(statement, itertools.chain((first,), iterator))


def _memory(folder: Path) -> float:
    with open_bench_gateway(folder=folder) as bench_gateway:
        return float(bench_gateway.do("caught_up"))

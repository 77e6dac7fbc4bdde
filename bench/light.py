"""What the light client costs: ``python -m bench.light [ISSUED ...]`` (default 1000 10000 100000).

Each row is a fresh process on one private node: time until the first block is answered, then from a
block's arrival at the node to its answer, processor time a block, memory, and the longest time for
which the event loop did not turn (and for how long it did not before any of it began: other
processes cause that).  The last row follows twenty accounts.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import structlog
from bdkpython import DescriptorSecretKey, Mnemonic, NetworkKind, WordCount

from bitcache.errors import NodeWarmingUp
from bitcache.ledger import BlockRef
from wallet.account import Account
from wallet.chain.base import Forward, Step
from wallet.chain.light.source import LightSource
from wallet.chain.regtest import RegtestNode

BLOCKS = 5


def new_account() -> Account:
    """Whose keys nobody keeps."""
    key = str(DescriptorSecretKey(NetworkKind.TEST, Mnemonic(WordCount.WORDS12), None).as_public())
    return Account(f"wpkh({key.removesuffix('/*')}/0/*)", "regtest")


def resident() -> int:
    """Megabytes of this process in memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") >> 20


async def turn(gaps: list[float]) -> None:
    """Note how long the event loop stands still."""
    last = time.perf_counter()
    while True:
        await asyncio.sleep(0.002)
        now = time.perf_counter()
        gaps.append(now - last)
        last = now


async def next_block(source: LightSource, cursor: BlockRef) -> BlockRef:
    """Asked as the watcher asks."""
    while True:
        step = await _patient_step(source, cursor)
        if isinstance(step, Forward):
            return step.block
        await source.wait(10)


async def _patient_step(source: LightSource, cursor: BlockRef) -> Step:
    """A hundred thousand addresses take longer to begin than one question waits."""
    while True:
        with contextlib.suppress(NodeWarmingUp):
            return await source.step(cursor, {})


async def measure(peer: str, accounts: Mapping[str, int]) -> dict[str, float]:
    """One source, from its start over some blocks; blocks come when a line is written to the parent."""

    async def issued() -> Mapping[str, int]:
        return accounts

    before, gaps = resident(), [0.0]
    turning = asyncio.create_task(turn(gaps))
    await asyncio.sleep(3)
    idle = max(gaps)
    gaps[:] = [0.0]
    with tempfile.TemporaryDirectory() as folder:
        source = LightSource("regtest", issued, Path(folder), peers=[peer])
        await source.open()
        began = time.perf_counter()
        cursor = await source.tip()
        assert await _patient_step(source, cursor) is None
        started, delays, computed = time.perf_counter() - began, [], time.process_time()
        for _ in range(BLOCKS):
            mined = await asyncio.to_thread(_mine)
            cursor = await next_block(source, cursor)
            delays.append(time.time() - mined)
            await asyncio.sleep(0.1 + started / 3)  # the client computes on after it answered
        computed = time.process_time() - computed
        peak = resident() - before
        await source.close()
    turning.cancel()
    return {
        "start_s": started,
        "answer_ms": statistics.median(delays) * 1e3,
        "cpu_ms": computed / BLOCKS * 1e3,
        "memory_mb": peak,
        "loop_ms": max(gaps) * 1e3,
        "idle_ms": idle * 1e3,
    }


def _mine() -> float:
    print("mine", flush=True)
    return float(sys.stdin.readline())


async def row(node: RegtestNode, accounts: int, issued: int) -> dict[str, float]:
    """By a process of its own."""
    command = [sys.executable, "-m", "bench.light", "--row", "{}:{}".format(*node.p2p), str(accounts), str(issued)]
    process = await asyncio.create_subprocess_exec(*command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin
    assert process.stdout
    while line := await process.stdout.readline():
        if line != b"mine\n":
            found: dict[str, float] = json.loads(line)
            return found
        await node.mine()
        process.stdin.write(f"{time.time()}\n".encode())
    raise RuntimeError("the row ended early")


async def table(issued: list[int]) -> None:
    """All rows."""
    node = await RegtestNode.start()
    try:
        print("accounts   issued  start s  answer ms  cpu ms/block    MB  loop ms  (idle)")
        for accounts, count in [(1, count) for count in issued] + [(20, 100)]:
            found = await row(node, accounts, count)
            print(
                f"{accounts:8} {count:8} {found['start_s']:8.2f} {found['answer_ms']:10.0f} {found['cpu_ms']:13.0f} "
                f"{found['memory_mb']:5.0f} {found['loop_ms']:8.0f} {found['idle_ms']:7.0f}"
            )
    finally:
        await node.stop()


def main(arguments: list[str]) -> None:
    """The table, or (called by it) one row."""
    if arguments[:1] != ["--row"]:
        return asyncio.run(table([int(one) for one in arguments] or [1_000, 10_000, 100_000]))
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    peer, accounts, issued = arguments[1:]
    followed = {new_account().text: int(issued) for _ in range(int(accounts))}
    print(json.dumps(asyncio.run(measure(peer, followed))))
    return None


if __name__ == "__main__":
    main(sys.argv[1:])

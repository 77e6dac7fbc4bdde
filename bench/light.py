"""What the light client costs: ``python -m bench.light [ISSUED ...]`` (default 1000 10000 100000 addresses).

Each row is a fresh process on one private node: time until the first block is answered, then from a
block's arrival at the node to its answer, processor time a block, memory, and the longest time for
which the event loop did not turn (and for how long it did not before any of it began: other
processes cause that).  A private node's filters are small; ``decode`` is the time for one of 10 000 elements,
as on the main network.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import structlog

from bitcache.chain_types import BlockRef
from wallet.chain.chain_source import Forward
from wallet.chain.light.block_filters import RATE, CompactFilter
from wallet.chain.light.light_source import LightSource
from wallet.chain.regtest_node import RegtestNode

BLOCKS = 5


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


async def next_block(source: LightSource, cursor: BlockRef, scripts: set[bytes]) -> BlockRef:
    """Asked as the watcher asks."""
    while True:
        step = await source.step(cursor, scripts)
        if isinstance(step, Forward):
            return step.block
        await source.wait(10)


async def measure(peer: str, issued: int) -> dict[str, float]:
    """One source, from its start over some blocks; blocks come when a line is written to the parent."""
    before, gaps = resident(), [0.0]
    scripts = {b"\0\x14" + number.to_bytes(20) for number in range(issued)}
    turning = asyncio.create_task(turn(gaps))
    await asyncio.sleep(3)
    idle = max(gaps)
    gaps[:] = [0.0]
    with tempfile.TemporaryDirectory() as folder:
        source = LightSource("regtest", Path(folder), peers=[peer], connections=1)
        began = time.perf_counter()
        await source.open()
        cursor = await source.tip()
        assert await source.step(cursor, scripts) is None
        started, delays, computed = time.perf_counter() - began, [], time.process_time()
        for _ in range(BLOCKS):
            mined = await asyncio.to_thread(_mine)
            cursor = await next_block(source, cursor, scripts)
            delays.append(time.time() - mined)
            await asyncio.sleep(0.2)
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
        "decode_ms": large_filter() * 1e3,
    }


def large_filter() -> float:
    """Seconds to read a filter of as many elements as a full block of the main network has."""
    chance = random.Random(1)  # not for secrets
    values = sorted(chance.randrange(10_000 * RATE) for _ in range(10_000))
    pairs = zip([0, *values], values, strict=False)
    bits = "".join("1" * (new - old >> 19) + "0" + format(new - old & 0x7FFFF, "019b") for old, new in pairs)
    bits += "0" * (-len(bits) % 8)
    content = b"\xfd" + (10_000).to_bytes(2, "little") + int(bits, 2).to_bytes(len(bits) // 8)
    began = time.perf_counter()
    CompactFilter(bytes(32), content)
    return time.perf_counter() - began


def _mine() -> float:
    print("mine", flush=True)
    return float(sys.stdin.readline())


async def row(node: RegtestNode, issued: int) -> dict[str, float]:
    """By a process of its own."""
    command = [sys.executable, "-m", "bench.light", "--row", "{}:{}".format(*node.p2p), str(issued)]
    process = await asyncio.create_subprocess_exec(*command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin
    assert process.stdout
    while line := await process.stdout.readline():
        if line != b"mine\n":
            measured: dict[str, float] = json.loads(line)
            return measured
        await node.mine()
        process.stdin.write(f"{time.time()}\n".encode())
    raise RuntimeError("the row ended early")


async def table(issued: list[int]) -> None:
    """All rows."""
    node = await RegtestNode.start()
    try:
        print("  issued  start s  answer ms  cpu ms/block    MB  loop ms  (idle)  decode ms")
        for count in issued:
            measured = await row(node, count)
            print(
                f"{count:8} {measured['start_s']:8.2f} {measured['answer_ms']:10.0f} {measured['cpu_ms']:13.0f} "
                f"{measured['memory_mb']:5.0f} {measured['loop_ms']:8.0f} {measured['idle_ms']:7.0f} "
                f"{measured['decode_ms']:10.1f}"
            )
    finally:
        await node.stop()


def main(arguments: list[str]) -> None:
    """The table, or (called by it) one row."""
    if arguments[:1] != ["--row"]:
        return asyncio.run(table([int(argument) for argument in arguments] or [1_000, 10_000, 100_000]))
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    peer, issued = arguments[1:]
    print(json.dumps(asyncio.run(measure(peer, int(issued)))))
    return None


if __name__ == "__main__":
    main(sys.argv[1:])

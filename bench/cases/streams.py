"""Thousands of open pages, each with its stream of events, when one block settles a thousand of them."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection as Pipe

from bench.bench_gateway import BenchGateway, open_bench_gateway, resident_mb
from bench.case import Case
from bench.load import request

ROUNDS = 6  #: the first warms up
PAID = 1_000  #: settled in each
SETTLED = b'"state":"settled"'


@contextmanager
def cases() -> Iterator[list[Case]]:
    """The readers are a process of their own; every round settles a thousand that were not settled before."""
    with open_bench_gateway() as bench_gateway:
        ids: list[str] = bench_gateway.do("make", ROUNDS * PAID)
        before = resident_mb(bench_gateway.pid)
        with _readers(bench_gateway, ids) as readers:
            each = 1000 * (resident_mb(bench_gateway.pid) - before) / len(ids)
            waiting = iter(range(0, len(ids), PAID))
            yield [
                Case(
                    "sse.fanout",
                    "ms",
                    lambda: _settle(bench_gateway, readers, ids[(first := next(waiting)) : first + PAID]),
                    note=f"{len(ids)} open streams, one block settles {PAID}: from the commit to the last one told",
                ),
                Case("sse.memory_per_stream", "kB", lambda: each, note="the gateway's memory, opened beside closed"),
            ]


def _settle(bench_gateway: BenchGateway, readers: Pipe, ids: list[str]) -> float:
    bench_gateway.do("pay", ids)
    readers.send(len(ids))
    committed: float = bench_gateway.do("settle", len(ids))
    told: float = readers.recv()
    return 1000 * (told - committed)


@contextmanager
def _readers(bench_gateway: BenchGateway, ids: list[str]) -> Iterator[Pipe]:
    ours, theirs = get_context("spawn").Pipe()
    process = get_context("spawn").Process(target=_read, args=(bench_gateway.port, ids, theirs), daemon=True)
    process.start()
    try:
        assert ours.recv() == len(ids)
        yield ours
    finally:
        process.kill()
        process.join()


def _read(port: int, ids: list[str], pipe: Pipe) -> None:
    """Open the streams; then, whenever told a number, say when that many more were settled."""
    poll, streams = select.epoll(), {}
    for purchase_id in ids:
        stream = socket.create_connection(("127.0.0.1", port))
        stream.sendall(request("GET", f"/api/v1/purchases/{purchase_id}/events"))
        poll.register(stream.fileno(), select.EPOLLIN)
        streams[stream.fileno()] = stream
        if len(streams) % 100 == 0:
            _until(poll, streams, b"event: purchase", 100)
    pipe.send(len(streams))
    wanted = None
    while True:
        if wanted is None and pipe.poll(0):
            wanted = pipe.recv()
        if wanted is None:
            _drain(poll, streams, 0.01)
        else:
            _until(poll, streams, SETTLED, wanted)
            pipe.send(time.perf_counter())
            wanted = None


def _until(poll: select.epoll, streams: dict[int, socket.socket], sign: bytes, count: int) -> None:
    while count > 0:
        count -= sum(data.count(sign) for data in _drain(poll, streams, 60))


def _drain(poll: select.epoll, streams: dict[int, socket.socket], timeout: float) -> list[bytes]:
    ready = poll.poll(timeout)
    return [streams[number].recv(65536) for number, _ in ready]

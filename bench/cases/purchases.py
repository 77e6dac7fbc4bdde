"""Sixty-four buyers at once: invoices made and states asked over HTTP, beside LNbits when asked for (--peers)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from bench import lnbits
from bench.bench_gateway import BenchGateway, open_bench_gateway
from bench.case import Case
from bench.load import Load, drive, request
from bitcache.identifiers import b64u, claim_hash, new_secret

BUYERS = 64
INVOICES = 5_000
QUESTIONS = 15_000
PEER_INVOICES = 300
PEER_QUESTIONS = 1_000
PEER = "LNbits 1.6.2, FakeWallet"


@contextmanager
def cases() -> Iterator[list[Case]]:
    """The first answer on each connection is not counted: connections are opened once."""
    with ExitStack() as stack:
        bench_gateway = stack.enter_context(open_bench_gateway())
        peer = stack.enter_context(lnbits.serving()) if lnbits.wanted() else None
        waits: list[float] = []
        [purchase] = bench_gateway.do("make", 1)
        yield [
            Case(
                "invoice.create_c64",
                "1/s",
                lambda: _create(bench_gateway, waits),
                PEER,
                _of(peer, lambda there: drive(Load(there.port, there.invoices(PEER_INVOICES), BUYERS, 201)).rate),
                f"{INVOICES} a round, {BUYERS} connections, each with a fresh address, on disk (synchronous FULL)",
            ),
            Case("invoice.create_c64.p99", "ms", waits.pop, note="of the same rounds"),
            Case(
                "invoice.status_c64",
                "1/s",
                lambda: drive(Load(bench_gateway.port, [_question(purchase)] * QUESTIONS, BUYERS)).rate,
                PEER,
                _of(peer, lambda there: drive(Load(there.port, there.questions(PEER_QUESTIONS), BUYERS)).rate),
                f"{QUESTIONS} a round, {BUYERS} connections; every request has its line in the log",
            ),
        ]


def _create(bench_gateway: BenchGateway, waits: list[float]) -> float:
    path = f"/api/v1/files/{bench_gateway.file_id}/purchases"
    bodies = [json.dumps({"claim_hash": b64u(claim_hash(new_secret()))}) for _ in range(INVOICES)]
    answers = drive(Load(bench_gateway.port, [request("POST", path, body) for body in bodies], BUYERS, 201))
    waits.append(answers.quantile(0.99))
    return answers.rate


def _question(purchase: str) -> bytes:
    return request("GET", f"/api/v1/purchases/{purchase}")


def _of(peer: lnbits.Peer | None, work: Callable[[lnbits.Peer], float]) -> Callable[[], float] | None:
    return None if peer is None else lambda: work(peer)

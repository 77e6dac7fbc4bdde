"""``buy`` does the proof of work that a gateway asks for while many unpaid invoices are open."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_access_link import Noting

from bitcache.errors import WorkRequired, WorkTooHard
from bitcache.identifiers import b64u, claim_hash, new_secret
from bitcache.proof_of_work import solves
from gateway.api.models import Purchase
from gateway.client import solve_proof_of_work
from gateway.client.buy_file import NotPaidInTime, buy
from gateway.client.sell_file import PublishedFile
from gateway.client.verified_offer import look
from gateway.demo.demonstration import Demo


async def take_invoices(demo: Demo, sold: PublishedFile, count: int) -> None:
    """As a program does that knows nothing of proofs."""
    for _ in range(count):
        body = {"claim_hash": b64u(claim_hash(new_secret()))}
        await demo.gateway.call(Purchase, "POST", f"/files/{sold.link.file_id}/purchases", json=body)


async def test_buying_while_it_is_tight(demo: Demo, sold: PublishedFile, tmp_path: Path) -> None:
    """Half of the quota of an address is free; then a program that cannot work is refused, and ``buy`` is served."""
    with pytest.raises(WorkRequired):
        await take_invoices(demo, sold, demo.context.policy.quotas.network)
    observer = Noting()
    with pytest.raises(NotPaidInTime):
        await buy(
            demo.gateway,
            await look(demo.gateway, sold.link),
            tmp_path / "out",
            tmp_path,
            timeout=0.2,
            observer=observer,
        )
    assert len(observer.asked) == 1


async def test_work_that_takes_a_while_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once, before it is done."""
    monkeypatch.setattr(solve_proof_of_work, "QUIET_SECONDS", 0.0)
    notes: list[str] = []
    challenge = b64u(b"\x0a" + bytes(24))
    proof = await solve_proof_of_work.work(WorkRequired(challenge=challenge, bits=10), notes.append)
    assert solves(b"\x0a" + bytes(24), proof["nonce"], 10)
    assert len(notes) == 1


async def test_a_dishonest_gateway_makes_nobody_work_for_hours() -> None:
    """More than is reasonable is refused at once."""
    for bits in (21, 255, -1):
        with pytest.raises(WorkTooHard):
            await solve_proof_of_work.work(WorkRequired(challenge=b64u(bytes(25)), bits=bits), print)

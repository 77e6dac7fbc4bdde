"""Purchases as JSON: never older than the last commit, read once for all who wait."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from gateway_harness import GatewayHarness
from sales import file_for_sale
from sqlalchemy import Connection, update

from bitcache import event_log
from bitcache.errors import NotFound, StorageError
from bitcache.event_log import EventKind
from bitcache.identifiers import PurchaseId, claim_hash, new_purchase_id, new_secret
from bitcache.storage.tables import invoice
from gateway.live import purchase_cache


@pytest.fixture
async def order(harness: GatewayHarness) -> PurchaseId:
    """A fresh purchase."""
    sold = await harness.sell(file_for_sale())
    return PurchaseId((await harness.begin(sold.file_id))[1]["purchase_id"])


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """One entry for every time that purchases are read from the database."""
    seen: list[object] = []
    real = purchase_cache.views

    def views(*asked: Any) -> Any:
        seen.append(asked)
        return real(*asked)

    monkeypatch.setattr(purchase_cache, "views", views)
    return seen


def receive(conn: Connection, order: PurchaseId, amount: int) -> None:
    """Change what the purchase shows."""
    conn.execute(update(invoice).where(invoice.c.purchase_id == order).values(received_sat=amount))
    event_log.add(conn, [(EventKind.PURCHASE_CHANGED, order)], 0)


async def received(harness: GatewayHarness, order: PurchaseId) -> int:
    return int(json.loads(await harness.context.statuses.of(order))["received_sat"])


async def test_it_is_what_the_api_says(harness: GatewayHarness, order: PurchaseId) -> None:
    """Byte by byte, from the cache too."""
    for _ in range(2):
        got = await harness.call("GET", f"/purchases/{order}")
        assert got.body == await harness.context.statuses.of(order)
    assert got.headers["Content-Type"] == "application/json; charset=utf-8"


async def test_a_read_after_a_commit_is_never_older(harness: GatewayHarness, order: PurchaseId) -> None:
    """Many readers beside a writer: as soon as a write has returned, nobody reads what was before it."""
    committed = 0

    async def ask() -> None:
        while committed < 150:
            least = committed
            assert await received(harness, order) >= least
            await asyncio.sleep(0)

    async def write() -> None:
        nonlocal committed
        for amount in range(1, 151):
            await harness.context.store.write(lambda conn, amount=amount: receive(conn, order, amount))
            committed = amount

    await asyncio.gather(write(), *[ask() for _ in range(8)])
    assert await received(harness, order) == 150


async def test_whoever_saw_the_new_state_elsewhere_sees_it_here(harness: GatewayHarness, order: PurchaseId) -> None:
    """Not even between the commit in the writer's thread and its news in this one is the old state handed out."""
    assert await received(harness, order) == 0
    [done] = harness.context.store._commit([lambda conn: receive(conn, order, 7)])  # this thread learns nothing
    assert done is None
    assert await received(harness, order) == 7


async def test_a_read_that_a_commit_overtook_is_not_kept(
    harness: GatewayHarness, order: PurchaseId, reads: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reader looked before the write and was slow to come back: the next one asks again."""
    real = harness.context.store.read

    async def slow(work: Callable[[Connection], Any]) -> Any:
        reads.clear()
        bodies = await real(work)
        if reads:  # it was the purchase that was read, not whether there is news
            await harness.context.store.write(lambda conn: receive(conn, order, 9))
        return bodies

    monkeypatch.setattr(harness.context.store, "read", slow)
    assert await received(harness, order) == 0
    monkeypatch.setattr(harness.context.store, "read", real)
    assert await received(harness, order) == 9


async def test_new_purchases_leave_what_is_kept(
    harness: GatewayHarness, order: PurchaseId, reads: list[object]
) -> None:
    """A busy gateway's sales do not make every open page read again; a payment does."""
    file_id = json.loads(await harness.context.statuses.of(order))["file_id"]
    reads.clear()
    context, claim = harness.context, claim_hash(new_secret())
    await context.invoice_batcher.open(file_id, claim, None)
    await context.statuses.of(order)
    assert reads == []
    await context.store.write(lambda conn: receive(conn, order, 3))
    assert await received(harness, order) == 3
    assert len(reads) == 1


async def test_readers_that_wait_together_share_a_read(harness: GatewayHarness, reads: list[object]) -> None:
    """Many open pages hear of one block: one read for the first, few for all the others, however busy the machine."""
    sold = await harness.sell(file_for_sale())
    file_id, context = sold.file_id, harness.context
    hashes = [claim_hash(new_secret()) for _ in range(150)]
    made = [context.invoice_batcher.open(file_id, claim_hash, None) for claim_hash in hashes]
    ids = [purchase.purchase_id for purchase, _ in await asyncio.gather(*made)]
    await asyncio.sleep(0.1)  # the watcher has looked at the chain
    reads.clear()
    bodies = await asyncio.gather(*[context.statuses.of(purchase_id) for purchase_id in ids])
    assert [json.loads(body)["purchase_id"] for body in bodies] == ids
    assert len(reads) <= len(ids) // 10


async def test_what_is_not_there(harness: GatewayHarness, order: PurchaseId) -> None:
    """Each asker gets its own answer."""
    results = await asyncio.gather(
        harness.context.statuses.of(order), harness.context.statuses.of(new_purchase_id()), return_exceptions=True
    )
    assert [type(result) for result in results] == [bytes, NotFound]


async def test_a_failed_read_fails_its_askers_and_no_others(
    harness: GatewayHarness, order: PurchaseId, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk fails once."""
    real = harness.context.store.read

    async def broken(_work: object) -> None:
        monkeypatch.setattr(harness.context.store, "read", real)
        raise StorageError("no")

    await harness.context.store.write(lambda conn: receive(conn, order, 1))
    monkeypatch.setattr(harness.context.store, "read", broken)
    with pytest.raises(StorageError):
        await harness.context.statuses.of(order)
    assert await received(harness, order) == 1


async def test_memory_is_bounded(harness: GatewayHarness, order: PurchaseId, monkeypatch: pytest.MonkeyPatch) -> None:
    """More purchases than are kept are read each time."""
    monkeypatch.setattr(purchase_cache, "LARGEST_CACHE", 0)
    await harness.context.store.write(lambda conn: receive(conn, order, 1))
    assert [await received(harness, order) for _ in range(3)] == [1, 1, 1]
    assert harness.context.statuses._kept == {}

"""The watcher at work: nodes that fail, news in the wrong moment, and an end when it is told to."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from support.eventually import eventually
from support.invoice_harness import InvoiceHarness
from support.watcher_harness import HOUR, WatcherHarness

from bitcache import event_log
from bitcache.chain_errors import NodeUnreachable
from bitcache.errors import DiskFull
from bitcache.money import Sat
from wallet.chain.chain_source import Scripts
from wallet.watcher import Watcher


async def test_nothing_expires_while_the_node_is_away_or_behind(failing: WatcherHarness) -> None:
    """Otherwise a payment in a block that we have not seen would be called late."""
    chain: Any = failing.chain
    purchase_id, _ = await failing.invoice(expires_at=failing.clock.now + 1)
    await failing.watcher.sync()
    failing.clock.now += HOUR
    chain.behind = True
    assert await failing.state(purchase_id) == "new"
    chain.behind, chain.fails = False, NodeUnreachable()
    with pytest.raises(NodeUnreachable):
        await failing.watcher.sync()
    assert await failing.invoice_harness.state(purchase_id) == "new"
    chain.fails = None
    assert await failing.state(purchase_id) == "expired"


async def test_in_a_quiet_hour_invoices_expire_all_the_same(failing: WatcherHarness) -> None:
    """The chain is known up to when it was asked, and not up to what its newest block says."""
    purchase_id, _ = await failing.invoice(expires_at=failing.clock.now + 600)
    failing.chain.tip_time = failing.clock.now
    assert await failing.state(purchase_id) == "new"
    failing.clock.now += HOUR
    assert await failing.state(purchase_id) == "expired"


async def test_a_block_between_two_questions_does_not_undo_a_payment(failing: WatcherHarness) -> None:
    """The payment leaves what waits because it was just confirmed: it must not look gone."""
    chain: Any = failing.chain
    purchase_id, address = await failing.invoice(confirmations=2)
    await failing.chain.pay(address, Sat(5_000))
    assert await failing.state(purchase_id) == "processing"
    chain.surprise = chain.mine
    assert await failing.state(purchase_id) == "processing"
    assert len(await failing.invoice_harness.confirmed()) == 1
    events = await failing.invoice_harness.store.read(event_log.unread)
    assert len(events) == 2, "seen, then confirmed once; never gone"


async def test_where_it_stands_is_read_again_after_a_failure(
    harness: WatcherHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A write that committed, and whose answer was lost, moved the cursor: it must not be remembered otherwise."""
    purchase_id, address = await harness.invoice()
    await harness.watcher.sync()
    store = harness.invoice_harness.store
    write = store.write

    async def lose_the_answer(*work: Any, **options: Any) -> Any:
        monkeypatch.undo()
        await write(*work, **options)
        raise DiskFull

    await harness.chain.mine()
    await harness.watcher.sync()
    await harness.chain.pay(address, Sat(5_000))
    await harness.chain.mine()
    monkeypatch.setattr(store, "write", lose_the_answer)
    with pytest.raises(DiskFull):
        await harness.watcher.sync()
    await harness.chain.reorg(1, keep=False)
    assert await harness.state(purchase_id) == "invalid"
    assert await harness.invoice_harness.cursor() == await harness.chain.tip()


async def test_the_callback_comes_after_writes(harness: WatcherHarness) -> None:
    await harness.watcher.sync()
    before = harness.changes
    await harness.chain.mine(3)
    await harness.watcher.sync()
    assert harness.changes >= before + 3


@contextlib.asynccontextmanager
async def running(watcher: Watcher) -> AsyncIterator[None]:
    task = asyncio.create_task(watcher.run())
    yield
    assert not task.done(), "run() never ends by itself"
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_run_outlives_a_node_that_is_away(failing: WatcherHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wallet.watcher.BACKOFF_SECONDS", (0.01,))
    chain: Any = failing.chain
    chain.fails = NodeUnreachable("gone fishing")
    purchase_id, address = await failing.invoice()
    watcher = failing.watcher
    async with running(watcher):
        await eventually(lambda: _answer(watcher.status.error))
        assert str(watcher.status.error) == "gone fishing"
        chain.fails = None
        await failing.chain.pay(address, Sat(5_000))
        await failing.chain.mine()
        await eventually(lambda: _settled(failing.invoice_harness, purchase_id))
        await eventually(lambda: _answer(watcher.status.error is None))


@pytest.mark.parametrize("failure", [DiskFull(), ZeroDivisionError()], ids=["disk full", "a bug"])
async def test_run_outlives_other_failures(
    failing: WatcherHarness, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    monkeypatch.setattr("wallet.watcher.BACKOFF_SECONDS", (0.01,))
    chain: Any = failing.chain
    purchase_id, address = await failing.invoice()
    async with running(failing.watcher):
        await eventually(lambda: _answer(failing.watcher.status.synced_at))
        chain.fails = failure
        await failing.chain.pay(address, Sat(5_000))
        await eventually(lambda: _answer(failing.watcher.status.error))
        chain.fails = None
        await failing.chain.mine()
        await eventually(lambda: _settled(failing.invoice_harness, purchase_id))


async def test_two_syncs_at_once_do_not_interleave(harness: WatcherHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    inside = most = 0
    ask = harness.chain.unconfirmed

    async def slowly(scripts: Scripts) -> Any:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        await asyncio.sleep(0.01)
        inside -= 1
        return await ask(scripts)

    monkeypatch.setattr(harness.chain, "unconfirmed", slowly)
    await asyncio.gather(*(harness.watcher.sync() for _ in range(5)))
    assert most == 1


async def _answer(value: Any) -> Any:
    return value


async def _settled(invoice_harness: InvoiceHarness, purchase_id: str) -> bool:
    return await invoice_harness.state(purchase_id) == "settled"


@pytest.mark.parametrize("moments", range(6))
async def test_it_ends_when_told_to_in_the_moment_of_news(harness: WatcherHarness, moments: int) -> None:
    """``asyncio.wait_for`` of Python 3.11 swallows a cancellation that meets the answer: a gateway never stopped."""
    running = asyncio.create_task(harness.watcher.run())
    await asyncio.sleep(0.3)  # now it waits
    harness.chain.notify()
    for _ in range(moments):
        await asyncio.sleep(0)
    running.cancel()
    await asyncio.wait([running], timeout=2)
    assert running.cancelled()

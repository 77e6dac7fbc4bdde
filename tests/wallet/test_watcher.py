"""The watcher, with the real store: the ledger says what the chain says, whatever happens in between."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from support.accounts import fresh_destinations
from support.eventually import eventually
from support.shop import Shop, open_shop

from bitcache import outbox
from bitcache.errors import DiskFull, NodeUnreachable
from bitcache.identifiers import TransferId
from bitcache.ledger import BlockRef, Payment
from bitcache.money import Sat
from bitcache.storage.store import Store
from wallet.chain.base import ChainStatus, Scripts, Step
from wallet.chain.simulated import SimulatedChain
from wallet.watcher import SAFETY_DEPTH, Watcher

HOUR = 3_600


class Clock:
    """Time as an argument."""

    def __init__(self, now: int = 1_800_000_000) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now


class Till:
    """A shop, its chain, and a watcher that can be thrown away and made anew."""

    def __init__(self, shop: Shop, chain: SimulatedChain) -> None:
        self.shop, self.chain, self.clock = shop, chain, Clock()
        self.changes = 0
        self.watcher = self.new_watcher()

    def new_watcher(self, **options: Any) -> Watcher:
        """As after a restart: nothing is remembered but the database."""
        self.scripts: dict[bytes, TransferId] = {}
        self.watcher = Watcher(
            self.shop.store, self.chain, self.scripts, clock=self.clock, on_change=self._changed, **options
        )
        return self.watcher

    def _changed(self) -> None:
        self.changes += 1

    async def invoice(self, amount: int = 5_000, **terms: int) -> tuple[TransferId, str]:
        """A new one, watched as the rail does."""
        ((script, address),) = fresh_destinations(1)
        transfer_id = await self.shop.invoice(script, address, amount, **terms)
        self.scripts[script] = transfer_id
        return transfer_id, address

    async def state(self, transfer_id: str) -> str:
        """After a look at the chain."""
        await self.watcher.sync()
        return await self.shop.state(transfer_id)


@pytest.fixture
async def till(store: Store, simulated: SimulatedChain) -> Till:
    await simulated.mine(20)
    return Till(await open_shop(store), simulated)


async def test_a_payment_is_seen_then_settled_and_released(till: Till) -> None:
    transfer_id, address = await till.invoice()
    assert await till.state(transfer_id) == "new"
    await till.chain.pay(address, Sat(5_000))
    assert await till.state(transfer_id) == "processing"
    assert await till.shop.grants() == []
    await till.chain.mine()
    assert await till.state(transfer_id) == "settled"
    assert await till.shop.grants() == [transfer_id]


async def test_confirmations_are_counted(till: Till) -> None:
    transfer_id, address = await till.invoice(confirmations=3)
    await till.chain.pay(address, Sat(5_000))
    states = []
    for _ in range(3):
        await till.chain.mine()
        states.append(await till.state(transfer_id))
    assert states == ["processing", "processing", "settled"]


async def test_several_outputs_add_up(till: Till) -> None:
    transfer_id, address = await till.invoice()
    await till.chain.pay(address, Sat(2_000))
    assert await till.state(transfer_id) == "new"
    assert (await till.shop.look(transfer_id)).marks == "paid_partial"
    await till.chain.pay(address, Sat(2_999))
    await till.chain.mine()
    assert await till.state(transfer_id) == "new"
    await till.chain.pay(address, Sat(1))
    await till.chain.mine()
    assert await till.state(transfer_id) == "settled"


async def test_a_replaced_payment_pays_nothing(till: Till) -> None:
    transfer_id, address = await till.invoice()
    txid = await till.chain.pay(address, Sat(5_000))
    assert await till.state(transfer_id) == "processing"
    await till.chain.replace(txid)
    assert await till.state(transfer_id) == "new"
    await till.chain.mine()
    assert await till.state(transfer_id) == "new"


async def test_a_coinbase_pays_after_a_hundred_blocks(till: Till) -> None:
    transfer_id, address = await till.invoice()
    await till.chain.mine(1, address)
    assert await till.state(transfer_id) == "processing"
    await till.chain.mine(98)
    assert await till.state(transfer_id) == "processing"
    await till.chain.mine()
    assert await till.state(transfer_id) == "settled"


@pytest.mark.parametrize("depth", [1, 2, 5, 6])
async def test_a_reorganisation_takes_back_what_was_not_released(till: Till, depth: int) -> None:
    transfer_id, address = await till.invoice(confirmations=10)
    await till.chain.pay(address, Sat(5_000))
    await till.chain.mine(depth)
    assert await till.state(transfer_id) == "processing"
    await till.chain.reorg(depth, keep=False)
    assert await till.state(transfer_id) == "new"
    assert await till.shop.confirmed() == set()


async def test_a_reorganisation_after_release_is_a_loss_and_can_heal(till: Till) -> None:
    transfer_id, address = await till.invoice()
    txid = await till.chain.pay(address, Sat(5_000))
    await till.chain.mine()
    assert await till.state(transfer_id) == "settled"
    await till.chain.reorg(1)
    assert await till.state(transfer_id) == "settled", "it waits for a block again"
    await till.chain.drop(txid)
    assert await till.state(transfer_id) == "invalid"
    await till.chain.pay(address, Sat(5_000))
    await till.chain.mine()
    assert await till.state(transfer_id) == "settled"
    assert await till.shop.grants() == [transfer_id], "released once"


async def test_without_a_mempool_what_was_undone_is_gone_until_a_block_has_it(till: Till) -> None:
    """Else a payment undone after the release, then double-spent, would never be recorded as a loss."""
    transfer_id, address = await till.invoice()
    await till.chain.pay(address, Sat(5_000))
    await till.chain.mine()
    assert await till.state(transfer_id) == "settled"

    async def blind(_: Scripts) -> list[Payment]:
        return []

    till.chain.unconfirmed = blind
    till.chain.sees_unconfirmed = False
    await till.chain.reorg(1)
    assert await till.state(transfer_id) == "invalid"
    await till.chain.mine()
    assert await till.state(transfer_id) == "settled"


async def test_a_reorganisation_below_the_first_block_begins_again_lower(till: Till) -> None:
    """Even the block at which watching began can leave the chain; nothing in its place is missed."""
    transfer_id, address = await till.invoice()
    await till.watcher.sync()
    await till.chain.pay(address, Sat(5_000))
    await till.chain.mine()
    await till.chain.reorg(SAFETY_DEPTH + 4)
    await till.chain.mine(20)
    assert await till.state(transfer_id) == "settled", "twenty blocks deep, far below where a first start would begin"
    assert await till.shop.cursor() == await till.chain.tip()


async def test_another_chain_altogether(till: Till) -> None:
    """A simulated chain that forgot everything: its genesis is the same, and all else is undone."""
    transfer_id, address = await till.invoice()
    await till.chain.pay(address, Sat(5_000))
    await till.chain.mine()
    assert await till.state(transfer_id) == "settled"
    till.chain = SimulatedChain()
    await till.chain.mine(2)
    till.new_watcher()
    assert await till.state(transfer_id) == "invalid"
    assert await till.shop.cursor() == await till.chain.tip()


async def test_a_restart_misses_nothing(till: Till) -> None:
    """Paid while nobody watched; the scripts come from the database."""
    before, first = await till.invoice()
    await till.watcher.sync()
    await till.chain.pay(first, Sat(5_000))
    await till.chain.mine(30)
    waiting, second = await till.invoice()
    await till.chain.pay(second, Sat(5_000))
    till.new_watcher()
    assert await till.state(before) == "settled"
    assert await till.state(waiting) == "processing"


async def test_what_vanished_while_nobody_watched_is_gone(till: Till) -> None:
    transfer_id, address = await till.invoice()
    txid = await till.chain.pay(address, Sat(5_000))
    assert await till.state(transfer_id) == "processing"
    await till.chain.drop(txid)
    till.new_watcher()
    assert await till.state(transfer_id) == "new"


async def test_a_first_start_begins_a_little_below_the_tip(till: Till) -> None:
    transfer_id, address = await till.invoice()
    await till.chain.pay(address, Sat(5_000))
    await till.chain.mine(SAFETY_DEPTH)
    assert await till.state(transfer_id) == "settled"


async def test_a_birthday_begins_lower(till: Till) -> None:
    transfer_id, address = await till.invoice()
    await till.chain.pay(address, Sat(5_000))
    await till.chain.mine(50)
    till.new_watcher(birthday=20)
    assert await till.state(transfer_id) == "settled"


async def test_invoices_expire_when_the_chain_is_known_past_their_time(till: Till) -> None:
    transfer_id, address = await till.invoice(expires_at=till.clock.now + HOUR)
    till.clock.now += HOUR
    assert await till.state(transfer_id) == "new"
    till.clock.now += 1
    assert await till.state(transfer_id) == "expired"
    await till.chain.pay(address, Sat(5_000))
    assert await till.state(transfer_id) == "processing"
    await till.chain.mine()
    assert await till.state(transfer_id) == "settled"
    assert (await till.shop.look(transfer_id)).marks == "paid_late"


class FailingChain(SimulatedChain):
    """A chain that can be away, behind, or interrupted."""

    fails: Exception | None = None
    behind = False
    surprise: Callable[[], Any] | None = None

    async def step(self, cursor: BlockRef, scripts: Scripts) -> Step:
        if self.fails:
            raise self.fails
        return await super().step(cursor, scripts)

    async def status(self) -> ChainStatus:
        return ChainStatus(True, self.network, 1, 9, synced=not self.behind)

    async def unconfirmed(self, scripts: Scripts) -> Any:
        found = await super().unconfirmed(scripts)
        if self.surprise:
            surprise, self.surprise = self.surprise, None
            await surprise()
            found = await super().unconfirmed(scripts)
        return found


@pytest.fixture
async def failing(store: Store) -> Till:
    chain = FailingChain()
    await chain.mine(20)
    return Till(await open_shop(store), chain)


async def test_nothing_expires_while_the_node_is_away_or_behind(failing: Till) -> None:
    """Otherwise a payment in a block that we have not seen would be called late."""
    chain: Any = failing.chain
    transfer_id, _ = await failing.invoice(expires_at=failing.clock.now + 1)
    await failing.watcher.sync()
    failing.clock.now += HOUR
    chain.behind = True
    assert await failing.state(transfer_id) == "new"
    chain.behind, chain.fails = False, NodeUnreachable()
    with pytest.raises(NodeUnreachable):
        await failing.watcher.sync()
    assert await failing.shop.state(transfer_id) == "new"
    chain.fails = None
    assert await failing.state(transfer_id) == "expired"


async def test_a_block_between_two_questions_does_not_undo_a_payment(failing: Till) -> None:
    """The payment leaves what waits because it was just confirmed: it must not look gone."""
    chain: Any = failing.chain
    transfer_id, address = await failing.invoice(confirmations=2)
    await failing.chain.pay(address, Sat(5_000))
    assert await failing.state(transfer_id) == "processing"
    chain.surprise = chain.mine
    assert await failing.state(transfer_id) == "processing"
    assert len(await failing.shop.confirmed()) == 1
    events = await failing.shop.store.read(outbox.pending)
    assert len(events) == 2, "seen, then confirmed once; never gone"


async def test_where_it_stands_is_read_again_after_a_failure(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    """A write that committed, and whose answer was lost, moved the cursor: it must not be remembered otherwise."""
    transfer_id, address = await till.invoice()
    await till.watcher.sync()
    store = till.shop.store
    write = store.write

    async def lose_the_answer(*work: Any, **options: Any) -> Any:
        monkeypatch.undo()
        await write(*work, **options)
        raise DiskFull

    await till.chain.mine()
    await till.watcher.sync()
    await till.chain.pay(address, Sat(5_000))
    await till.chain.mine()
    monkeypatch.setattr(store, "write", lose_the_answer)
    with pytest.raises(DiskFull):
        await till.watcher.sync()
    await till.chain.reorg(1, keep=False)
    assert await till.state(transfer_id) == "invalid"
    assert await till.shop.cursor() == await till.chain.tip()


async def test_the_callback_comes_after_writes(till: Till) -> None:
    await till.watcher.sync()
    before = till.changes
    await till.chain.mine(3)
    await till.watcher.sync()
    assert till.changes >= before + 3


@contextlib.asynccontextmanager
async def running(watcher: Watcher) -> AsyncIterator[None]:
    task = asyncio.create_task(watcher.run())
    yield
    assert not task.done(), "run() never ends by itself"
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_run_outlives_a_node_that_is_away(failing: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wallet.watcher.BACKOFF_SECONDS", (0.01,))
    chain: Any = failing.chain
    chain.fails = NodeUnreachable("gone fishing")
    transfer_id, address = await failing.invoice()
    watcher = failing.watcher
    async with running(watcher):
        await eventually(lambda: _answer(watcher.status.error))
        assert str(watcher.status.error) == "gone fishing"
        chain.fails = None
        await failing.chain.pay(address, Sat(5_000))
        await failing.chain.mine()
        await eventually(lambda: _settled(failing.shop, transfer_id))
        await eventually(lambda: _answer(watcher.status.error is None))


@pytest.mark.parametrize("failure", [DiskFull(), ZeroDivisionError()], ids=["disk full", "a bug"])
async def test_run_outlives_other_failures(failing: Till, monkeypatch: pytest.MonkeyPatch, failure: Exception) -> None:
    monkeypatch.setattr("wallet.watcher.BACKOFF_SECONDS", (0.01,))
    chain: Any = failing.chain
    transfer_id, address = await failing.invoice()
    async with running(failing.watcher):
        await eventually(lambda: _answer(failing.watcher.status.synced_at))
        chain.fails = failure
        await failing.chain.pay(address, Sat(5_000))
        await eventually(lambda: _answer(failing.watcher.status.error))
        chain.fails = None
        await failing.chain.mine()
        await eventually(lambda: _settled(failing.shop, transfer_id))


async def test_two_syncs_at_once_do_not_interleave(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    inside = most = 0
    ask = till.chain.unconfirmed

    async def slowly(scripts: Scripts) -> Any:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        await asyncio.sleep(0.01)
        inside -= 1
        return await ask(scripts)

    monkeypatch.setattr(till.chain, "unconfirmed", slowly)
    await asyncio.gather(*(till.watcher.sync() for _ in range(5)))
    assert most == 1


async def _answer(value: Any) -> Any:
    return value


async def _settled(shop: Shop, transfer_id: str) -> bool:
    return await shop.state(transfer_id) == "settled"


@pytest.mark.parametrize("moments", range(6))
async def test_it_ends_when_told_to_in_the_moment_of_news(till: Till, moments: int) -> None:
    """``asyncio.wait_for`` of Python 3.11 swallows a cancellation that meets the answer: a gateway never stopped."""
    running = asyncio.create_task(till.watcher.run())
    await asyncio.sleep(0.3)  # now it waits
    till.chain._tell()
    for _ in range(moments):
        await asyncio.sleep(0)
    running.cancel()
    await asyncio.wait([running], timeout=2)
    assert running.cancelled()

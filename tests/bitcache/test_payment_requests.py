"""Several ways to pay one invoice: prepared outside every write, added later, and paid together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Connection
from structlog.testing import capture_logs
from support.eventually import eventually
from support.market import NOW, POLICY, Market, SealedFile, pays, request_of

from bitcache import event_log, payment_requests, payments, payments_known_until, remote_payment_requests, sellers
from bitcache.chain_types import CHAIN
from bitcache.errors import DiskFull, InvoiceClosed, NotFound, TooManyInvoices, UnknownRail
from bitcache.event_log import EventKind
from bitcache.follow_rails import Recorder, follow
from bitcache.identifiers import claim_hash, new_purchase_id, new_secret
from bitcache.invoice_batching import InvoiceBatcher
from bitcache.money import Sat
from bitcache.payment_rail import PreparedRequest, RequestOrder
from bitcache.payments import IncomingPayment
from bitcache.purchases import PaymentRequest, Purchase
from bitcache.remote_payment_requests import RequestPreparer
from wallet.rails.simulated import SimulatedRail
from wallet.rails.simulated_wallet_service import SimulatedWallet


class Desk:
    """Where purchases begin, with a wallet beside the chain."""

    def __init__(self, market: Market, time_limit: float = 5.0) -> None:
        self.wallet = SimulatedWallet()
        self.rail = SimulatedRail(self.wallet, lambda: NOW)
        self.market = replace(market, preparing=(self.rail,))
        self.time_limit = time_limit
        self.changes = 0

    def open(self, *at_issue: str) -> Desk:
        """Begin to work; only these rails have a request from the beginning, or (none named) all."""
        self.market = replace(self.market, at_issue=frozenset(at_issue) or None)
        self.preparer = RequestPreparer(
            self.market.store, self.market.rails, lambda: NOW, on_change=self._changed, time_limit=self.time_limit
        )
        self.batcher = InvoiceBatcher(self.market.issuer(POLICY), self.preparer, lambda: NOW)
        return self

    def _changed(self) -> None:
        self.changes += 1

    async def buy(self, file: SealedFile) -> Purchase:
        """A purchase, as its buyer is answered."""
        made, _ = await self.batcher.open(file.file_id, claim_hash(new_secret()), None)
        return made

    async def ended(self, purchase: Purchase) -> PaymentRequest:
        """The wallet's request, once it is ready or cannot be had."""

        async def ended() -> PaymentRequest | None:
            request = request_of(await self.market.look(purchase.purchase_id), "simulated")
            return request if request.destination or request.unavailable else None

        request = await eventually(ended)
        assert request is not None
        return request

    async def receive(self, purchase: Purchase, amount: int, reference: str, *, final: bool = True) -> None:
        """A payment comes in on the wallet."""
        key = (await self.ended(purchase)).match_key
        assert key is not None
        paid = [IncomingPayment(reference, key, Sat(amount), final)]
        await self.market.store.write(lambda conn: payments.record(conn, self.rail.scope, paid, NOW))


@pytest.fixture
async def desk(market: Market) -> AsyncIterator[Desk]:
    desk = Desk(market)
    yield desk.open()
    await desk.preparer.close()


@pytest.fixture
async def file(market: Market) -> SealedFile:
    return await market.listed(price_sat=1_000)


async def test_the_buyer_waits_for_no_other_machine(desk: Desk, file: SealedFile) -> None:
    """The address is there at once, the wallet's request when it is ready, and open pages are told."""
    desk.rail.delay = 0.2
    purchase = await desk.buy(file)
    preparing = request_of(purchase, "simulated")
    assert request_of(purchase).destination is not None
    assert (preparing.destination, preparing.uri, preparing.unavailable) == (None, None, None)
    ready = await desk.ended(purchase)
    assert (ready.payable_sat, ready.expires_at, ready.unavailable) == (1_000, NOW + 600, None)
    assert ready.uri == f"simulated:{ready.destination}?sat=1000"
    assert desk.changes == 1
    events = await desk.market.store.read(event_log.unread)
    assert (events[-1].kind, events[-1].subject) == (EventKind.PURCHASE_CHANGED, purchase.purchase_id)


async def test_a_full_disk_leaves_no_request_undecided(
    desk: Desk, file: SealedFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the wallet made is written down as soon as there is room; no restart is needed for it."""
    monkeypatch.setattr(remote_payment_requests, "AGAIN_SECONDS", 0.01)
    desk.rail.delay = 0.1
    made = await desk.buy(file)
    write, refused = desk.market.store.write, 0

    async def full(work: Callable[[Connection], Any]) -> Any:
        nonlocal refused
        refused += 1
        if refused <= 3:
            raise DiskFull
        return await write(work)

    monkeypatch.setattr(desk.market.store, "write", full)
    assert (await desk.ended(made)).destination
    assert refused == 4


async def test_two_rails_pay_one_invoice(desk: Desk, file: SealedFile) -> None:
    """600 sat in the wallet and 400 on the chain."""
    purchase = await desk.buy(file)
    await desk.receive(purchase, 600, "first")
    part = await desk.market.look(purchase.purchase_id)
    assert (part.state, part.marks, part.due_sat) == ("new", ("paid_partial",), 400)
    assert [request.payable_sat for request in part.payment_requests] == [400, 400]
    await desk.market.block(pays(purchase, "tx:0", 400))
    paid = await desk.market.look(purchase.purchase_id)
    assert (paid.state, paid.released, paid.marks) == ("settled", True, ())
    assert [(payment.rail, payment.reference) for payment in paid.payments] == [("simulated", "first"), ("paper", "tx")]


async def test_each_rail_asks_for_no_less_than_it_carries(desk: Desk, file: SealedFile) -> None:
    """One satoshi is missing: the wallet carries it, the chain does not."""
    purchase = await desk.buy(file)
    await desk.receive(purchase, 999, "most of it")
    part = await desk.market.look(purchase.purchase_id)
    assert {request.rail: request.payable_sat for request in part.payment_requests} == {"paper": 294, "simulated": 1}
    await desk.market.block(pays(purchase, "tx:0", 294))
    assert (await desk.market.look(purchase.purchase_id)).marks == (), "294 sat were asked for"


async def test_what_comes_in_after_it_was_paid_otherwise_is_over(desk: Desk, file: SealedFile) -> None:
    purchase = await desk.buy(file)
    await desk.market.block(pays(purchase))
    await desk.receive(purchase, 1_000, "twice")
    paid = await desk.market.look(purchase.purchase_id)
    assert (paid.state, paid.received_sat, paid.marks) == ("settled", 2_000, ("paid_over",))


async def test_a_wallet_that_fails_is_left_out_with_a_reason(desk: Desk, file: SealedFile) -> None:
    desk.wallet.set_down(True)
    purchase = await desk.buy(file)
    assert (await desk.ended(purchase)).unavailable == "the wallet does not answer"
    await desk.market.block(pays(purchase))
    assert (await desk.market.look(purchase.purchase_id)).released, "the others go on"


async def test_a_wallet_that_is_slow_is_left_out_in_time(market: Market, file: SealedFile) -> None:
    desk = Desk(market, time_limit=0.05).open()
    desk.rail.delay = 60
    purchase = await desk.buy(file)
    assert (await desk.ended(purchase)).unavailable == "the wallet did not answer in time"


async def test_a_bug_in_a_rail_leaves_nothing_prepared_for_ever(
    desk: Desk, file: SealedFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(order: RequestOrder) -> PreparedRequest:
        raise ZeroDivisionError

    monkeypatch.setattr(desk.rail, "prepare", broken)
    assert (await desk.ended(await desk.buy(file))).unavailable == "an unexpected error"


async def test_a_destination_that_is_given_twice_is_refused(
    desk: Desk, file: SealedFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody could tell which invoice a payment to it is for."""
    once = await desk.rail.prepare(RequestOrder(0, desk.rail.scope, new_purchase_id(), file.file_id, Sat(1), NOW + 60))

    async def again(order: RequestOrder) -> PreparedRequest:
        return once

    monkeypatch.setattr(desk.rail, "prepare", again)
    first, second = await desk.buy(file), await desk.buy(file)
    reasons = {(await desk.ended(purchase)).unavailable for purchase in (first, second)}
    assert reasons == {None, "the wallet gave the same payment request twice"}


async def test_what_is_ready_too_late_is_not_shown(desk: Desk, file: SealedFile) -> None:
    """Paid on the chain meanwhile: nobody shall pay again."""
    desk.rail.delay = 0.2
    purchase = await desk.buy(file)
    await desk.market.block(pays(purchase))
    assert (await desk.ended(purchase)).unavailable == "the invoice was closed before this was ready"


async def test_the_next_run_goes_on_with_what_was_not_finished(desk: Desk, file: SealedFile) -> None:
    desk.rail.delay = 60
    purchase = await desk.buy(file)
    await asyncio.sleep(0)
    await desk.preparer.close()
    assert request_of(await desk.market.look(purchase.purchase_id), "simulated").destination is None
    desk.rail.delay = 0
    desk.open()
    await desk.preparer.resume()
    assert (await desk.ended(purchase)).destination is not None


async def test_a_way_to_pay_can_be_added_later(desk: Desk, file: SealedFile) -> None:
    """Asked again, also at once, it is the same; on both kinds of rails."""
    desk.open("simulated")
    purchase = await desk.buy(file)
    assert [request.rail for request in purchase.payment_requests] == ["simulated"]
    assert desk.market.rail.watched == set()
    for _ in range(2):
        added = await asyncio.gather(*[desk.batcher.add_request(purchase.purchase_id, "paper") for _ in range(3)])
    assert [request.rail for request in added[-1].payment_requests] == ["simulated", "paper"]
    assert desk.market.rail.watched == {request_of(added[-1]).match_key}
    await desk.market.block(pays(added[-1]))
    assert (await desk.market.look(purchase.purchase_id)).released


async def test_one_that_failed_can_be_asked_for_again(desk: Desk, file: SealedFile) -> None:
    desk.wallet.set_down(True)
    purchase = await desk.buy(file)
    await desk.ended(purchase)
    desk.wallet.set_down(False)
    await desk.batcher.add_request(purchase.purchase_id, "simulated")

    async def ready() -> bool:
        requests = (await desk.market.look(purchase.purchase_id)).payment_requests
        return [bool(request.destination) for request in requests if request.rail == "simulated"] == [False, True]

    assert await eventually(ready)


async def test_what_cannot_be_added(desk: Desk, file: SealedFile) -> None:
    """No such rail, no such purchase, too many, paid already."""
    desk.wallet.set_down(True)
    purchase = await desk.buy(file)
    with pytest.raises(UnknownRail):
        await desk.batcher.add_request(purchase.purchase_id, "barter")
    with pytest.raises(NotFound):
        await desk.batcher.add_request(new_purchase_id(), "paper")
    for _ in range(payment_requests.MOST_OF_ONE_INVOICE - 2):
        await desk.ended(purchase)
        await desk.batcher.add_request(purchase.purchase_id, "simulated")

        async def over() -> bool:
            requests = (await desk.market.look(purchase.purchase_id)).payment_requests
            return all(request.destination or request.unavailable for request in requests)

        assert await eventually(over)
    with pytest.raises(TooManyInvoices):
        await desk.batcher.add_request(purchase.purchase_id, "simulated")
    await desk.market.block(pays(purchase))
    with pytest.raises(InvoiceClosed):
        await desk.batcher.add_request(purchase.purchase_id, "simulated")


async def test_a_silent_wallet_pauses_expiry_as_a_silent_node_does(desk: Desk, file: SealedFile) -> None:
    """Of the invoices that can be paid in it; others expire by the chain alone."""
    desk.wallet.set_down(True)
    by_chain = await desk.buy(file)
    await desk.ended(by_chain)
    desk.wallet.set_down(False)
    by_both = await desk.buy(file)
    await desk.ended(by_both)
    late = NOW + POLICY.expiry_seconds + 1

    async def states() -> tuple[str, str]:
        return (
            (await desk.market.look(by_chain.purchase_id)).state,
            (await desk.market.look(by_both.purchase_id)).state,
        )

    async def known(scope: str, until: int) -> None:
        await desk.market.store.write(lambda conn: payments_known_until.set_known_until(conn, scope, until, late))

    await known(CHAIN, late)
    assert await states() == ("expired", "new")
    await known(desk.rail.scope, late)
    assert await states() == ("expired", "expired")
    await known(desk.rail.scope, NOW)  # its clock ran ahead, and is set right
    assert await states() == ("expired", "new")
    await known(desk.rail.scope, late)
    await known(CHAIN, NOW)
    assert await states() == ("new", "new")


async def test_an_address_that_was_not_used_stays_an_unpaid_one(desk: Desk, file: SealedFile) -> None:
    """Paid in the wallet, the seller's other wallet must look past it all the same."""
    for number in range(3):
        await desk.receive(await desk.buy(file), 1_000, f"payment {number}")
    payout = await desk.market.store.read(lambda conn: sellers.payout_of(conn, desk.market.seller_id))
    assert payout is not None
    assert payout.gap_hint == 3


async def test_every_time_a_wallet_falls_silent_is_logged_once(desk: Desk) -> None:
    """Not at every attempt, and again when it worked in between."""
    recorder = Recorder(desk.market.store, desk.rail, desk.rail.scope, lambda: NOW)

    def paused() -> int:
        return sum(entry["event"] == "rail_paused" for entry in entries)

    async def reported() -> bool:
        return recorder.worked.is_set()

    async def paused_again(times: int) -> bool:
        return paused() == times

    with capture_logs() as entries:
        following = asyncio.create_task(follow(recorder))
        try:
            for times in (1, 2):
                assert await eventually(reported)
                desk.wallet.set_down(True)
                assert await eventually(partial(paused_again, times))
                await asyncio.sleep(1.2)  # a further attempt fails, and says nothing
                assert paused() == times
                desk.wallet.set_down(False)
                recorder.worked.clear()
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)

"""What every rail must do, on real invoices: the chain with its watcher, and a wallet service that reports itself."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Protocol

import pytest
from support.accounts import fresh_account, fresh_destinations
from support.eventually import eventually
from support.market import NOW, POLICY, Market, PaperRail, references_of, request_of

from bitcache import purchases, sellers
from bitcache.follow_rails import Recorder
from bitcache.identifiers import PurchaseId, claim_hash, new_secret
from bitcache.invoice_batching import InvoiceBatcher
from bitcache.issue_invoices import InvoiceIssuer
from bitcache.money import Sat
from bitcache.purchases import PaymentRequest, Purchase
from bitcache.rails import Rails
from bitcache.remote_payment_requests import RequestPreparer
from bitcache.storage.database import Store
from wallet.chain.simulated_chain import SimulatedChain
from wallet.rails.onchain import OnChainRail
from wallet.rails.simulated import SimulatedRail
from wallet.rails.simulated_wallet_service import SimulatedWallet
from wallet.watcher import Watcher

PRICE = 10_000


class Clock:
    """Time as an argument."""

    now = NOW

    def __call__(self) -> int:
        return self.now


class RailHarness(Protocol):
    """A rail, and the world behind it."""

    name: str
    rails: Rails
    #: a destination of somebody else
    elsewhere: str

    async def pay(self, destination: str, amount: int) -> str:
        """Pay, not yet for good; return the reference that buyers see."""

    async def make_final(self, reference: str) -> None:
        """Nothing more is waited for."""

    async def take_back(self, reference: str) -> None:
        """The payment is not made after all."""

    async def report(self) -> None:
        """Everything there is to say is said, and recorded."""


class OnChain:
    """A simulated chain with the real watcher."""

    name = "onchain"

    def __init__(self, store: Store, clock: Clock) -> None:
        scripts: set[bytes] = set()
        self.chain = SimulatedChain()
        self.rail = OnChainRail("regtest", scripts)
        self.rails = Rails(self.rail)
        self.elsewhere = fresh_destinations(1)[0][1]
        self._watcher = Watcher(store, self.chain, scripts, clock=clock)

    async def pay(self, destination: str, amount: int) -> str:
        return await self.chain.pay(destination, Sat(amount))

    async def make_final(self, reference: str) -> None:
        await self.chain.mine()

    async def take_back(self, reference: str) -> None:
        await self.chain.replace(reference)

    async def report(self) -> None:
        await self._watcher.sync()


class OneReport:
    """Passes everything on, and says when all was said that there was to say."""

    def __init__(self, recorder: Recorder) -> None:
        self.record, self.withdraw, self.awaited = recorder.record, recorder.withdraw, recorder.awaited
        self._recorder = recorder
        self.complete = asyncio.Event()

    async def known_until(self, until: int) -> None:
        await self._recorder.known_until(until)
        self.complete.set()


class InWallet:
    """The simulated wallet service, whose connection is made anew for every report."""

    name = "simulated"

    def __init__(self, store: Store, clock: Clock) -> None:
        self.wallet = SimulatedWallet()
        self.rail = SimulatedRail(self.wallet, clock)
        self.rails = Rails(PaperRail(), (self.rail,), frozenset({"simulated"}))
        self.elsewhere = "somebody else's"
        self._recorder = Recorder(store, self.rail, self.rail.scope, clock)

    async def pay(self, destination: str, amount: int) -> str:
        return self.wallet.pay(destination, Sat(amount), final=False)

    async def make_final(self, reference: str) -> None:
        self.wallet.confirm(reference)

    async def take_back(self, reference: str) -> None:
        self.wallet.cancel(reference)

    async def report(self) -> None:
        recorder = OneReport(self._recorder)
        following = asyncio.create_task(self.rail.follow(self.rail.scope, recorder))
        await asyncio.wait_for(recorder.complete.wait(), 5)
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)


class Counter:
    """One seller, and a rail under test on which her invoices are paid."""

    def __init__(self, market: Market, harness: RailHarness, clock: Clock) -> None:
        self.market, self.harness, self.clock = market, harness, clock
        self._preparer = RequestPreparer(market.store, harness.rails, clock)

    async def buy(self) -> Purchase:
        """An invoice that can be paid on the rail."""
        file = await self.market.listed(b"la", PRICE)
        batcher = InvoiceBatcher(
            InvoiceIssuer(self.market.store, self.harness.rails, POLICY), self._preparer, self.clock
        )
        made, _ = await batcher.open(file.file_id, claim_hash(new_secret()), None)

        async def ready() -> Purchase | None:
            purchase = await self.look(made.purchase_id)
            return purchase if self.request(purchase).destination else None

        purchase = await eventually(ready)
        assert purchase is not None
        return purchase

    async def look(self, purchase_id: PurchaseId) -> Purchase:
        """The purchase as it stands."""
        return await self.market.store.read(lambda conn: purchases.view(conn, self.harness.rails, purchase_id))

    async def reported(self, purchase: Purchase) -> Purchase:
        """The purchase, once everything was said."""
        await self.harness.report()
        return await self.look(purchase.purchase_id)

    def request(self, purchase: Purchase) -> PaymentRequest:
        """The way to pay on the rail."""
        return request_of(purchase, self.harness.name)

    async def pay(self, purchase: Purchase, amount: int = PRICE) -> str:
        """Pay on it."""
        destination = self.request(purchase).destination
        assert destination is not None
        return await self.harness.pay(destination, amount)


@pytest.fixture(params=[OnChain, InWallet], ids=["onchain", "simulated"])
async def counter(request: pytest.FixtureRequest, store: Store, tmp_path: Path) -> Counter:
    clock = Clock()
    harness = request.param(store, clock)
    market = await Market.open(store, tmp_path / "blobs", await SimulatedChain().tip())
    terms = harness.rails.deriving.check(fresh_account().text)
    await store.write(lambda conn: sellers.set_payout(conn, market.seller_id, harness.rails.deriving.name, terms, NOW))
    return Counter(market, harness, clock)


async def test_every_invoice_has_a_destination_of_its_own(counter: Counter) -> None:
    """It stands in what a wallet scans."""
    requests = [counter.request(await counter.buy()) for _ in range(3)]
    assert len({request.destination for request in requests}) == len({request.match_key for request in requests}) == 3
    for request in requests:
        assert request.destination is not None
        assert request.uri is not None
        assert request.destination in request.uri
        assert (request.payable_sat, request.unavailable) == (PRICE, None)
        assert NOW < request.expires_at <= NOW + POLICY.expiry_seconds


async def test_a_payment_is_seen_and_then_releases(counter: Counter) -> None:
    purchase = await counter.buy()
    reference = await counter.pay(purchase)
    seen = await counter.reported(purchase)
    assert (seen.state, seen.received_sat, seen.released) == ("processing", PRICE, False)
    assert references_of(seen) == [reference]
    await counter.harness.make_final(reference)
    paid = await counter.reported(purchase)
    assert (paid.state, paid.released, paid.due_sat) == ("settled", True, 0)
    assert counter.request(paid).payable_sat == 0


async def test_what_is_reported_again_counts_once(counter: Counter) -> None:
    purchase = await counter.buy()
    reference = await counter.pay(purchase)
    for _ in range(3):
        await counter.harness.report()
    await counter.harness.make_final(reference)
    for _ in range(3):
        paid = await counter.reported(purchase)
    assert (paid.received_sat, paid.confirmed_sat, paid.marks) == (PRICE, PRICE, ())


async def test_what_is_taken_back_is_due_again(counter: Counter) -> None:
    purchase = await counter.buy()
    reference = await counter.pay(purchase)
    await counter.harness.report()
    await counter.harness.take_back(reference)
    undone = await counter.reported(purchase)
    assert (undone.state, undone.received_sat, undone.due_sat, references_of(undone)) == ("new", 0, PRICE, [])


async def test_parts_add_up_and_more_is_marked(counter: Counter) -> None:
    purchase = await counter.buy()
    await counter.pay(purchase, 6_000)
    part = await counter.reported(purchase)
    assert (part.due_sat, part.marks, counter.request(part).payable_sat) == (4_000, ("paid_partial",), 4_000)
    await counter.pay(purchase, 5_000)
    assert (await counter.reported(purchase)).marks == ("paid_over",)


async def test_payments_to_others_are_nothing(counter: Counter) -> None:
    purchase = await counter.buy()
    await counter.harness.pay(counter.harness.elsewhere, PRICE)
    assert (await counter.reported(purchase)).received_sat == 0


async def test_silence_pauses_expiry(counter: Counter) -> None:
    """The time alone closes nothing; that everything up to then was said does."""
    purchase = await counter.buy()
    await counter.harness.report()
    counter.clock.now = purchase.expires_at + 1
    assert (await counter.look(purchase.purchase_id)).state == "new"
    assert (await counter.reported(purchase)).state == "expired"


async def test_a_late_payment_counts_and_is_marked(counter: Counter) -> None:
    purchase = await counter.buy()
    counter.clock.now = purchase.expires_at + 1
    await counter.harness.report()
    reference = await counter.pay(purchase)
    await counter.harness.report()
    await counter.harness.make_final(reference)
    late = await counter.reported(purchase)
    assert (late.state, late.marks, late.released) == ("settled", ("paid_late",), True)

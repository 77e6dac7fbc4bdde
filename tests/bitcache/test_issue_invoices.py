"""Step 3, invoice: one address per purchase, whoever asks, however often and at whatever moment."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import select
from support.market import NOW, POLICY, Market, address_of, key_of, pays, references_of, uri_of

from bitcache import issue_invoices, payments, sellers
from bitcache.buyer_networks import networks_of
from bitcache.chain_types import CHAIN
from bitcache.errors import ClaimMismatch, InvalidDescriptor, NotFound, PriceTooHigh, SalesPaused, TooManyInvoices
from bitcache.identifiers import FileId, claim_hash, new_file_id, new_purchase_id, new_secret
from bitcache.invoice_quotas import Quotas
from bitcache.issue_invoices import InvoicePolicy
from bitcache.money import Sat
from bitcache.payment_rail import Destination
from bitcache.purchase_requests import PurchaseRequest
from bitcache.storage.tables import open_count, payout, purchase

BUYER, NEIGHBOUR = (networks_of(b"secret", address) for address in ("192.0.2.1", "198.51.100.1"))


async def next_index(market: Market) -> int:
    column = select(payout.c.next_index)
    return await market.store.read(lambda conn: conn.execute(column).scalar_one())


async def known_networks(market: Market) -> set[bytes | None]:
    column = select(purchase.c.networks)
    return await market.store.read(lambda conn: set(conn.scalars(column)))


async def counts(market: Market) -> int:
    """How many rows are kept to count open invoices."""
    return await market.store.read(lambda conn: len(conn.execute(select(open_count)).all()))


@pytest.mark.parametrize(
    ("amount", "needed"), [(1, 1), (99_999, 1), (100_000, 2), (999_999, 2), (1_000_000, 3), (21 * 10**14, 3)]
)
def test_larger_amounts_must_lie_deeper(amount: int, needed: int) -> None:
    """At each border of the table."""
    assert issue_invoices.confirmations_for(Sat(amount), POLICY) == needed


async def test_a_purchase_says_everything_that_its_buyer_needs(market: Market) -> None:
    """Every member of the protocol's Purchase, fresh."""
    file = await market.listed(price_sat=100_000)
    order = await market.order(file.file_id)
    first = market.rail.destination("paper account", 0)
    assert (order.file_id, order.state, order.marks, order.released) == (file.file_id, "new", (), False)
    assert (order.amount_sat, order.amount_btc, order.due_sat, order.received_sat) == (100_000, "0.001", 100_000, 0)
    assert (order.confirmed_sat, order.confirmations, order.confirmations_required) == (0, 0, 2)
    assert (address_of(order), key_of(order)) == (first.text, first.match_key)
    [request] = order.payment_requests
    assert (request.rail, request.uri) == ("paper", f"paper:{first.text}?sat=100000")
    assert (request.payable_sat, request.expires_at, request.sees_unconfirmed) == (100_000, NOW + 3600, True)
    assert request.unavailable is None
    assert (order.created_at, order.expires_at, order.seen_at, order.settled_at) == (NOW, NOW + 3600, None, None)
    assert (order.payments, order.network) == ((), "regtest")
    assert await market.look(order.purchase_id) == order
    assert market.rail.watched == {key_of(order)}
    assert (
        set(await market.store.read(lambda conn: payments.match_keys_after(conn, CHAIN, b"", 100)))
        == market.rail.watched
    )


async def test_what_is_due_shrinks_with_each_payment(market: Market) -> None:
    """Two part payments in one transaction, one more waiting, then the rest: sums, links and transactions follow."""
    file = await market.listed(price_sat=10_000)
    order = await market.order(file.file_id)
    await market.block(pays(order, "aa:0", 3_000), pays(order, "aa:1", 2_000), now=NOW + 5)
    part = await market.look(order.purchase_id)
    assert (part.received_sat, part.due_sat, part.marks, references_of(part)) == (
        5_000,
        5_000,
        ("paid_partial",),
        ["aa"],
    )
    assert uri_of(part).endswith("?sat=5000")
    await market.unconfirmed(pays(order, "bb:7", 4_900), now=NOW + 9)
    almost = await market.look(order.purchase_id)
    assert (almost.due_sat, references_of(almost), almost.seen_at) == (100, ["aa", "bb"], NOW + 5)
    assert uri_of(almost).endswith("?sat=294"), "less than that the network does not carry"
    await market.block(pays(order, "bb:7", 4_900), pays(order, "cc:0", 294))
    paid = await market.look(order.purchase_id)
    assert (paid.state, paid.due_sat, paid.marks, paid.confirmations) == ("settled", 0, (), 1), "294 sat were asked for"
    assert uri_of(paid).endswith("?sat=0"), "nothing is due, nothing is asked for"


async def test_the_same_claim_is_the_same_purchase(market: Market) -> None:
    """Asked again, also at once, also when sales are paused meanwhile: one purchase, one address."""
    file, claim = await market.listed(), new_secret()
    orders = await asyncio.gather(*[market.order(file.file_id, claim) for _ in range(20)])
    await market.store.write(lambda conn: sellers.pause_payout(conn, 1, "invalid_descriptor"))
    orders.append(await market.order(file.file_id, claim))
    assert len({order.purchase_id for order in orders}) == 1
    assert await next_index(market) == 1


async def test_only_the_first_call_says_that_the_purchase_is_new(market: Market) -> None:
    """201 and then 200 in the API."""
    file, asked = await market.listed(), claim_hash(new_secret())
    news = []
    for _ in range(2):
        _, created = await market.issuer().create_one(PurchaseRequest(file.file_id, asked), NOW)
        news.append(created)
    assert news == [True, False]


async def test_a_claim_for_another_file_is_refused(market: Market) -> None:
    """One claim secret, one purchase."""
    one, other, claim = await market.listed(), await market.listed(), new_secret()
    await market.order(one.file_id, claim)
    with pytest.raises(ClaimMismatch):
        await market.order(other.file_id, claim)


async def test_two_hundred_buyers_at_once_get_two_hundred_addresses(market: Market) -> None:
    """Indexes 0 to 199, none twice, none skipped, all watched."""
    file, policy = await market.listed(), POLICY
    orders = await asyncio.gather(*[market.order(file.file_id, policy=policy) for _ in range(200)])
    expected = {market.rail.destination("paper account", index).text for index in range(200)}
    assert {address_of(order) for order in orders} == expected
    assert len(market.rail.watched) == 200
    assert await next_index(market) == 200


async def test_an_open_invoice_cap_per_buyer(market: Market) -> None:
    """The neighbour may go on; so may the buyer whose invoice was paid or expired, and who is not counted at all."""
    file, policy = await market.listed(), replace(POLICY, quotas=Quotas(network=2))
    first, _ = [await market.order(file.file_id, policy=policy, networks=BUYER) for _ in range(2)]
    with pytest.raises(TooManyInvoices):
        await market.order(file.file_id, policy=policy, networks=BUYER)
    await market.order(file.file_id, policy=policy, networks=NEIGHBOUR)
    await market.order(file.file_id, policy=policy)
    await market.unconfirmed(pays(first))
    await market.order(file.file_id, policy=policy, networks=BUYER)
    with pytest.raises(TooManyInvoices):
        await market.order(file.file_id, policy=policy, networks=BUYER)
    await market.order(file.file_id, policy=policy, networks=BUYER, now=NOW + 3600)


async def test_an_open_invoice_cap_per_listing(market: Market) -> None:
    """Counted over all buyers; another file is not concerned; a refusal takes no address."""
    file, other = await market.listed(), await market.listed()
    policy = replace(POLICY, quotas=Quotas(listing=3))
    for number in range(3):
        await market.order(file.file_id, policy=policy, networks=networks_of(b"secret", f"203.0.{number}.1"))
    for _ in range(3):
        with pytest.raises(TooManyInvoices):
            await market.order(file.file_id, policy=policy, networks=BUYER)
    assert await next_index(market) == 3
    await market.order(other.file_id, policy=policy, networks=BUYER)
    await market.order(file.file_id, policy=policy, networks=BUYER, now=NOW + 3600)


async def test_caps_hold_when_the_clock_is_set_back(market: Market) -> None:
    """What was made "later" is still open; and when the clock is right again, so is what was made meanwhile."""
    file, policy = await market.listed(), replace(POLICY, quotas=Quotas(network=3))
    made = [
        market.order(file.file_id, policy=policy, networks=BUYER, now=when, work=14) for when in (NOW, NOW, NOW - 600)
    ]
    await asyncio.gather(*made)
    for when in (NOW - 600, NOW - 300, NOW, NOW + 2999):
        with pytest.raises(TooManyInvoices):
            await market.order(file.file_id, policy=policy, networks=BUYER, now=when)
    await market.order(file.file_id, policy=policy, networks=BUYER, now=NOW + 3001, work=14)


async def test_caps_hold_when_all_ask_at_once(market: Market) -> None:
    """The count and the insert are one write."""
    file, policy = await market.listed(), InvoicePolicy(quotas=Quotas(network=5))
    asked = [market.order(file.file_id, policy=policy, networks=BUYER, work=14) for _ in range(50)]
    results = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(isinstance(result, TooManyInvoices) for result in results) == 45
    assert await next_index(market) == 5


async def test_who_asked_is_forgotten_when_the_invoice_counts_no_longer(market: Market) -> None:
    """The hashes of a buyer's networks are kept for the quotas alone, and not even the empty counts stay."""
    file = await market.listed()
    paid = await market.order(file.file_id, networks=BUYER)
    await market.order(file.file_id, networks=NEIGHBOUR)
    assert await known_networks(market) == {BUYER.pack(), NEIGHBOUR.pack()}
    await market.unconfirmed(pays(paid))
    assert await known_networks(market) == {None, NEIGHBOUR.pack()}
    assert await counts(market) == 4 + 3
    await market.known_until(NOW + 3601)
    assert await known_networks(market) == {None}
    assert await counts(market) == 0


async def test_nothing_is_sold_while_sales_are_paused(market: Market) -> None:
    """The reason travels as a code; then sales go on."""
    file = await market.listed()
    await market.store.write(lambda conn: sellers.pause_payout(conn, 1, "invalid_descriptor"))
    with pytest.raises(SalesPaused) as refused:
        await market.order(file.file_id)
    assert refused.value.details == {"reason": "invalid_descriptor"}
    await market.store.write(lambda conn: sellers.pause_payout(conn, 1, None))
    await market.order(file.file_id)


async def test_a_rail_that_cannot_derive_costs_no_index(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    """The write is undone as a whole, and its neighbours in the batch stand."""
    file = await market.listed()

    def broken(account: str, index: int) -> Destination:
        raise InvalidDescriptor

    with monkeypatch.context() as patch:
        patch.setattr(market.rail, "destination", broken)
        with pytest.raises(InvalidDescriptor):
            await market.order(file.file_id)
    assert await next_index(market) == 0


async def test_what_is_not_there_is_not_found(market: Market) -> None:
    """No file, no purchase."""
    with pytest.raises(NotFound):
        await market.order(FileId(new_file_id()))
    with pytest.raises(NotFound):
        await market.look(new_purchase_id())


async def test_nothing_dearer_than_the_highest_price_is_sold(market: Market) -> None:
    """Not even a listing from before the limit: its invoice would be paid and never released."""
    file = await market.listed()
    price = (await market.order(file.file_id)).amount_sat
    await market.order(file.file_id, policy=replace(POLICY, highest_price_sat=price))
    with pytest.raises(PriceTooHigh) as refused:
        await market.order(file.file_id, policy=replace(POLICY, highest_price_sat=price - 1))
    assert refused.value.details == {"highest_price_sat": price - 1}
    assert "chain.light_max_sat" in refused.value.advice

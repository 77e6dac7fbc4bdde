"""Buyers who come together: one write for all, and nobody's trouble is another's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, select
from support.market import NOW, POLICY, TERMS, Market, address_of, key_of

from bitcache import sellers
from bitcache.address_journal import AddressJournal
from bitcache.batching import Batcher
from bitcache.buyer_networks import networks_of
from bitcache.errors import (
    ClaimMismatch,
    InvalidDescriptor,
    NotFound,
    SalesPaused,
    StorageError,
    TooManyBuyers,
    TooManyInvoices,
)
from bitcache.identifiers import FileId, claim_hash, new_file_id, new_secret, token_hash
from bitcache.invoice_batching import InvoiceBatcher
from bitcache.invoice_quotas import Quotas
from bitcache.issue_invoices import Answer, InvoicePolicy, PurchaseRequest
from bitcache.payment_rail import Destination
from bitcache.remote_payment_requests import RequestPreparer
from bitcache.storage.tables import payout

BUYER, NEIGHBOUR, THIRD, FOURTH = (
    networks_of(b"secret", address) for address in ("192.0.2.1", "198.51.100.1", "203.0.113.1", "198.18.0.1")
)


def fresh() -> bytes:
    """The hash of a new claim."""
    return claim_hash(new_secret())


def kinds(answers: list[Answer | Exception]) -> list[object]:
    """What each came to: new or not, or the error's class."""
    return [type(answer) if isinstance(answer, Exception) else answer[1] for answer in answers]


async def ask(
    market: Market, *purchase_requests: PurchaseRequest, policy: InvoicePolicy = POLICY
) -> list[Answer | Exception]:
    answers, _ = await market.issuer(policy).create(purchase_requests, NOW)
    return answers


def batcher(market: Market, policy: InvoicePolicy, journal: AddressJournal) -> InvoiceBatcher:
    """Where buyers who come together are served."""
    preparer = RequestPreparer(market.store, market.rails, lambda: NOW)
    return InvoiceBatcher(market.issuer(policy, journal), preparer, lambda: NOW)


async def another_seller(market: Market, account: str | None) -> None:
    """Whoever lists next is somebody else, paid elsewhere."""
    other = await market.store.write(lambda conn: sellers.create_seller(conn, "Bob", token_hash(new_secret()), NOW))
    terms = replace(TERMS, account=account or "to be paused")
    await market.store.write(lambda conn: sellers.set_payout(conn, other, "paper", terms, NOW))
    market.seller_id = other


async def stands(market: Market) -> dict[str, int]:
    """Each account's next index."""
    rows = select(payout.c.account, payout.c.next_index)
    return await market.store.read(lambda conn: {row.account: row.next_index for row in conn.execute(rows)})


async def test_each_gets_an_answer_of_its_own(market: Market) -> None:
    """Known, new, twice at once, of another file, not there, paused: in the order in which they asked."""
    first_file = await market.listed()
    known, twice = fresh(), fresh()
    await ask(market, PurchaseRequest(first_file.file_id, known))
    await another_seller(market, None)
    paused = await market.listed(b"not now")
    await market.store.write(lambda conn: sellers.pause_payout(conn, 2, "invalid_descriptor"))
    purchase_requests = [
        PurchaseRequest(first_file.file_id, known),
        PurchaseRequest(first_file.file_id, twice),
        PurchaseRequest(first_file.file_id, twice),
        PurchaseRequest(paused.file_id, known),
        PurchaseRequest(paused.file_id, twice),
        PurchaseRequest(FileId(new_file_id()), fresh()),
        PurchaseRequest(paused.file_id, fresh()),
        PurchaseRequest(first_file.file_id, fresh()),
    ]
    answers = await ask(market, *purchase_requests)
    assert kinds(answers) == [False, True, False, ClaimMismatch, ClaimMismatch, NotFound, SalesPaused, True]
    made = [answer[0] for answer in answers if not isinstance(answer, Exception)]
    assert [await market.look(purchase.purchase_id) for purchase in made] == made
    assert len({address_of(purchase) for purchase in made}) == 3
    assert await stands(market) == {"paper account": 3, "to be paused": 0}
    assert market.rail.watched >= {key_of(purchase) for purchase in made}


async def test_caps_count_those_who_come_together(market: Market) -> None:
    """Per buyer and per file, also when many more wait than fit, and a refused claim may come from elsewhere."""
    file, other = await market.listed(), await market.listed(b"other")
    policy = replace(POLICY, quotas=Quotas(network=2, listing=4))
    await ask(market, PurchaseRequest(file.file_id, fresh(), BUYER), policy=policy)
    again = fresh()
    purchase_requests = [
        PurchaseRequest(file.file_id, fresh(), BUYER),
        PurchaseRequest(file.file_id, again, BUYER),
        PurchaseRequest(other.file_id, fresh(), BUYER),
        PurchaseRequest(file.file_id, again, NEIGHBOUR),
        PurchaseRequest(file.file_id, fresh(), THIRD, work=14),
        PurchaseRequest(file.file_id, fresh(), FOURTH, work=14),
        PurchaseRequest(other.file_id, fresh(), FOURTH),
        PurchaseRequest(file.file_id, fresh()),
    ]
    answers = await ask(market, *purchase_requests, policy=policy)
    assert kinds(answers) == [True, True, TooManyInvoices, False, True, TooManyBuyers, True, True]
    assert await stands(market) == {"paper account": 6}, "a refusal takes no address"


async def test_one_sellers_trouble_is_not_anothers(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    """An account that cannot be derived fails its own buyers alone, and takes nothing."""
    good = await market.listed()
    await another_seller(market, "broken account")
    bad = await market.listed(b"other")
    real = market.rail.destination

    def derive(account: str, index: int) -> Destination:
        if account == "broken account" and index == 1:
            raise InvalidDescriptor
        return real(account, index)

    monkeypatch.setattr(market.rail, "destination", derive)
    purchase_requests = [PurchaseRequest(file.file_id, fresh()) for file in (bad, good, bad, good)]
    assert kinds(await ask(market, *purchase_requests)) == [InvalidDescriptor, True, InvalidDescriptor, True]
    assert await stands(market) == {"paper account": 2, "broken account": 0}


async def test_two_spellings_of_one_account_share_no_address(market: Market) -> None:
    """Both sellers sell in the same moment."""
    first_file = await market.listed()
    await another_seller(market, "paper account#the same")
    other = await market.listed(b"other")
    answers = await ask(market, *[PurchaseRequest(file.file_id, fresh()) for file in (first_file, other) * 5])
    addresses = {address_of(answer[0]) for answer in answers if not isinstance(answer, Exception)}
    assert len(addresses) == 10


async def test_marks_are_written_before_addresses_are_used(
    market: Market, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the journal cannot be written, nobody buys and no index is taken; then all is well again."""
    file, marks = await market.listed(), AddressJournal.open(tmp_path / "marks")
    purchases = batcher(market, POLICY, marks)

    def full(*_: object) -> None:
        raise StorageError("full")

    with monkeypatch.context() as patch:
        patch.setattr(AddressJournal, "reserve", full)
        asked = [purchases.open(file.file_id, fresh(), None) for _ in range(3)]
        answers = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(answer) for answer in answers] == [StorageError] * 3
    assert await stands(market) == {"paper account": 0}
    opened, created = await purchases.open(file.file_id, fresh(), None)
    assert (address_of(opened), created) == (market.rail.destination("paper account", 0).text, True)
    assert AddressJournal.open(tmp_path / "marks").floor(market.rail, "paper account") >= 1


async def test_many_at_once_are_a_few_writes(market: Market, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two hundred buyers: nobody waits for two hundred commits, and everybody gets what is theirs."""
    file, policy = await market.listed(), replace(POLICY, quotas=Quotas(network=40))
    purchases = batcher(market, policy, AddressJournal.open(tmp_path / "marks"))
    writes, real = [], market.store.write

    async def write(work: Callable[[Connection], Any], **options: bool) -> Any:
        writes.append(work)
        return await real(work, **options)

    monkeypatch.setattr(market.store, "write", write)
    claims = [fresh() for _ in range(200)]
    opened = await asyncio.gather(*[purchases.open(file.file_id, claim, BUYER) for claim in claims[:20]])
    opened += await asyncio.gather(*[purchases.open(file.file_id, claim, None) for claim in claims])
    assert len(writes) <= 3
    assert [purchase.purchase_id for purchase, _ in opened[:20]] == [
        purchase.purchase_id for purchase, _ in opened[20:40]
    ]
    assert [created for _, created in opened] == [True] * 20 + [False] * 20 + [True] * 180
    assert len({key_of(purchase) for purchase, _ in opened}) == 200


async def test_a_buyer_who_goes_away_holds_up_nobody() -> None:
    """A cancelled call is answered to nobody; the others, and later ones, are served."""
    inside, go_on = asyncio.Event(), asyncio.Event()

    async def serve(asked: list[int]) -> list[int | Exception]:
        inside.set()
        await go_on.wait()
        return [number * 2 if number else ZeroDivisionError() for number in asked]

    together = Batcher(serve, 10)
    gone, stays = (asyncio.create_task(together.ask(number)) for number in (1, 2))
    await inside.wait()
    gone.cancel()
    go_on.set()
    assert await stays == 4
    with pytest.raises(ZeroDivisionError):
        await together.ask(0)
    assert await together.ask(3) == 6

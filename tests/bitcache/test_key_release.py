"""Step 6, release: one grant per purchase, and the share for its claim alone."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from support.market import NOW, Market, SealedFile, pays

from bitcache import key_release
from bitcache.errors import ClaimMismatch, InvalidIdentifier, PaymentRequired, StorageError, WrongKey
from bitcache.identifiers import new_secret
from bitcache.issue_invoices import Purchase
from bitcache.key_release import WrappedShare
from bitcache.master_key import MasterKey
from bitcache.storage.tables import grant, listing


@pytest.fixture
async def file(market: Market) -> SealedFile:
    return await market.listed(price_sat=100_000)  # two confirmations


@pytest.fixture
def claim() -> str:
    return new_secret()


@pytest.fixture
async def order(market: Market, file: SealedFile, claim: str) -> Purchase:
    return await market.order(file.file_id, claim)


async def share(market: Market, claim: str) -> WrappedShare:
    return await market.store.read(lambda conn: key_release.share_for(conn, claim))


async def test_the_share_comes_when_the_payment_is_deep_enough_and_not_before(
    market: Market, file: SealedFile, claim: str, order: Purchase
) -> None:
    """Not when seen, not one block too early; then as often as asked."""
    for payments in ([], [pays(order)]):
        await market.unconfirmed(*payments)
        with pytest.raises(PaymentRequired) as refused:
            await share(market, claim)
        assert refused.value.details == {"purchase_id": order.purchase_id}
    await market.block(pays(order))
    with pytest.raises(PaymentRequired):
        await share(market, claim)
    await market.block()
    for _ in range(2):
        released = await share(market, claim)
        assert market.master_key.unwrap(released.wrapped, released.file_id) == file.request.share


async def test_it_is_handed_out_even_after_the_payment_was_lost(
    market: Market, file: SealedFile, claim: str, order: Purchase
) -> None:
    """A release cannot be undone, so pretending otherwise helps nobody."""
    blocks = [await market.block(pays(order)), await market.block()]
    for ref in reversed(blocks):
        await market.undo(ref)
    await market.unconfirmed()
    assert (await market.look(order.purchase_id)).state == "invalid"
    assert (await share(market, claim)).file_id == file.file_id


async def test_one_buyers_payment_opens_nothing_for_another(market: Market, file: SealedFile, order: Purchase) -> None:
    """Two buyers of one file; and claims that nobody holds."""
    other = new_secret()
    await market.order(file.file_id, other)
    await market.block(pays(order))
    await market.block()
    with pytest.raises(PaymentRequired):
        await share(market, other)
    with pytest.raises(ClaimMismatch):
        await share(market, new_secret())
    with pytest.raises(InvalidIdentifier):
        await share(market, "x")


async def test_a_second_grant_is_impossible(market: Market, order: Purchase) -> None:
    """The table refuses it, whoever tries."""
    await market.block(pays(order))
    await market.block()
    with pytest.raises(StorageError):
        await market.store.write(lambda conn: key_release.grant_purchases(conn, [order.purchase_id], NOW))
    assert len(await market.store.read(lambda conn: conn.execute(select(grant)).all())) == 1


async def test_the_database_alone_releases_nothing(market: Market, file: SealedFile) -> None:
    """The share lies there wrapped, bound to its file."""
    column = select(listing.c.wrapped_share)
    wrapped = await market.store.read(lambda conn: conn.execute(column).scalar_one())
    assert file.request.share not in wrapped
    with pytest.raises(WrongKey):
        MasterKey(b"1" * 32).unwrap(wrapped, file.file_id)

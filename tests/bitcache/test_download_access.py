"""Step 7, download: from `processing` on, and for ever once released."""

from __future__ import annotations

import pytest
from support.market import NOW, Market, SealedFile, pays

from bitcache import download_access
from bitcache.errors import ClaimMismatch, InvalidIdentifier, PaymentRequired
from bitcache.identifiers import PurchaseId, new_secret
from bitcache.issue_invoices import Purchase


@pytest.fixture
async def file(market: Market) -> SealedFile:
    return await market.listed(price_sat=100_000)  # two confirmations


@pytest.fixture
def claim() -> str:
    return new_secret()


@pytest.fixture
async def order(market: Market, file: SealedFile, claim: str) -> Purchase:
    return await market.order(file.file_id, claim)


async def ask(market: Market, claim: str, file: SealedFile) -> PurchaseId:
    return await market.store.read(lambda conn: download_access.authorise(conn, claim, file.file_id))


async def test_from_unpaid_to_settled(market: Market, file: SealedFile, claim: str, order: Purchase) -> None:
    """Nothing, something, enough seen, one block, two blocks; afterwards as often as one likes."""
    with pytest.raises(PaymentRequired) as refused:
        await ask(market, claim, file)
    assert refused.value.details == {"purchase_id": order.purchase_id}
    await market.unconfirmed(pays(order, "a:0", 99_999))
    with pytest.raises(PaymentRequired):
        await ask(market, claim, file)
    await market.unconfirmed(pays(order, "a:0", 99_999), pays(order, "b:0", 1_000))
    assert await ask(market, claim, file) == order.purchase_id
    for expected, payments in (("processing", [pays(order)]), ("settled", []), ("settled", [])):
        await market.block(*payments)
        assert (await market.look(order.purchase_id)).state == expected
        assert await ask(market, claim, file) == order.purchase_id


async def test_a_payment_that_vanishes_takes_the_permission_along(
    market: Market, file: SealedFile, claim: str, order: Purchase
) -> None:
    """Replaced before any block: the sealed bytes that were fetched open nothing."""
    await market.unconfirmed(pays(order))
    await ask(market, claim, file)
    await market.unconfirmed()
    with pytest.raises(PaymentRequired):
        await ask(market, claim, file)


async def test_what_was_released_stays_available_even_when_the_payment_is_lost(
    market: Market, file: SealedFile, claim: str, order: Purchase
) -> None:
    """`invalid` is the seller's loss; the file cannot be taken back, so the download goes on."""
    blocks = [await market.block(pays(order)), await market.block()]
    for ref in reversed(blocks):
        await market.undo(ref)
    await market.unconfirmed()
    assert (await market.look(order.purchase_id)).state == "invalid"
    assert await ask(market, claim, file) == order.purchase_id


async def test_a_late_payment_still_opens_the_download(
    market: Market, file: SealedFile, claim: str, order: Purchase
) -> None:
    """Expired, then paid."""
    await market.known_until(NOW + 3601)
    assert (await market.look(order.purchase_id)).state == "expired"
    with pytest.raises(PaymentRequired):
        await ask(market, claim, file)
    await market.block(pays(order), now=NOW + 4000)
    assert await ask(market, claim, file) == order.purchase_id


async def test_a_claim_opens_its_own_purchase_alone(
    market: Market, file: SealedFile, claim: str, order: Purchase
) -> None:
    """Not another file, even of the same seller; and an unknown or malformed claim opens nothing."""
    other = await market.listed()
    await market.unconfirmed(pays(order))
    with pytest.raises(ClaimMismatch):
        await ask(market, claim, other)
    with pytest.raises(ClaimMismatch):
        await ask(market, new_secret(), file)
    with pytest.raises(InvalidIdentifier):
        await ask(market, "no claim", file)

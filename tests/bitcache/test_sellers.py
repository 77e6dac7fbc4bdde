"""Sellers and payouts: tokens, and one index counter per account for ever."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.market import NOW, TERMS, Market, address_of, pays, seal

from bitcache import access_tokens, sellers
from bitcache.access_tokens import Scope
from bitcache.errors import SalesPaused, Unauthenticated
from bitcache.identifiers import new_secret, token_hash
from bitcache.sellers import Payout
from bitcache.sellers_overview import sellers_overview
from bitcache.storage.database import Store


async def another_seller(store: Store) -> int:
    return await store.write(lambda conn: sellers.create_seller(conn, "Bob", token_hash(new_secret()), NOW))


async def use(market: Market, seller_id: int, account: str) -> Payout:
    terms = replace(TERMS, account=account)
    return await market.store.write(lambda conn: sellers.set_payout(conn, seller_id, "paper", terms, NOW))


async def payout(market: Market) -> Payout:
    row = await market.store.read(lambda conn: sellers.payout_of(conn, market.seller_id))
    assert row is not None
    return row


async def test_a_token_finds_its_seller(market: Market) -> None:
    """Only the right one of two."""
    await another_seller(market.store)
    row = await market.store.read(lambda conn: access_tokens.access_by_token(conn, market.token, NOW).seller)
    assert (row.id, row.name) == (market.seller_id, "Ann")


@pytest.mark.parametrize(
    "token",
    ["", "short", "a" * 43, new_secret(), "ä" * 43, "A" * 4000],
    ids=["none", "short", "shaped", "fresh", "not ascii", "long"],
)
async def test_a_token_that_nobody_holds_is_refused(market: Market, token: str) -> None:
    """Malformed or unknown makes no difference."""
    with pytest.raises(Unauthenticated) as refused:
        await market.store.read(lambda conn: access_tokens.access_by_token(conn, token, NOW))
    assert str(refused.value) == "nobody holds this token"


async def test_a_new_seller_has_no_payout(store: Store) -> None:
    """And the pages can say why nothing is sold."""
    assert not await store.read(sellers.any_seller)
    bob = await another_seller(store)
    assert await store.read(sellers.any_seller)
    assert await store.read(lambda conn: sellers.payout_of(conn, bob)) is None
    assert await store.read(lambda conn: sellers.why_paused(conn, bob, 2_500)) == "no_payout"
    assert await store.read(sellers.active_payouts) == []


async def test_coming_back_to_an_account_goes_on_where_it_stood(market: Market) -> None:
    """Away to another wallet and back: no index is given out twice."""
    file = await market.listed()
    first = [await market.order(file.file_id) for _ in range(3)]
    elsewhere = await use(market, market.seller_id, "another wallet")
    assert elsewhere.next_index == 0
    await market.order(file.file_id)
    back = await use(market, market.seller_id, TERMS.account)
    assert back.next_index == 3
    again = await market.order(file.file_id)
    assert address_of(again) not in {address_of(purchase) for purchase in first}


async def test_two_sellers_with_one_account_share_its_counter(market: Market) -> None:
    """The same wallet behind two sellers never gives one address to two buyers."""
    bob = await another_seller(market.store)
    hers, his = await payout(market), await use(market, bob, TERMS.account)
    assert hers.id == his.id
    assert [payout.id for payout in await market.store.read(sellers.active_payouts)] == [hers.id]


async def test_an_account_under_another_spelling_never_repeats_an_address(market: Market) -> None:
    """Even where the rail did not see that two accounts are one, no address comes twice."""
    file = await market.listed()
    addresses = [address_of(await market.order(file.file_id)) for _ in range(3)]
    await use(market, market.seller_id, TERMS.account + "#the same, spelled otherwise")
    addresses += [address_of(await market.order(file.file_id)) for _ in range(3)]
    await use(market, market.seller_id, TERMS.account)
    addresses += [address_of(await market.order(file.file_id)) for _ in range(3)]
    assert len(set(addresses)) == 9


async def test_a_pause_lasts_until_the_account_is_checked_again(market: Market) -> None:
    """pause, look, resume by hand; pause, resume by setting the same account again."""
    ours = await payout(market)
    for resume in (
        lambda conn: sellers.pause_payout(conn, ours.id, None),
        lambda conn: sellers.set_payout(conn, market.seller_id, "paper", TERMS, NOW),
    ):
        await market.store.write(lambda conn: sellers.pause_payout(conn, ours.id, "invalid_descriptor"))
        assert (await payout(market)).paused == "invalid_descriptor"
        assert (
            await market.store.read(lambda conn: sellers.why_paused(conn, market.seller_id, 2_500))
            == "invalid_descriptor"
        )
        await market.store.write(resume)
        assert await market.store.read(lambda conn: sellers.why_paused(conn, market.seller_id, 2_500)) is None


async def test_the_gap_hint_is_the_longest_run_of_unpaid_addresses(market: Market) -> None:
    """Of eight addresses, number 4 is paid, then number 5, then the one at the start."""
    assert (await payout(market)).gap_hint == 0
    file = await market.listed()
    orders = [await market.order(file.file_id) for _ in range(8)]
    hints = [(await payout(market)).gap_hint]
    for index in (4, 5, 0):
        await market.block(pays(orders[index], f"tx{index}:0"))
        hints.append((await payout(market)).gap_hint)
    assert hints == [8, 4, 4, 3]


async def test_another_spelling_goes_on_where_the_account_stood(market: Market) -> None:
    """The answer says so at once, not only after the next sale."""
    terms = replace(TERMS, first=tuple(market.rail.destination(TERMS.account, index).text for index in range(3)))
    file = await market.listed()
    for _ in range(3):
        await market.order(file.file_id)
    before = await payout(market)
    spelled = replace(terms, account=f"{TERMS.account}#another spelling")
    back = await market.store.write(lambda conn: sellers.set_payout(conn, market.seller_id, "paper", spelled, NOW))
    assert (back.id, back.next_index, back.gap_hint) == (before.id, 3, 3)
    other = replace(terms, account="another wallet", first=("paper1another",))
    away = await market.store.write(lambda conn: sellers.set_payout(conn, market.seller_id, "paper", other, NOW))
    assert (away.id != before.id, away.next_index) == (True, 0)


async def test_what_costs_less_than_the_least_payable_is_not_sold(market: Market) -> None:
    """After a change of the address type: nobody is asked for more than was signed; dearer files go on."""
    cheap, dear = await market.listed(price_sat=500), await market.listed(price_sat=2_500)
    begun = await market.order(cheap.file_id, claim=(claim := new_secret()))
    nested = replace(TERMS, account="nested", script_type="sh(wpkh)", minimum=540)
    await market.store.write(lambda conn: sellers.set_payout(conn, market.seller_id, "paper", nested, NOW))
    with pytest.raises(SalesPaused) as refused:
        await market.order(cheap.file_id)
    assert refused.value.details == {"reason": "below_dust"}
    assert await market.store.read(lambda conn: sellers.why_paused(conn, market.seller_id, 500)) == "below_dust"
    assert await market.store.read(lambda conn: sellers.why_paused(conn, market.seller_id, 540)) is None
    assert (await market.order(dear.file_id)).amount_sat == 2_500
    assert address_of(await market.order(cheap.file_id, claim=claim)) == address_of(begun)


async def test_the_operator_s_view_adds_up(market: Market) -> None:
    """A seller without anything is there too; who keeps the most comes first."""
    file, other = seal(b"x" * 100), seal(b"y")
    for sealed in (file, other):
        await market.upload(sealed)
        await market.publish(sealed.request)
    bob = await market.store.write(lambda conn: sellers.create_seller(conn, "Bob", token_hash(new_secret()), NOW))
    await market.store.write(lambda conn: access_tokens.make_token(conn, bob, "shop", Scope.SELL, NOW + 5))
    ann, second = await market.store.read(lambda conn: sellers_overview(conn, 10))
    assert (ann.id, ann.listings, ann.sealed_bytes) == (market.seller_id, 2, len(file.sealed) + len(other.sealed))
    assert (ann.settled, ann.received_sat, ann.last_seen) == (0, 0, None)
    assert (second.name, second.listings, second.sealed_bytes, second.last_seen) == ("Bob", 0, 0, NOW + 5)
    assert len(await market.store.read(lambda conn: sellers_overview(conn, 1))) == 1

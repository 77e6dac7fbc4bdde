"""Accounts: who is signed in and what they may do, invitations, the sealed index, and changes of payout that wait."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from support.market import NOW, TERMS, Market

from bitcache import access_tokens, account_events, accounts, payout_changes, sellers
from bitcache.access_tokens import MOST_SESSIONS, MOST_TOKENS, SESSION_SECONDS, Kind, Scope
from bitcache.account_errors import AccountExists, IndexChanged, InviteRefused, ScopeMissing, SignUpsFull, TooManyTokens
from bitcache.account_events import KEPT, AccountEventKind
from bitcache.buyer_networks import networks_of
from bitcache.errors import NotFound, Unauthenticated
from bitcache.identifiers import new_secret
from bitcache.network_rates import WINDOW_SECONDS
from bitcache.sign_up_limits import FREE, MOST_BITS, SignUpLimits


async def do(market: Market, work: Any, *arguments: Any, **named: Any) -> Any:
    """One write."""
    return await market.store.write(lambda conn: work(conn, *arguments, **named))


async def test_each_scope_includes_the_ones_before_it(market: Market) -> None:
    token = await do(market, access_tokens.make_token, market.seller_id, "accounting", Scope.READ, NOW)
    access = await do(market, access_tokens.access_by_token, token, NOW)
    access.require(Scope.READ)
    for more in (Scope.SELL, Scope.ACCOUNT, Scope.OWNER):
        with pytest.raises(ScopeMissing):
            access.require(more)
    (await do(market, access_tokens.access_by_token, market.token, NOW)).require(Scope.OWNER)
    session = await do(market, access_tokens.begin_session, market.seller_id, "Firefox", NOW)
    access = await do(market, access_tokens.access_by_token, session, NOW)
    access.require(Scope.ACCOUNT)
    with pytest.raises(ScopeMissing):
        access.require(Scope.OWNER)


async def test_a_session_ends_when_it_is_not_used(market: Market) -> None:
    session = await do(market, access_tokens.begin_session, market.seller_id, "Firefox", NOW)
    later = NOW + SESSION_SECONDS
    assert (await do(market, access_tokens.access_by_token, session, later)).unnoted
    with pytest.raises(Unauthenticated):
        await do(market, access_tokens.access_by_token, session, later + 1)
    access = await do(market, access_tokens.access_by_token, session, later)
    await do(market, access_tokens.note_use, access.token_id, later)
    assert not (await do(market, access_tokens.access_by_token, session, later + 60)).unnoted


async def test_sessions_and_tokens_are_bounded(market: Market) -> None:
    """A further session ends the one used longest ago; a further token is refused."""
    sessions = [
        await do(market, access_tokens.begin_session, market.seller_id, f"browser {number}", NOW + number)
        for number in range(MOST_SESSIONS + 1)
    ]
    with pytest.raises(Unauthenticated):
        await do(market, access_tokens.access_by_token, sessions[0], NOW)
    await do(market, access_tokens.access_by_token, sessions[1], NOW)
    for number in range(MOST_TOKENS):
        await do(market, access_tokens.make_token, market.seller_id, f"program {number}", Scope.SELL, NOW)
    with pytest.raises(TooManyTokens):
        await do(market, access_tokens.make_token, market.seller_id, "one more", Scope.SELL, NOW)
    shown = await do(market, access_tokens.of_seller, market.seller_id, NOW)
    assert [sum(token.kind is kind for token in shown) for kind in Kind] == [MOST_SESSIONS, MOST_TOKENS]


async def test_a_rotated_token_ends_and_a_revoked_one_too(market: Market) -> None:
    old = await do(market, access_tokens.make_token, market.seller_id, "shop", Scope.SELL, NOW)
    [shown] = await do(market, access_tokens.of_seller, market.seller_id, NOW)
    new = await do(market, access_tokens.rotate, market.seller_id, shown.id, NOW)
    with pytest.raises(Unauthenticated):
        await do(market, access_tokens.access_by_token, old, NOW)
    await do(market, access_tokens.access_by_token, new, NOW)
    await do(market, access_tokens.revoke, market.seller_id, shown.id)
    with pytest.raises(Unauthenticated):
        await do(market, access_tokens.access_by_token, new, NOW)


async def test_of_another_seller_nothing_can_be_revoked_or_rotated(market: Market) -> None:
    await do(market, access_tokens.make_token, market.seller_id, "shop", Scope.SELL, NOW)
    [shown] = await do(market, access_tokens.of_seller, market.seller_id, NOW)
    other = await do(market, accounts.sign_up, new_secret(), "Bob", None, NOW, most=9)
    for work, rest in ((access_tokens.revoke, ()), (access_tokens.rotate, (NOW,))):
        with pytest.raises(NotFound):
            await do(market, work, other, shown.id, *rest)
    session = await do(market, access_tokens.begin_session, market.seller_id, "Firefox", NOW)
    assert session
    browser = (await do(market, access_tokens.of_seller, market.seller_id, NOW))[0]
    with pytest.raises(NotFound):  # a session has no secret that its seller copies
        await do(market, access_tokens.rotate, market.seller_id, browser.id, NOW)


async def test_one_account_for_one_code(market: Market) -> None:
    with pytest.raises(AccountExists):
        await do(market, accounts.sign_up, market.token, "Ann again", None, NOW, most=9)


async def test_an_invitation_is_for_one(market: Market) -> None:
    invite = await do(market, accounts.make_invite, NOW, NOW + 60)
    for wrong, at in ((new_secret(), NOW), (invite, NOW + 61)):
        with pytest.raises(InviteRefused):
            await do(market, accounts.sign_up, new_secret(), "Bob", wrong, at, most=9)
    assert await do(market, accounts.sign_up, new_secret(), "Bob", invite, NOW + 60, most=9)
    with pytest.raises(InviteRefused):
        await do(market, accounts.sign_up, new_secret(), "Eve", invite, NOW + 60, most=9)


async def test_the_index_is_not_overwritten_from_elsewhere(market: Market) -> None:
    assert await do(market, accounts.keep_index, market.seller_id, b"first", 0, NOW) == 1
    assert await do(market, accounts.keep_index, market.seller_id, b"second", 1, NOW) == 2
    for stale in (0, 1, 3):
        with pytest.raises(IndexChanged):
            await do(market, accounts.keep_index, market.seller_id, b"other", stale, NOW)
    assert (await do(market, accounts.index_of, market.seller_id)).sealed == b"second"


async def test_the_oldest_events_are_forgotten(market: Market) -> None:
    for number in range(KEPT + 5):
        await do(market, account_events.add, market.seller_id, AccountEventKind.SIGNED_IN, NOW, str(number))
    shown = await do(market, account_events.of_seller, market.seller_id)
    assert (len(shown), shown[0].about, shown[-1].about) == (KEPT, str(KEPT + 4), "5")


async def account(market: Market, name: str) -> int:
    """An account on the chain that nobody uses yet."""
    kept: sellers.Payout = await do(market, sellers.keep_account, "paper", replace(TERMS, account=name), NOW)
    return kept.id


async def paid_at(market: Market) -> int:
    """Where the market's seller is paid now."""
    payout = await do(market, sellers.payout_of, market.seller_id)
    return int(payout.id)


async def test_a_change_waits_as_long_as_the_seller_wished(market: Market) -> None:
    before, other = await paid_at(market), await account(market, "other")
    await do(market, payout_changes.request, market.seller_id, NOW, delay=3_600)
    change = await do(market, payout_changes.request, market.seller_id, NOW, payout_id=other)
    assert change.effective_at == NOW + 3_600
    assert await do(market, payout_changes.apply_due, NOW + 3_599) == []
    assert await paid_at(market) == before
    assert await do(market, payout_changes.apply_due, NOW + 3_600) == [change]
    assert await paid_at(market) == other
    assert await do(market, payout_changes.waiting, market.seller_id) is None
    kinds = [event.kind for event in await do(market, account_events.of_seller, market.seller_id)]
    assert kinds[:2] == [AccountEventKind.PAYOUT_CHANGED, AccountEventKind.PAYOUT_CHANGE_REQUESTED]


async def test_a_change_can_be_cancelled_and_the_newest_counts(market: Market) -> None:
    before, other, third = await paid_at(market), await account(market, "other"), await account(market, "third")
    await do(market, payout_changes.request, market.seller_id, NOW, delay=3_600)
    await do(market, payout_changes.request, market.seller_id, NOW, payout_id=other)
    await do(market, payout_changes.cancel, market.seller_id, NOW)
    with pytest.raises(NotFound):
        await do(market, payout_changes.cancel, market.seller_id, NOW)
    assert await do(market, payout_changes.apply_due, NOW + 9_999) == []
    assert await paid_at(market) == before
    await do(market, payout_changes.request, market.seller_id, NOW, payout_id=other)
    await do(market, payout_changes.request, market.seller_id, NOW + 10, payout_id=third)
    await do(market, payout_changes.apply_due, NOW + 3_600)
    assert await paid_at(market) == before, "the second one waits as long"
    await do(market, payout_changes.apply_due, NOW + 3_610)
    assert await paid_at(market) == third


async def test_a_shorter_delay_waits_as_long_and_a_longer_one_does_not(market: Market) -> None:
    """Whoever has the account code cannot take the waiting away first."""
    before, other = await paid_at(market), await account(market, "other")
    assert await do(market, payout_changes.request, market.seller_id, NOW, delay=3_600) is None
    first = await do(market, payout_changes.request, market.seller_id, NOW, delay=0)
    assert (first.delay, first.effective_at) == (0, NOW + 3_600)
    both = await do(market, payout_changes.request, market.seller_id, NOW + 10, payout_id=other)
    assert (both.delay, both.payout_id, both.effective_at) == (0, other, NOW + 3_610), "the waiting begins again"
    await do(market, payout_changes.apply_due, NOW + 3_600)
    assert await paid_at(market) == before
    longer = await do(market, payout_changes.request, market.seller_id, NOW + 20, delay=7_200)
    assert (longer.delay, longer.payout_id, longer.effective_at) == (None, other, NOW + 3_610)
    assert await do(market, payout_changes.delay_of, market.seller_id) == 7_200
    await do(market, payout_changes.apply_due, NOW + 3_610)
    assert await paid_at(market) == other
    assert await do(market, payout_changes.delay_of, market.seller_id) == 7_200
    await do(market, payout_changes.request, market.seller_id, NOW, delay=60)
    assert await do(market, payout_changes.request, market.seller_id, NOW, delay=9_000) is None
    assert await do(market, payout_changes.waiting, market.seller_id) is None, "nothing is left of it"
    kinds = [event.kind for event in await do(market, account_events.of_seller, market.seller_id)]
    assert kinds.count(AccountEventKind.DELAY_CHANGED) == 3
    assert kinds.count(AccountEventKind.DELAY_CHANGE_REQUESTED) == 2


async def test_sign_ups_are_bounded_in_all(market: Market) -> None:
    for number in range(2):
        await do(market, accounts.sign_up, new_secret(), str(number), None, NOW, most=3)
    with pytest.raises(SignUpsFull):
        await do(market, accounts.sign_up, new_secret(), "one too many", None, NOW, most=3)


async def test_without_a_delay_and_the_first_time_it_is_at_once(market: Market) -> None:
    other = await account(market, "other")
    assert await do(market, payout_changes.request, market.seller_id, NOW, payout_id=other) is None
    assert await paid_at(market) == other
    new = await do(market, accounts.sign_up, new_secret(), "Bob", None, NOW, most=9)
    await do(market, payout_changes.request, new, NOW, delay=3_600)
    assert await do(market, payout_changes.request, new, NOW, payout_id=other) is None


def test_many_sign_ups_from_one_place_cost_work_and_others_none() -> None:
    limits = SignUpLimits()
    here, elsewhere = networks_of(b"secret", "203.0.113.7"), networks_of(b"secret", "198.51.100.9")
    for _ in range(FREE[0]):
        assert limits.bits(here, NOW) == 0
        limits.count(here, NOW)
    first = limits.bits(here, NOW)
    assert first > 0
    assert limits.bits(elsewhere, NOW) == 0
    for _ in range(500):
        limits.count(here, NOW)
    assert first < limits.bits(here, NOW) <= MOST_BITS
    assert limits.bits(here, NOW + WINDOW_SECONDS) == 0

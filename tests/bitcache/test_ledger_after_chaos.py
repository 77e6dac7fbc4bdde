"""What the chaos run found in the ledger, in small."""

from __future__ import annotations

import pytest
from support.market import NOW, Market, pays

from bitcache.issue_invoices import Purchase

LATE = NOW + 3601


@pytest.fixture
async def order(market: Market) -> Purchase:
    """2 500 sat, one confirmation."""
    return await market.order((await market.listed()).file_id)


@pytest.fixture
async def deep(market: Market) -> Purchase:
    """1 000 000 sat, three confirmations."""
    return await market.order((await market.listed(price_sat=1_000_000)).file_id)


async def state(market: Market, purchase: Purchase) -> str:
    now = await market.look(purchase.purchase_id)
    return " ".join([now.state, *now.marks])


async def test_a_clock_that_was_ahead_expires_nothing_for_good(market: Market, order: Purchase) -> None:
    """When it is set right, what expired too early is open again, and new invoices have their whole time."""
    await market.known_until(LATE)
    assert await state(market, order) == "expired"
    fresh = await market.order(order.file_id)
    await market.known_until(NOW + 1)
    assert [await state(market, purchase) for purchase in (order, fresh)] == ["new", "new"]
    await market.unconfirmed(pays(fresh, amount=1_000))
    assert await state(market, fresh) == "new paid_partial"
    await market.known_until(LATE)
    assert [await state(market, purchase) for purchase in (order, fresh)] == ["expired", "expired paid_partial"]


async def test_confirmed_money_is_summed_up_in_every_state(market: Market, deep: Purchase) -> None:
    """A part, an extra payment and a coinbase become final later than the invoice moves; and back, when undone."""

    async def confirmed() -> tuple[str, int]:
        now = await market.look(deep.purchase_id)
        return now.state, now.confirmed_sat

    await market.block(pays(deep, "part:0", 300_000), pays(deep, "coinbase:0", 7_000, maturity=100))
    await market.block()
    assert await confirmed() == ("new", 0)
    third = await market.block()
    assert await confirmed() == ("new", 300_000)
    await market.undo(third)
    assert await confirmed() == ("new", 0)
    await market.block(pays(deep, "rest:0", 700_000), name="other")
    await market.block()
    await market.block()
    assert await confirmed() == ("settled", 1_000_000)
    for _ in range(95):
        await market.block()
    assert await confirmed() == ("settled", 1_007_000)

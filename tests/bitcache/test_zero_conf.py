"""Release before the first block: only where the operator set a loss budget, and only while it lasts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import pytest
from support.market import NOW, POLICY, Market, SealedFile, pays

from bitcache import block_processing, zero_conf_exposure
from bitcache.chain_types import Payment
from bitcache.issue_invoices import Purchase, confirmations_for
from bitcache.money import Sat

BUDGET = 6_000
ZERO = replace(POLICY, zero_conf_below_sat=3_000, loss_budget_sat=BUDGET)


@dataclass
class Risk:
    """A market that releases early."""

    market: Market
    file: SealedFile

    async def order(self) -> Purchase:
        """2 500 sat."""
        return await self.market.order(self.file.file_id, policy=ZERO)

    async def waiting(self, *payments: Payment, budget: int = BUDGET) -> None:
        """Exactly these wait for a block."""
        report = partial(block_processing.unconfirmed, payments=payments, now=NOW, loss_budget=budget)
        await self.market.store.write(report)

    async def state(self, order: Purchase) -> tuple[str, bool, int]:
        """State, whether released, confirmations required."""
        purchase = await self.market.look(order.purchase_id)
        return purchase.state.value, purchase.released, purchase.confirmations_required

    async def exposure(self) -> int:
        return await self.market.store.read(zero_conf_exposure.exposure)


@pytest.fixture
async def risk(market: Market) -> Risk:
    return Risk(market, await market.listed())


@pytest.mark.parametrize(
    ("amount", "below", "budget", "needed"),
    [
        (2_999, 3_000, 6_000, 0),
        (3_000, 3_000, 6_000, 1),
        (2_500, 0, 6_000, 1),
        (2_500, 3_000, 0, 1),
        (2_500, 3_000, 2_499, 1),
        (2_500, 3_000, 2_500, 0),
    ],
)
def test_both_settings_are_needed(amount: int, below: int, budget: int, needed: int) -> None:
    policy = replace(POLICY, zero_conf_below_sat=below, loss_budget_sat=budget)
    assert confirmations_for(Sat(amount), policy) == needed


async def test_a_seen_payment_releases_at_once(risk: Risk) -> None:
    order = await risk.order()
    assert order.confirmations_required == 0
    await risk.waiting(pays(order))
    assert await risk.state(order) == ("settled", True, 0)
    assert await risk.exposure() == 2_500
    await risk.market.block(pays(order))
    assert await risk.exposure() == 0, "a block pays for it: the budget is free again"
    assert await risk.state(order) == ("settled", True, 0)


async def test_when_the_budget_is_used_up_the_next_waits_for_a_block(risk: Risk) -> None:
    """All three were promised release at once; the third payment comes when 5 000 of 6 000 are out."""
    orders = [await risk.order() for _ in range(3)]
    assert [order.confirmations_required for order in orders] == [0, 0, 0]
    payments = [pays(order, f"tx{number}:0") for number, order in enumerate(orders)]
    await risk.waiting(*payments)
    states = sorted([await risk.state(order) for order in orders])
    assert states == [("processing", False, 1), ("settled", True, 0), ("settled", True, 0)]
    assert await risk.exposure() == 5_000
    await risk.market.block(*payments)
    assert {(await risk.state(order))[:2] for order in orders} == {("settled", True)}


@pytest.mark.parametrize(("budget", "released"), [(4_999, 1), (5_000, 2), (5_001, 2), (7_499, 2), (7_500, 3)])
@pytest.mark.parametrize("together", [True, False])
async def test_the_budget_can_be_used_up_to_the_last_satoshi(
    risk: Risk, budget: int, released: int, together: bool
) -> None:
    """As many as fit are released, exactly those; in one report as in three."""
    orders = [await risk.order() for _ in range(3)]
    payments = [pays(order, f"tx{number}:0") for number, order in enumerate(orders)]
    for count in (3,) if together else (1, 2, 3):
        await risk.waiting(*payments[:count], budget=budget)
    states = sorted([await risk.state(order) for order in orders])
    assert states == [("processing", False, 1)] * (3 - released) + [("settled", True, 0)] * released


@pytest.mark.parametrize(("budget", "needed"), [(4_999, 1), (5_000, 0)])
async def test_an_invoice_that_fits_exactly_is_promised_release_at_once(risk: Risk, budget: int, needed: int) -> None:
    await risk.waiting(pays(await risk.order()))
    policy = replace(ZERO, loss_budget_sat=budget)
    assert (await risk.market.order(risk.file.file_id, policy=policy)).confirmations_required == needed


async def test_an_invoice_made_when_the_budget_is_used_up_asks_for_a_block(risk: Risk) -> None:
    orders = [await risk.order() for _ in range(2)]
    payments = [pays(order, f"tx{number}:0") for number, order in enumerate(orders)]
    await risk.waiting(*payments)
    assert (await risk.order()).confirmations_required == 1
    await risk.market.block(*payments)
    assert (await risk.order()).confirmations_required == 0


async def test_a_replaced_payment_is_a_loss_and_uses_up_the_budget_for_good(risk: Risk) -> None:
    cheated, cheated_again = await risk.order(), await risk.order()
    await risk.waiting(pays(cheated, "a:0"), pays(cheated_again, "b:0"))
    await risk.waiting()
    assert await risk.state(cheated) == ("invalid", True, 0)
    assert await risk.exposure() == 5_000
    assert await risk.market.store.read(zero_conf_exposure.lost) == (2, 5_000)
    for _ in range(3):
        await risk.market.block()
    assert (await risk.order()).confirmations_required == 1
    assert await risk.exposure() == 5_000


async def test_a_loss_that_is_made_good_frees_the_budget(risk: Risk) -> None:
    order = await risk.order()
    await risk.waiting(pays(order, "a:0"))
    await risk.waiting()
    await risk.market.block(pays(order, "b:0"))
    assert await risk.state(order) == ("settled", True, 0)
    assert await risk.exposure() == 0
    assert await risk.market.store.read(zero_conf_exposure.lost) == (0, 0), "it is no loss any more"


async def test_without_a_budget_at_settlement_nothing_is_released_unconfirmed(risk: Risk) -> None:
    """The operator lowered it since the invoice was made."""
    order = await risk.order()
    await risk.waiting(pays(order), budget=0)
    assert await risk.state(order) == ("processing", False, 1)
    await risk.market.block(pays(order))
    assert await risk.state(order) == ("settled", True, 1)


async def test_a_payment_seen_first_in_a_block_needs_no_budget(risk: Risk) -> None:
    order = await risk.order()
    await risk.market.block(pays(order))
    assert await risk.state(order) == ("settled", True, 0)


async def test_a_partial_payment_risks_nothing(risk: Risk) -> None:
    order = await risk.order()
    await risk.waiting(pays(order, amount=2_499))
    assert await risk.state(order) == ("new", False, 0)
    assert await risk.exposure() == 0


async def test_a_reorganisation_after_an_ordinary_release_counts_too(risk: Risk) -> None:
    """Its payment waits again: what is at risk is at risk, whatever the invoice asked for."""
    order = await risk.market.order(risk.file.file_id)
    ref = await risk.market.block(pays(order))
    assert await risk.exposure() == 0
    await risk.market.undo(ref)
    assert await risk.exposure() == 2_500


async def test_an_immature_coinbase_is_not_released(risk: Risk) -> None:
    order = await risk.order()
    await risk.market.block(pays(order, maturity=100))
    assert (await risk.state(order))[:2] == ("processing", False)


async def test_what_was_replaced_by_a_block_is_not_counted_beside_its_replacement(risk: Risk) -> None:
    """Half is seen, replaced by another half, and the block comes before the mempool was read: nothing is released."""
    order = await risk.order()
    await risk.waiting(pays(order, "old:0", amount=1_250))
    await risk.market.block(pays(order, "new:0", amount=1_250))
    assert await risk.state(order) == ("processing", False, 0)
    await risk.waiting()
    assert await risk.state(order) == ("new", False, 0)
    await risk.waiting(pays(order, "rest:0", amount=1_250))
    assert await risk.state(order) == ("settled", True, 0)


async def test_what_a_block_held_back_is_released_when_the_mempool_was_read(risk: Risk) -> None:
    """The first half was not replaced: it waits still."""
    order = await risk.order()
    first = pays(order, "first:0", amount=1_250)
    await risk.waiting(first)
    await risk.market.block(pays(order, "second:0", amount=1_250))
    assert await risk.state(order) == ("processing", False, 0)
    await risk.waiting(first)
    assert await risk.state(order) == ("settled", True, 0)
    assert await risk.exposure() == 1_250


@pytest.mark.parametrize("together", [True, False])
async def test_only_what_no_block_pays_for_is_taken_from_the_budget(risk: Risk, together: bool) -> None:
    """1 500 of one are in a block, so that both fit into 3 600; in one report as in two."""
    partly, wholly = [await risk.order() for _ in range(2)]
    await risk.market.block(pays(partly, "a1:0", amount=1_500))
    rest, all_of_it = pays(partly, "a2:0", amount=1_000), pays(wholly, "b:0")
    if not together:
        await risk.waiting(rest, budget=3_600)
    await risk.waiting(rest, all_of_it, budget=3_600)
    assert [await risk.state(purchase) for purchase in (partly, wholly)] == [("settled", True, 0)] * 2
    assert await risk.exposure() == 3_500

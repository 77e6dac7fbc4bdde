"""A whole purchase released before the first block, within the operator's budget."""

from __future__ import annotations

from gateway_harness import Open
from sales import file_for_sale
from support.answers import address_in

from bitcache.money import Sat


async def test_released_when_seen_until_the_budget_is_used_up(open_one: Open) -> None:
    """The first file opens at once, the second needs a block; that block frees the budget for the third."""
    async with open_one(invoices={"zero_conf_below_sat": 3_000, "zero_conf_budget_sat": 4_000}) as harness:
        sold = await harness.sell(file_for_sale(price_sat=2_500))
        assert (await harness.call("GET", f"/files/{sold.file_id}")).json["confirmations"] == 0
        claim, first = await harness.begin(sold.file_id)
        _, second = await harness.begin(sold.file_id)
        assert first["confirmations_required"] == second["confirmations_required"] == 0
        await harness.chain.pay(address_in(first), Sat(2_500))
        await harness.state(first, "settled")
        assert (await harness.call("GET", "/share", claim)).status == 200
        await harness.chain.pay(address_in(second), Sat(2_500))
        await harness.state(second, "processing")
        now = (await harness.call("GET", f"/purchases/{second['purchase_id']}")).json
        assert (now["released"], now["confirmations_required"]) == (False, 1)
        await harness.chain.mine()
        await harness.state(second, "settled")
        _, third = await harness.begin(sold.file_id)
        assert third["confirmations_required"] == 0


async def test_a_replaced_payment_ends_it(open_one: Open) -> None:
    async with open_one(invoices={"zero_conf_below_sat": 3_000, "zero_conf_budget_sat": 4_000}) as harness:
        sold = await harness.sell(file_for_sale(price_sat=2_500))
        _, order = await harness.begin(sold.file_id)
        txid = await harness.chain.pay(address_in(order), Sat(2_500))
        await harness.state(order, "settled")
        await harness.chain.replace(txid)
        await harness.state(order, "invalid")
        _, careful = await harness.begin(sold.file_id)
        assert careful["confirmations_required"] == 1

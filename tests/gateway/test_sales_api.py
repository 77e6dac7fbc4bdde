"""What the seller's desk asks: sales one by one and by day, on both rails."""

from __future__ import annotations

from gateway_harness import GatewayHarness
from sales import file_for_sale
from support.eventually import eventually

from wallet.lightning.simulated_lightning import SCHEME


async def test_both_rails_are_told_apart(harness: GatewayHarness) -> None:
    await harness.call("PUT", "/seller/connection", harness.token, json={"connection": SCHEME})
    sold = await harness.sell(file_for_sale())
    _, chain = await harness.begin(sold.file_id)
    await harness.pay(chain)
    await harness.state(chain, "settled")
    _, lightning = await harness.begin(sold.file_id)
    await harness.context.connections.pay_in_demo(await harness.lightning_invoice(lightning))
    await harness.state(lightning, "settled")
    await harness.begin(sold.file_id)

    async def both() -> bool:
        return len((await harness.call("GET", "/sales", harness.token)).json["sales"]) == 2

    assert await eventually(both)
    newest, first = (await harness.call("GET", "/sales", harness.token)).json["sales"]
    assert [one["purchase_id"] for one in (newest, first)] == [lightning["purchase_id"], chain["purchase_id"]]
    assert [paid["rail"] for one in (newest, first) for paid in one["payments"]] == ["lightning", "onchain"]
    assert len(newest["payments"][0]["reference"]) == 64
    assert (first["price_sat"], first["received_sat"], first["state"]) == (2500, 2500, "settled")
    days = (await harness.call("GET", "/sales/days", harness.token)).json
    assert {(row["day"], row["rail"], row["sales"], row["received_sat"]) for row in days["days"]} == {
        (days["today"], "lightning", 1, 2500),
        (days["today"], "onchain", 1, 2500),
    }
    page = (await harness.call("GET", "/sales?limit=1", harness.token)).json
    assert page["next"] == lightning["purchase_id"]
    for wrong in ("/sales?limit=0", "/sales?after=x", "/sales/days?days=401"):
        assert (await harness.call("GET", wrong, harness.token)).status == 400

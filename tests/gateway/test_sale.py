"""One whole sale over HTTP, as two programs would make it; read this first."""

from __future__ import annotations

from gateway_harness import GatewayHarness
from sales import content, file_for_sale
from support.answers import address_in, onchain_in
from support.eventually import eventually

from bitcache.identifiers import unb64u


async def test_whole_sale(harness: GatewayHarness) -> None:
    """Upload, listing, invoice, payment, release, download: what comes out is what went in."""
    plain = content(3_000_000)
    sold = await harness.sell(file_for_sale(plain, price_sat=2500, preview="la la"))

    offer = (await harness.call("GET", f"/files/{sold.file_id}")).json
    assert (offer["price_sat"], offer["price_btc"], offer["paused"]) == (2500, "0.000025", None)
    assert (offer["manifest"], offer["demo"], offer["simulated"]) == (sold.listing["manifest"], True, True)
    assert (await harness.call("GET", f"/files/{sold.file_id}/preview")).body == unb64u(sold.listing["preview"])
    assert (await harness.call("GET", f"/files/{sold.file_id}/groups")).body == unb64u(sold.listing["groups"])

    claim, purchase = await harness.begin(sold.file_id)
    assert (purchase["state"], purchase["due_sat"]) == ("new", 2500)
    assert onchain_in(purchase)["uri"] == f"bitcoin:{address_in(purchase)}?amount=0.000025"
    assert (await harness.call("GET", "/share", claim)).status == 402
    assert (await harness.call("GET", f"/files/{sold.file_id}/bytes", claim)).status == 402

    seen = await harness.pay(purchase, mine=False)
    assert (seen["received_sat"], seen["confirmed_sat"], seen["released"]) == (2500, 0, False)
    assert (await harness.call("GET", "/share", claim)).status == 402
    sealed = (await harness.call("GET", f"/files/{sold.file_id}/bytes", claim)).body

    await harness.chain.mine()
    await harness.state(purchase, "settled")
    share = (await harness.call("GET", "/share", claim)).json
    assert share["file_id"] == sold.file_id
    assert sold.opened(sealed, unb64u(share["share"])) == plain

    done = (await harness.call("GET", "/claim", claim)).json
    assert (done["purchase_id"], done["released"], done["confirmations"]) == (purchase["purchase_id"], True, 1)
    row = (await harness.call("GET", "/listings", harness.token)).json["listings"][0]
    assert row["sales"] == {"settled": 1, "pending": 0, "received_sat": 2500}


async def test_the_same_claim_hash_is_the_same_purchase(harness: GatewayHarness) -> None:
    """A buyer whose answer was lost asks again and does not burn a second address."""
    sold = await harness.sell(file_for_sale())
    claim, first = await harness.begin(sold.file_id)
    _, again = await harness.begin(sold.file_id, claim)
    assert again == first


async def test_partial_then_the_rest(harness: GatewayHarness) -> None:
    """What is due, and the URI that asks for it, shrink with what was paid."""
    sold = await harness.sell(file_for_sale(price_sat=5000))
    claim, purchase = await harness.begin(sold.file_id)
    paid = await harness.call("POST", "/demo/pay", json={"purchase_id": purchase["purchase_id"], "amount_sat": 3000})
    assert paid.status == 202

    async def due() -> dict[str, object] | None:
        now = (await harness.call("GET", f"/purchases/{purchase['purchase_id']}")).json
        return now if now["due_sat"] == 2000 else None

    now = await eventually(due)
    assert now is not None
    assert (now["state"], now["marks"]) == ("new", ["paid_partial"])
    assert str(onchain_in(now)["uri"]).endswith("?amount=0.00002")
    await harness.call("POST", "/demo/pay", json={"purchase_id": purchase["purchase_id"]})
    await harness.state(purchase, "processing")
    await harness.chain.mine()
    await harness.state(purchase, "settled")
    assert (await harness.call("GET", "/share", claim)).status == 200

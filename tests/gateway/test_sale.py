"""One whole sale over HTTP, as two programs would make it; read this first."""

from __future__ import annotations

from sales import content, goods
from shop import Shop
from support.eventually import eventually

from bitcache.identifiers import unb64u


async def test_whole_sale(shop: Shop) -> None:
    """Upload, listing, invoice, payment, release, download: what comes out is what went in."""
    plain = content(3_000_000)
    sold = await shop.sell(goods(plain, price_sat=2500, preview="la la"))

    offer = (await shop.call("GET", f"/files/{sold.file_id}")).json
    assert (offer["price_sat"], offer["price_btc"], offer["paused"]) == (2500, "0.000025", None)
    assert (offer["manifest"], offer["demo"], offer["simulated"]) == (sold.listing["manifest"], True, True)
    assert (await shop.call("GET", f"/files/{sold.file_id}/preview")).body == unb64u(sold.listing["preview"])
    assert (await shop.call("GET", f"/files/{sold.file_id}/groups")).body == unb64u(sold.listing["groups"])

    claim, transfer = await shop.begin(sold.file_id)
    assert (transfer["state"], transfer["due_sat"]) == ("new", 2500)
    assert transfer["uri"] == f"bitcoin:{transfer['address']}?amount=0.000025"
    assert (await shop.call("GET", "/share", claim)).status == 402
    assert (await shop.call("GET", f"/files/{sold.file_id}/bytes", claim)).status == 402

    seen = await shop.pay(transfer, mine=False)
    assert (seen["received_sat"], seen["confirmed_sat"], seen["released"]) == (2500, 0, False)
    assert (await shop.call("GET", "/share", claim)).status == 402
    sealed = (await shop.call("GET", f"/files/{sold.file_id}/bytes", claim)).body

    await shop.chain.mine()
    await shop.state(transfer, "settled")
    share = (await shop.call("GET", "/share", claim)).json
    assert share["file_id"] == sold.file_id
    assert sold.opened(sealed, unb64u(share["share"])) == plain

    done = (await shop.call("GET", "/claim", claim)).json
    assert (done["transfer_id"], done["released"], done["confirmations"]) == (transfer["transfer_id"], True, 1)
    row = (await shop.call("GET", "/listings", shop.token)).json["listings"][0]
    assert row["sales"] == {"settled": 1, "pending": 0, "received_sat": 2500}


async def test_the_same_claim_hash_is_the_same_transfer(shop: Shop) -> None:
    """A buyer whose answer was lost asks again and does not burn a second address."""
    sold = await shop.sell(goods())
    claim, first = await shop.begin(sold.file_id)
    _, again = await shop.begin(sold.file_id, claim)
    assert again == first


async def test_partial_then_the_rest(shop: Shop) -> None:
    """What is due, and the URI that asks for it, shrink with what was paid."""
    sold = await shop.sell(goods(price_sat=5000))
    claim, transfer = await shop.begin(sold.file_id)
    paid = await shop.call("POST", "/demo/pay", json={"transfer_id": transfer["transfer_id"], "amount_sat": 3000})
    assert paid.status == 202

    async def due() -> dict[str, object] | None:
        now = (await shop.call("GET", f"/transfers/{transfer['transfer_id']}")).json
        return now if now["due_sat"] == 2000 else None

    now = await eventually(due)
    assert now is not None
    assert (now["state"], now["marks"]) == ("new", ["paid_partial"])
    assert str(now["uri"]).endswith("?amount=0.00002")
    await shop.call("POST", "/demo/pay", json={"transfer_id": transfer["transfer_id"]})
    await shop.state(transfer, "processing")
    await shop.chain.mine()
    await shop.state(transfer, "settled")
    assert (await shop.call("GET", "/share", claim)).status == 200

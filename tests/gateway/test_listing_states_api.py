"""A seller pauses, withdraws and deletes over HTTP; the bytes go when the time is over, and not before."""

from __future__ import annotations

from gateway_harness import GatewayHarness, Open
from sales import file_for_sale
from test_reports_api import take_down

from bitcache.identifiers import b64u, claim_hash, new_secret
from gateway.compose import maintenance

DAY = 86_400


async def test_nobody_new_buys_what_is_stopped(harness: GatewayHarness) -> None:
    sold = await harness.sell(file_for_sale())
    path = f"/listings/{sold.file_id}"
    for state, reason in (("paused", "paused"), ("on_sale", None), ("withdrawn", "withdrawn")):
        got = await harness.call("PATCH", path, harness.token, json={"state": state})
        assert (got.status, got.json["state"]) == (200, state)
        assert (await harness.call("GET", f"/files/{sold.file_id}")).json["paused"] == reason
        page = await harness.call("GET", f"/f/{sold.file_id}")
        assert (b'"notice warn">The seller no longer sells' in page.body) is (state == "withdrawn")
        asked = await harness.call(
            "POST", f"/files/{sold.file_id}/purchases", json={"claim_hash": b64u(claim_hash(new_secret()))}
        )
        assert (asked.status == 409) is (reason is not None)
        assert reason is None or asked.json["reason"] == reason
    got = await harness.call("PATCH", path, harness.token, json={"state": "on_sale"})
    assert (got.status, got.json["code"]) == (409, "listing_withdrawn")
    assert (await harness.call("PATCH", path, harness.token, json={"state": "gone"})).status == 400
    [shown] = (await harness.call("GET", "/listings", harness.token)).json["listings"]
    assert (shown["state"], shown["kept_until"]) == ("withdrawn", None)


async def test_a_deleted_file_goes_when_its_buyers_have_had_their_time(open_one: Open) -> None:
    async with open_one(storage={"deleted_days": 2}) as harness:
        sold, path = await harness.sell(file_for_sale()), "/files/{}/bytes"
        claim, purchase = await harness.begin(sold.file_id)
        await harness.pay(purchase)
        await harness.state(purchase, "settled")
        got = await harness.call("DELETE", f"/listings/{sold.file_id}", harness.token)
        assert abs(got.json["kept_until"] - harness.clock() - 2 * DAY) < 10
        for days, status in ((1.9, 200), (2.1, 410)):
            harness.clock.ahead = int(days * DAY)
            await maintenance.remove_deleted(harness.context)
            got = await harness.call("GET", path.format(sold.file_id), claim)
            assert got.status == status
        assert got.json["code"] == "file_deleted"
        assert (await harness.call("GET", "/share", claim)).status == 200, "a copy that was kept still opens"
        assert (await harness.call("GET", "/listings", harness.token)).json["listings"] == []
        await maintenance.remove_deleted(harness.context)
        assert list(harness.context.settings.storage.directory.rglob(sold.file_id)) == []


async def test_the_seller_ends_what_the_operator_has_taken_down(harness: GatewayHarness) -> None:
    sold = await harness.sell(file_for_sale())
    await take_down(harness, sold)
    path = f"/listings/{sold.file_id}"
    for method, body, state in (("PATCH", {"state": "withdrawn"}, "withdrawn"), ("DELETE", None, "withdrawn")):
        got = await harness.call(method, path, harness.token, json=body)
        assert (got.status, got.json["state"], got.json["taken_down"]) == (200, state, "A court said so.")
    assert got.json["kept_until"] > harness.clock()
    [shown] = (await harness.call("GET", "/listings", harness.token)).json["listings"]
    assert (shown["state"], shown["kept_until"]) == ("withdrawn", got.json["kept_until"])

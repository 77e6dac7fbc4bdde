"""A seller limits a file over HTTP; buyers see the limits, and what is over or sold out begins no new purchase."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from gateway_harness import Answer, GatewayHarness, settings_in, started
from sales import VerifiedOffer, file_for_sale
from support.accounts import descriptor

from bitcache import sellers
from bitcache.identifiers import b64u, claim_hash, new_secret, token_hash
from gateway.compose import check_payout, init_data_folder
from wallet.chain.simulated_chain import SimulatedChain

DAY = 86_400


async def patch(harness: GatewayHarness, sold: VerifiedOffer, **members: Any) -> Answer:
    """What the seller asks for."""
    return await harness.call("PATCH", f"/listings/{sold.file_id}", harness.token, json=members)


async def offer(harness: GatewayHarness, sold: VerifiedOffer) -> tuple[Any, ...]:
    """What buyers see: why it is not sold, until when it is, how many are left."""
    seen = (await harness.call("GET", f"/files/{sold.file_id}")).json
    return seen["paused"], seen["sell_until"], seen["sales_left"]


async def ask(harness: GatewayHarness, sold: VerifiedOffer) -> tuple[int, str | None]:
    """Begin a purchase; with the reason why not."""
    body = {"claim_hash": b64u(claim_hash(new_secret()))}
    got = await harness.call("POST", f"/files/{sold.file_id}/purchases", json=body)
    return got.status, got.json.get("reason")


async def test_sold_out_exactly_when_so_many_are_paid(harness: GatewayHarness) -> None:
    """An invoice that is open then can still be paid, and opens the file; another file is sold as before."""
    sold, other = await harness.sell(file_for_sale()), await harness.sell(file_for_sale())
    assert await offer(harness, sold) == (None, None, None)
    got = await patch(harness, sold, most_sales=2)
    assert (got.status, got.json["most_sales"], got.json["sell_until"], got.json["state"]) == (200, 2, None, "on_sale")
    (_, first), (_, second), (late, third) = [await harness.begin(sold.file_id) for _ in range(3)]
    await harness.pay(first)
    assert await offer(harness, sold) == (None, None, 1)
    await harness.pay(second, mine=False)  # seen is enough
    assert await offer(harness, sold) == ("sold_out", None, 0)
    assert await ask(harness, sold) == (409, "sold_out")
    assert await ask(harness, other) == (201, None)
    again = await harness.begin(sold.file_id, late)
    assert again[1]["purchase_id"] == third["purchase_id"], "who has an invoice keeps it"
    await harness.pay(third)
    assert (await harness.call("GET", "/share", late)).status == 200
    [shown] = [
        listing
        for listing in (await harness.call("GET", "/listings", harness.token)).json["listings"]
        if listing["file_id"] == sold.file_id
    ]
    assert (shown["most_sales"], shown["ended"], shown["sales"]["settled"]) == (2, "sold_out", 3)
    got = await patch(harness, sold, most_sales=None)
    assert (got.json["most_sales"], got.json["ended"]) == (None, None)
    assert await offer(harness, sold) == (None, None, None)
    assert await ask(harness, sold) == (201, None)


async def test_over_when_the_time_is(harness: GatewayHarness) -> None:
    sold = await harness.sell(file_for_sale())
    until = harness.clock() + DAY
    assert (await patch(harness, sold, sell_until=until, most_sales=9)).json["sell_until"] == until
    claim, before = await harness.begin(sold.file_id)
    assert await offer(harness, sold) == (None, until, 9)
    harness.clock.ahead = DAY
    assert await offer(harness, sold) == ("sale_over", until, 9)
    assert await ask(harness, sold) == (409, "sale_over")
    await harness.pay(before)
    assert (await harness.call("GET", "/share", claim)).status == 200
    assert (await patch(harness, sold, state="paused")).json["ended"] == "sale_over"
    got = await patch(harness, sold, sell_until=None, state="on_sale")
    assert (got.json["sell_until"], got.json["most_sales"], got.json["ended"]) == (None, 9, None)
    assert await ask(harness, sold) == (201, None)


async def test_a_page_says_what_is_limited(harness: GatewayHarness) -> None:
    """Without JavaScript too, and to whoever pressed the button when it was over already."""
    sold = await harness.sell(file_for_sale())
    path = f"/f/{sold.file_id}"
    await patch(harness, sold, sell_until=1_809_259_200, most_sales=1)  # 2027-05-02 12:00 UTC
    page = (await harness.call("GET", path)).body.decode()
    assert "On sale until 2027-05-02, 12:00 UTC" in page
    assert "1 left" in page
    german = (await harness.call("GET", path, headers={"Accept-Language": "de"})).body.decode()
    assert "Im Verkauf bis 2027-05-02, 12:00 UTC" in german
    await harness.pay((await harness.begin(sold.file_id))[1])
    page = (await harness.call("GET", path)).body.decode()
    assert '"notice warn">This file is sold out' in page
    assert "1 left" not in page
    for agent in ("text/html", "*/*"):
        headers = {"Accept": agent, "Sec-Fetch-Site": "same-origin"}
        got = await harness.call("POST", f"{path}/pay", headers=headers, data={"price_sat": "2500"})
        assert got.status == 409
        assert b"is sold out" in got.body


async def test_what_is_wrong_is_refused_and_changes_nothing(harness: GatewayHarness) -> None:
    sold = await harness.sell(file_for_sale())
    now = harness.clock()
    for wrong in (
        {},
        {"state": None},
        {"most_sales": 0},
        {"most_sales": 1_000_001},
        {"most_sales": 2.0},
        {"most_sales": True},
        {"sell_until": "2027-05-03"},
        {"sell_until": -1},
        {"sell_until": now * 1000},
        {"most_sales": 3, "sell_until": now},
        {"sales": 1},
    ):
        got = await patch(harness, sold, **wrong)
        assert got.status == 400, wrong
        assert got.json["detail"], wrong
    assert (await patch(harness, sold, sell_until=now - 5)).json["code"] == "invalid_limit"
    assert await offer(harness, sold) == (None, None, None)
    await patch(harness, sold, state="withdrawn")
    got = await patch(harness, sold, most_sales=3)
    assert (got.status, got.json["code"]) == (409, "listing_withdrawn")


async def test_only_ones_own(harness: GatewayHarness) -> None:
    sold, token = await harness.sell(file_for_sale()), new_secret()
    now = harness.clock()
    await harness.context.store.write(lambda conn: sellers.create_seller(conn, "Bob", token_hash(token), now))
    path = f"/listings/{sold.file_id}"
    assert (await harness.call("PATCH", path, token, json={"most_sales": 1})).status == 404
    assert (await harness.call("PATCH", path, json={"most_sales": 1})).status == 401
    assert await offer(harness, sold) == (None, None, None)


async def test_a_file_is_limited_from_its_first_moment(harness: GatewayHarness) -> None:
    sold, until = file_for_sale(), harness.clock() + DAY
    await harness.announce(sold.file_id, len(sold.sealed))
    await harness.send(sold.file_id, 0, sold.sealed)
    assert (await harness.create_listing(sold, sell_until=5)).json["code"] == "invalid_limit"
    made = await harness.create_listing(sold, sell_until=until, most_sales=3)
    assert (made.status, made.json["sell_until"], made.json["most_sales"]) == (201, until, 3)
    again = await harness.create_listing(sold)
    assert (again.status, again.json["most_sales"]) == (201, 3), "publishing again changes no limits"
    assert await offer(harness, sold) == (None, until, 3)


@pytest.mark.parametrize("reason", ["sale_over", "sold_out"])
async def test_a_restart_forgets_no_limit(tmp_path: Path, reason: str) -> None:
    settings, chain = settings_in(tmp_path), SimulatedChain()
    token = await init_data_folder(settings, "Ada", terms=await check_payout(settings, descriptor("wpkh")))
    async with started(settings, chain, token) as harness:
        sold = await harness.sell(file_for_sale())
        await patch(harness, sold, sell_until=harness.clock() + DAY, most_sales=1)
        if reason == "sold_out":
            await harness.pay((await harness.begin(sold.file_id))[1])
    async with started(settings, chain, token, ahead=DAY if reason == "sale_over" else 0) as harness:
        assert (await offer(harness, sold))[0] == reason
        assert await ask(harness, sold) == (409, reason)

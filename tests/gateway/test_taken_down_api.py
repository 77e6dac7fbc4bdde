"""What a takedown does to purchases that were begun before it, and what strangers may send as a report."""

from __future__ import annotations

import asyncio
import re
from typing import Any

from gateway_harness import GatewayHarness
from sales import file_for_sale
from support.answers import address_in
from support.eventually import eventually
from test_lightning import connect
from test_reports_api import HTML, SAID, queue, take_down

from bitcache.identifiers import FileId, b64u
from bitcache.money import Sat
from gateway.diagnostics.metrics import Metrics

RAIL = {"rail": "lightning"}


async def purchase_now(harness: GatewayHarness, purchase: dict[str, Any]) -> dict[str, Any]:
    """As any page asks for it."""
    return dict((await harness.call("GET", f"/purchases/{purchase['purchase_id']}")).json)


async def test_an_open_invoice_asks_for_nothing_once_its_file_is_down(harness: GatewayHarness) -> None:
    sold = await harness.sell(file_for_sale())
    claim, purchase = await harness.begin(sold.file_id)
    path = f"/purchases/{purchase['purchase_id']}"
    assert (await purchase_now(harness, purchase))["taken_down"] is None
    async with harness.http.get(f"{harness.url}/api/v1{path}/events") as stream:
        async for line in stream.content:
            if line.startswith(b"data:"):
                break
        await take_down(harness, sold)
        async with asyncio.timeout(5):
            async for line in stream.content:
                if line.startswith(b"data:"):
                    assert b"A court said so." in line
                    break
    shown = await purchase_now(harness, purchase)
    assert shown["taken_down"] == "A court said so."
    assert [(way["destination"], way["uri"]) for way in shown["payment_requests"]] == [(None, None)]
    assert (await harness.call("GET", f"{path}/qr.svg")).status == 404
    got = await harness.call("POST", f"{path}/payment-requests", claim, json=RAIL | {"rail": "onchain"})
    assert (got.status, got.json["code"], got.json["hint"]) == (451, "taken_down", "A court said so.")


async def test_what_is_paid_after_the_takedown_is_not_called_released(harness: GatewayHarness) -> None:
    """The invoice is still watched; once the file is put back, its buyer has it."""
    sold = await harness.sell(file_for_sale())
    early, before = await harness.begin(sold.file_id)
    await harness.pay(before)
    late, after = await harness.begin(sold.file_id)
    harness.clock.ahead += 5
    await take_down(harness, sold)
    harness.clock.ahead += 5
    await harness.chain.pay(address_in(after), Sat(after["amount_sat"]))
    await harness.chain.mine()
    await harness.state(after, "settled")
    shown = await purchase_now(harness, after)
    assert (shown["released"], shown["taken_down"], shown["received_sat"]) == (False, "A court said so.", 2500)
    assert len(shown["payments"]) == 1
    assert (await harness.call("GET", "/share", late)).status == 451
    kept = await purchase_now(harness, before)
    assert (kept["released"], kept["taken_down"], len(kept["payments"])) == (True, None, 1)
    assert (await harness.call("GET", "/share", early)).status == 200
    await put_back(harness, sold.file_id)
    shown = await purchase_now(harness, after)
    assert (shown["released"], shown["taken_down"]) == (True, None)
    assert (await harness.call("GET", "/share", late)).status == 200


async def put_back(harness: GatewayHarness, file_id: str) -> None:
    """The operator decides otherwise."""
    from bitcache import takedowns

    await harness.context.store.write(
        lambda conn: takedowns.put_back(conn, FileId(file_id), "A mistake.", harness.clock())
    )


async def test_no_lightning_invoice_comes_for_what_is_down(harness: GatewayHarness) -> None:
    """Neither a further one, nor one that the wallet was making when the operator decided."""
    sold = await harness.sell(file_for_sale())
    wallet = await connect(harness)
    claim, purchase = await harness.begin(sold.file_id)
    await harness.lightning_invoice(purchase)
    wallet.delay = 0.4
    _, waiting = await harness.begin(sold.file_id)
    await take_down(harness, sold)
    path = f"/purchases/{purchase['purchase_id']}/payment-requests"
    assert (await harness.call("POST", path, claim, json=RAIL)).status == 451
    await asyncio.sleep(1)
    await put_back(harness, sold.file_id)
    [way] = [way for way in (await purchase_now(harness, waiting))["payment_requests"] if way["rail"] == "lightning"]
    assert (way["destination"], way["unavailable"]) == (None, "the invoice was closed before this was ready")


async def test_the_page_without_javascript_asks_for_no_payment(harness: GatewayHarness) -> None:
    sold = await harness.sell(file_for_sale())
    made = await harness.call("POST", f"/f/{sold.file_id}/pay", headers=HTML, data={"price_sat": "2500"})
    [(uri, *_)] = [[word for word in made.body.decode().split('"') if word.startswith("bitcoin:")]]
    cookie = HTML | {"Cookie": made.headers["Set-Cookie"].partition(";")[0], "Sec-Fetch-Site": "same-origin"}
    [path] = re.findall(r"/api/v1/purchases/([^/]+)/qr", made.body.decode())
    before = await harness.call("GET", f"/f/{sold.file_id}/pay/{path}", headers=cookie)
    assert (before.status, uri.encode() in before.body) == (200, True)
    await harness.chain.pay(uri.split(":")[1].split("?")[0], Sat(1_000))
    await harness.chain.mine()

    async def has_come() -> bool:
        return bool((await purchase_now(harness, {"purchase_id": path}))["received_sat"])

    await eventually(has_come)
    await take_down(harness, sold)
    for page in (f"/f/{sold.file_id}/pay/{path}", f"/f/{sold.file_id}/pay", f"/f/{sold.file_id}"):
        shown = await harness.call("GET", page, headers=cookie)
        assert (shown.status, uri.encode() in shown.body) == (451, False), page
        for words in ("A court said so.", "1\u202f000\u00a0sat", "Ask the seller for your money back"):
            assert words in shown.body.decode().partition('id="words"')[0], (page, words)


async def test_the_widgets_frame_says_that_it_is_down(harness: GatewayHarness) -> None:
    """As a frame, which reports its height; without the header of a page."""
    sold = await harness.sell(file_for_sale())
    await take_down(harness, sold)
    framed = await harness.call("GET", f"/f/{sold.file_id}?embed", headers=HTML)
    assert framed.status == 451
    assert b"A court said so." in framed.body
    assert b'class="embed"' in framed.body
    assert b'class="top"' not in framed.body
    assert b"taken-down-page.js" in framed.body
    assert "frame-ancestors" not in framed.headers["Content-Security-Policy"]


async def test_who_blocks_is_named(harness: GatewayHarness) -> None:
    """RFC 7725 §4."""
    sold = await harness.sell(file_for_sale())
    await take_down(harness, sold)
    blocked = f'<{harness.context.settings.public_url}>; rel="blocked-by"'
    for path in (f"/files/{sold.file_id}", f"/f/{sold.file_id}", f"/f/{sold.file_id}/report"):
        assert (await harness.call("GET", path, headers=HTML)).headers["Link"] == blocked, path


async def test_the_longest_text_may_be_of_any_script(harness: GatewayHarness) -> None:
    """Two thousand characters, each of several bytes; a form sends each line's end as two."""
    sold = await harness.sell(file_for_sale())
    path = f"/files/{sold.file_id}/reports"
    assert (await harness.call("POST", path, json=SAID | {"text": "語" * 2_000})).status == 204
    form = {"kind": "fraud", "text": "x\r\n" * 999 + "yy", "contact": "", "link": ""}
    assert (await harness.call("POST", f"/f/{sold.file_id}/report", data=form, headers=HTML)).status == 200
    assert [len(one.text) for one in await queue(harness)] == [2_000, 2_000]


async def test_a_form_in_an_unknown_alphabet_is_refused(harness: GatewayHarness) -> None:
    sold = await harness.sell(file_for_sale())
    for sent in ("application/x-www-form-urlencoded; charset=nonsense", "application/x-www-form-urlencoded"):
        headers = HTML | {"Content-Type": sent}
        for page in ("report", "pay"):
            body = b"kind=fraud&text=\xff"
            got = await harness.call("POST", f"/f/{sold.file_id}/{page}", data=body, headers=headers)
            assert got.status == 400, (page, sent)
    assert await queue(harness) == []


async def test_reports_that_come_at_once_are_bounded_too(harness: GatewayHarness) -> None:
    """And so are those whose link is wrong."""
    sold = await harness.sell(file_for_sale())
    path, wrong = f"/files/{sold.file_id}/reports", SAID | {"link_share": b64u(bytes(16))}
    assert [(await harness.call("POST", path, json=wrong)).status for _ in range(5)] == [400] * 5
    answers = await asyncio.gather(*(harness.call("POST", path, json=SAID) for _ in range(30)))
    assert sorted(answer.status for answer in answers) == [204] * 15 + [429] * 15


async def test_open_reports_and_takedowns_are_a_metric(harness: GatewayHarness) -> None:
    sold, other = await harness.sell(file_for_sale()), await harness.sell(file_for_sale(b"another"))
    assert (await harness.call("POST", f"/files/{sold.file_id}/reports", json=SAID)).status == 204
    await take_down(harness, other)
    text = (await Metrics(harness.context).text()).decode()
    assert "bitcache_open_reports 1.0" in text
    assert "bitcache_taken_down_files 1.0" in text

"""Reporting and taking down over HTTP, and the pages that say so."""

from __future__ import annotations

from gateway_harness import GatewayHarness
from sales import VerifiedOffer, file_for_sale

from bitcache import reports, takedowns
from bitcache.identifiers import FileId, b64u
from bitcache.reports import Report

SAID = {"kind": "fraud", "text": "It is noise"}
HTML = {"Accept": "text/html"}


async def queue(harness: GatewayHarness) -> list[Report]:
    """What the operator reads."""
    return await harness.context.store.read(lambda conn: reports.queue(conn, harness.context.master_key))


async def take_down(harness: GatewayHarness, sold: VerifiedOffer) -> None:
    """The operator decides."""
    file_id = FileId(sold.file_id)
    await harness.context.store.write(
        lambda conn: takedowns.take_down(conn, file_id, "A court said so.", harness.clock())
    )


async def test_a_report_reaches_the_operator_with_the_link_or_without(harness: GatewayHarness) -> None:
    sold = await harness.sell(file_for_sale())
    path = f"/files/{sold.file_id}/reports"
    assert (await harness.call("POST", path, json=SAID)).status == 204
    disclosed = SAID | {"text": "Look", "contact": "a@b.example", "link_share": b64u(sold.link_share)}
    assert (await harness.call("POST", path, json=disclosed)).status == 204
    assert [(one.text, one.contact, one.link_share) for one in await queue(harness)] == [
        ("It is noise", "", None),
        ("Look", "a@b.example", sold.link_share),
    ]
    wrong = ({"link_share": b64u(bytes(16))}, {"kind": "boring"}, {"text": ""}, {"text": "x" * 2_001})
    for change in wrong:
        assert (await harness.call("POST", path, json=SAID | change)).status == 400
    assert (await harness.call("POST", f"/files/{'A' * 22}/reports", json=SAID)).status == 404


async def test_reports_from_one_place_are_bounded(harness: GatewayHarness) -> None:
    sold = await harness.sell(file_for_sale())
    answers = [
        await harness.call("POST", f"/files/{sold.file_id}/reports", json=SAID | {"text": "again"}) for _ in range(21)
    ]
    assert [answer.status for answer in answers] == [204] * 20 + [429]
    assert answers[-1].json["code"] == "too_many_reports"
    harness.clock.ahead += 3_601
    assert (await harness.call("POST", f"/files/{sold.file_id}/reports", json=SAID)).status == 204


async def test_what_is_down_is_451_everywhere(harness: GatewayHarness) -> None:
    """RFC 7725; the operator's reason is on the page."""
    sold = await harness.sell(file_for_sale(preview="la la"))
    claim, purchase = await harness.begin(sold.file_id)
    await harness.pay(purchase)
    await harness.state(purchase, "settled")
    await take_down(harness, sold)
    for path in ("", "/preview", "/groups", "/bytes"):
        got = await harness.call("GET", f"/files/{sold.file_id}{path}", claim)
        assert (got.status, got.json["code"], got.json["hint"]) == (451, "taken_down", "A court said so."), path
    for path in ("", "/report"):
        page = await harness.call("GET", f"/f/{sold.file_id}{path}", headers=HTML)
        assert page.status == 451
        assert b"taken this file down" in page.body
        assert b"A court said so." in page.body
    assert (await harness.call("GET", "/claim", claim)).status == 200
    assert (await harness.call("GET", "/share", claim)).status == 200
    assert (await harness.call("GET", f"/listings/{sold.file_id}/bytes", harness.token)).status == 200
    [shown] = (await harness.call("GET", "/listings", harness.token)).json["listings"]
    assert shown["taken_down"] == "A court said so."


async def test_the_form_works_without_javascript(harness: GatewayHarness) -> None:
    sold = await harness.sell(file_for_sale())
    path = f"/f/{sold.file_id}/report"
    assert b"Report this file" in (await harness.call("GET", path, headers=HTML)).body
    link = f"{harness.url}/f/{sold.file_id}#{b64u(sold.link_share)}"
    for typed, status in ((SAID | {"link": link}, 200), (SAID | {"link": "elsewhere"}, 400), ({"text": "x"}, 400)):
        got = await harness.call("POST", path, data=typed, headers=HTML)
        assert got.status == status
        assert (b"Thank you" in got.body) is (status == 200)
    assert [one.link_share for one in await queue(harness)] == [sold.link_share]
    elsewhere = HTML | {"Origin": "https://elsewhere.example"}
    assert (await harness.call("POST", path, data=SAID, headers=elsewhere)).status == 403

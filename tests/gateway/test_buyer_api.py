"""The buyer's calls: what is unknown, expired, used, someone else's, or too much."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from typing import Any

import pytest
from gateway_harness import GatewayHarness, Open
from qrcode.main import QRCode
from sales import file_for_sale
from support.accounts import BIP84_ZPUB, TPUB

from bitcache.identifiers import b64u, claim_hash, new_file_id, new_purchase_id, new_secret
from bitcache.sellers import active_payouts, pause_payout
from gateway.api import qr_picture
from gateway.server.app import make_app

ENORMOUS = "A" * 5000


@pytest.mark.parametrize("path", ["/files/{}", "/files/{}/preview", "/files/{}/groups", "/files/{}/bytes"])
async def test_unknown_files(harness: GatewayHarness, path: str) -> None:
    """404, whether or not a claim is sent."""
    got = await harness.call("GET", path.format(new_file_id()))
    assert (got.status, got.json["code"]) == (404, "not_found")
    assert got.headers["Content-Type"].startswith("application/problem+json")


@pytest.mark.parametrize("path", ["/purchases/{}", "/purchases/{}/events", "/purchases/{}/qr.svg"])
@pytest.mark.parametrize(
    ("name", "status", "code"),
    [(new_purchase_id(), 404, "not_found"), ("x", 400, "invalid_identifier"), (ENORMOUS, 400, "invalid_identifier")],
    ids=["unknown", "short", "enormous"],
)
async def test_unknown_purchases(harness: GatewayHarness, path: str, name: str, status: int, code: str) -> None:
    """Unknown is 404, misspelled is 400; nothing is looked up for nonsense."""
    got = await harness.call("GET", path.format(name))
    assert (got.status, got.json["code"]) == (status, code)


async def test_no_preview(harness: GatewayHarness) -> None:
    """A listing without one."""
    sold = await harness.sell(file_for_sale())
    assert (await harness.call("GET", f"/files/{sold.file_id}/preview")).status == 404


@pytest.mark.parametrize(
    "claim", ["", "x", "A" * 42, ENORMOUS[:4000], "é" * 43], ids=["none", "short", "42", "enormous", "foreign"]
)
async def test_impossible_claims(harness: GatewayHarness, claim: str) -> None:
    """A claim of the wrong shape is refused without a look."""
    sold = await harness.sell(file_for_sale())
    for path in ("/claim", "/share", f"/files/{sold.file_id}/bytes"):
        got = await harness.call("GET", path, claim)
        assert got.status in (400, 401, 402)
        assert claim == "" or claim not in got.body.decode()


async def test_claims_of_others(harness: GatewayHarness) -> None:
    """A claim opens its own purchase's file and no other; an unknown one opens nothing."""
    mine, other = await harness.sell(file_for_sale()), await harness.sell(file_for_sale())
    claim, purchase = await harness.begin(mine.file_id)
    await harness.pay(purchase)
    got = await harness.call("GET", f"/files/{other.file_id}/bytes", claim)
    assert (got.status, got.json["code"]) == (403, "claim_mismatch")
    for path in ("/claim", "/share", f"/files/{mine.file_id}/bytes"):
        got = await harness.call("GET", path, new_secret())
        assert (got.status, got.json["code"]) == (403, "claim_mismatch")
    body = {"claim_hash": b64u(claim_hash(claim))}
    got = await harness.call("POST", f"/files/{other.file_id}/purchases", json=body)
    assert (got.status, got.json["code"]) == (403, "claim_mismatch")


async def test_used_again_and_again(harness: GatewayHarness) -> None:
    """A right that was used stays: share and bytes are the same the second time, and the purchase is still settled."""
    sold = await harness.sell(file_for_sale())
    claim, purchase = await harness.begin(sold.file_id)
    await harness.pay(purchase)
    for _ in range(2):
        assert (await harness.call("GET", "/share", claim)).status == 200
        assert (await harness.call("GET", f"/files/{sold.file_id}/bytes", claim)).body == sold.sealed
    _, again = await harness.begin(sold.file_id, claim)
    assert again["state"] == "settled"


async def test_expired_and_paid_late(harness: GatewayHarness) -> None:
    """An expired invoice is still there, and money that comes late still releases."""
    sold = await harness.sell(file_for_sale())
    claim, purchase = await harness.begin(sold.file_id)
    harness.clock.ahead = 4000
    await harness.chain.mine()
    await harness.state(purchase, "expired")
    got = await harness.call("GET", "/share", claim)
    assert (got.status, got.json["purchase"]["state"]) == (402, "expired")
    paid = await harness.pay(purchase)
    assert paid["marks"] == ["paid_late"]
    assert (await harness.call("GET", "/share", claim)).status == 200


async def test_402_is_enough_to_pay(harness: GatewayHarness) -> None:
    """A program that knows only the file's address learns everything it needs."""
    sold = await harness.sell(file_for_sale(price_sat=150_000))
    got = await harness.call("GET", f"/files/{sold.file_id}/bytes")
    terms = got.json
    assert (got.status, terms["code"], terms["price_sat"], terms["price_btc"]) == (
        402,
        "payment_required",
        150_000,
        "0.0015",
    )
    assert (terms["network"], terms["confirmations"], terms["purchase"]) == ("regtest", 2, None)
    assert terms["create_purchase"] == f"/api/v1/files/{sold.file_id}/purchases"
    claim, purchase = await harness.begin(sold.file_id)
    for path in (f"/files/{sold.file_id}/bytes", "/share"):
        got = await harness.call("GET", path, claim)
        assert (got.status, got.json["purchase"]) == (402, purchase)


async def test_caps(open_one: Open) -> None:
    """More open invoices from one address cost work; a paid one makes room."""
    async with open_one(invoices={"cap_per_buyer": 2}) as harness:
        sold = await harness.sell(file_for_sale())
        _, first = await harness.begin(sold.file_id)
        await harness.begin(sold.file_id)
        body = {"claim_hash": b64u(claim_hash(new_secret()))}
        got = await harness.call("POST", f"/files/{sold.file_id}/purchases", json=body)
        assert (got.status, got.json["code"]) == (429, "proof_of_work")
        await harness.pay(first)
        assert (await harness.call("POST", f"/files/{sold.file_id}/purchases", json=body)).status == 201


async def test_paused_sales(harness: GatewayHarness) -> None:
    """A paused seller's file says so, and gives out no address."""
    sold = await harness.sell(file_for_sale())
    [payout] = await harness.context.store.read(active_payouts)
    await harness.context.store.write(lambda conn: pause_payout(conn, payout.id, "sales_paused"))
    assert (await harness.call("GET", f"/files/{sold.file_id}")).json["paused"] == "sales_paused"
    body = {"claim_hash": b64u(claim_hash(new_secret()))}
    got = await harness.call("POST", f"/files/{sold.file_id}/purchases", json=body)
    assert (got.status, got.json["code"]) == (409, "sales_paused")


async def test_qr(harness: GatewayHarness) -> None:
    """A compact picture with a white ground."""
    sold = await harness.sell(file_for_sale())
    _, purchase = await harness.begin(sold.file_id)
    got = await harness.call("GET", f"/purchases/{purchase['purchase_id']}/qr.svg")
    assert got.headers["Content-Type"].startswith("image/svg+xml")
    assert got.body.count(b"<path") == 2
    assert len(got.body) < 12_000


def test_a_qr_code_is_painted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not once for each mask, which made forty buyers wait for 1.5 s."""
    paintings, paint = [], QRCode.makeImpl

    def counted(code: QRCode[Any], test: bool, mask: int) -> None:
        paintings.append(mask)
        paint(code, test, mask)

    monkeypatch.setattr(QRCode, "makeImpl", counted)
    qr_picture.svg.cache_clear()
    assert qr_picture.svg("bitcoin:bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080?amount=0.00002500").startswith("<svg ")
    assert len(paintings) == 1


async def test_qr_codes_keep_nobody_waiting(harness: GatewayHarness) -> None:
    """Twenty requests for one picture paint it once, in a thread of its own."""
    sold = await harness.sell(file_for_sale())
    _, purchase = await harness.begin(sold.file_id)
    qr_picture.svg.cache_clear()
    got = await asyncio.gather(
        *[harness.call("GET", f"/purchases/{purchase['purchase_id']}/qr.svg") for _ in range(20)]
    )
    assert len({answer.body for answer in got}) == 1
    assert qr_picture.svg.cache_info().misses == 1
    assert any(thread.name.startswith("qr") for thread in threading.enumerate())


async def test_demo_only_in_a_demo(harness: GatewayHarness) -> None:
    """The demo wallet is no part of a real gateway."""
    demo, real = make_app(harness.context), make_app(replace(harness.context, demo_wallet=None))
    of_the_demo, of_a_gateway = (
        {route.resource.canonical for route in app.router.routes() if route.resource} for app in (demo, real)
    )
    assert of_a_gateway
    assert of_a_gateway == {path for path in of_the_demo if "demo" not in path} != of_the_demo


PAYOUTS: list[tuple[dict[str, Any], str]] = [
    ({"descriptor": "wpkh(cVt4o7BGAig1UXywgGSmARhxMdzP5qvQsxKkSsc1XEkw3tDTQFpy)"}, "private_key_refused"),
    ({"descriptor": BIP84_ZPUB}, "wrong_network"),
    ({"descriptor": "nonsense"}, "invalid_descriptor"),
    ({"descriptor": ""}, "bad_input"),
    ({"descriptor": "x" * 5000}, "invalid_descriptor"),
    ({"descriptor": "x" * 16_385}, "bad_input"),
    ({"descriptor": "x", "script_type": "pkh"}, "bad_input"),
    ({}, "bad_input"),
]


@pytest.mark.parametrize(("body", "code"), PAYOUTS, ids=[code for _, code in PAYOUTS])
async def test_impossible_payouts(harness: GatewayHarness, body: dict[str, Any], code: str) -> None:
    """Refused with the reason, which never quotes what was typed; checked and written alike."""
    for method, path in (("PUT", "/seller/payout"), ("POST", "/seller/payout/check")):
        got = await harness.call(method, path, harness.token, json=body)
        assert (got.status, got.json["code"]) == (400, code)
        assert not body.get("descriptor") or body["descriptor"][:30] not in got.body.decode()


async def test_a_checked_payout_changes_nothing(harness: GatewayHarness) -> None:
    """Only the seller's yes does; and a key that does not say its addresses has the choice in its refusal."""
    before = (await harness.call("GET", "/seller", harness.token)).json
    wanted = {"descriptor": f"External: tr({TPUB}/7/*)\nInternal: tr({TPUB}/8/*)"}
    checked = await harness.call("POST", "/seller/payout/check", harness.token, json=wanted)
    assert (checked.status, checked.json["script_type"], checked.json["min_price_sat"]) == (200, "tr", 330)
    assert (await harness.call("GET", "/seller", harness.token)).json == before
    unclear = await harness.call("POST", "/seller/payout/check", harness.token, json={"descriptor": TPUB})
    assert (unclear.status, unclear.json["reason"]) == (400, "script_type_needed")
    assert unclear.json["script_types"] == ["wpkh", "tr", "sh(wpkh)"]
    written = await harness.call("PUT", "/seller/payout", harness.token, json=wanted)
    assert written.json["addresses"] == checked.json["addresses"]
    assert (await harness.call("GET", "/seller", harness.token)).json["payout"]["addresses"] == checked.json[
        "addresses"
    ]


@pytest.mark.parametrize("secret", [None, "x", new_secret()], ids=["none", "short", "unknown"])
@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/seller"), ("PUT", "/seller/payout"), ("POST", "/seller/payout/check"), ("POST", "/listings")],
)
async def test_sellers_sign_in(harness: GatewayHarness, method: str, path: str, secret: str | None) -> None:
    """401 before anything is read."""
    got = await harness.call(method, path, secret, data=b"not json")
    assert (got.status, got.json["code"]) == (401, "not_signed_in")
    assert got.headers["WWW-Authenticate"].startswith("Bearer")

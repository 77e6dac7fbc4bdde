"""Who gets what with which claim, word for word as docs/protocol.md §7 says it (Authorization)."""

from __future__ import annotations

import pytest
from gateway_harness import Answer, GatewayHarness
from sales import VerifiedOffer, file_for_sale

from bitcache.identifiers import b64u, claim_hash, new_secret

PATHS = ("/claim", "/share", "/bytes")


async def ask(harness: GatewayHarness, sold: VerifiedOffer, claim: str | None) -> dict[str, tuple[int, str | None]]:
    """Status and code of each call."""
    answers = {}
    for path in PATHS:
        got = await harness.call("GET", f"/files/{sold.file_id}/bytes" if path == "/bytes" else path, claim)
        answers[path] = _of(got)
    return answers


def _of(got: Answer) -> tuple[int, str | None]:
    return got.status, got.json["code"] if got.status >= 400 else None


UNPAID = {"/claim": (200, None), "/share": (402, "payment_required"), "/bytes": (402, "payment_required")}
SEEN = {"/claim": (200, None), "/share": (402, "payment_required"), "/bytes": (200, None)}
RELEASED = dict.fromkeys(PATHS, (200, None))


async def test_without_a_claim(harness: GatewayHarness) -> None:
    """Terms for a program, and 401 where nothing can be said without one."""
    sold = await harness.sell(file_for_sale())
    assert await ask(harness, sold, None) == {
        "/claim": (401, "not_signed_in"),
        "/share": (401, "not_signed_in"),
        "/bytes": (402, "payment_required"),
    }
    terms = (await harness.call("GET", f"/files/{sold.file_id}/bytes")).json
    assert terms["purchase"] is None


@pytest.mark.parametrize("claim", ["x", "A" * 42, "A" * 42 + "B", "A" * 43 + "="])
async def test_what_is_no_claim(harness: GatewayHarness, claim: str) -> None:
    """Another length, alphabet or spelling."""
    sold = await harness.sell(file_for_sale())
    assert await ask(harness, sold, claim) == dict.fromkeys(PATHS, (400, "invalid_identifier"))


async def test_a_claim_that_nobody_began_with(harness: GatewayHarness) -> None:
    """Well spelled and unknown."""
    sold = await harness.sell(file_for_sale())
    assert await ask(harness, sold, new_secret()) == dict.fromkeys(PATHS, (403, "claim_mismatch"))


async def test_from_unpaid_to_released(harness: GatewayHarness) -> None:
    """Each state adds one right."""
    sold = await harness.sell(file_for_sale())
    claim, purchase = await harness.begin(sold.file_id)
    assert await ask(harness, sold, claim) == UNPAID
    unpaid = (await harness.call("GET", "/share", claim)).json
    assert unpaid["purchase"]["purchase_id"] == purchase["purchase_id"]
    await harness.pay(purchase, mine=False)
    assert await ask(harness, sold, claim) == SEEN
    await harness.chain.mine()
    await harness.state(purchase, "settled")
    assert await ask(harness, sold, claim) == RELEASED


async def test_the_claim_of_another_file(harness: GatewayHarness) -> None:
    """Its own share, and no byte of this file."""
    sold, other = await harness.sell(file_for_sale()), await harness.sell(file_for_sale())
    claim, purchase = await harness.begin(other.file_id)
    await harness.pay(purchase)
    assert await ask(harness, sold, claim) == RELEASED | {"/bytes": (403, "claim_mismatch")}
    assert (await harness.call("GET", "/share", claim)).json["file_id"] == other.file_id


async def test_repeated_and_conflicting_requests(harness: GatewayHarness) -> None:
    """The same claim or listing again is the same thing; another one under its name is refused."""
    sold, other = await harness.sell(file_for_sale()), await harness.sell(file_for_sale())
    claim, purchase = await harness.begin(sold.file_id)
    body = {"claim_hash": b64u(claim_hash(claim))}
    again = await harness.call("POST", f"/files/{sold.file_id}/purchases", json=body)
    assert (again.status, again.json) == (200, purchase)
    conflicting = await harness.call("POST", f"/files/{other.file_id}/purchases", json=body)
    assert _of(conflicting) == (403, "claim_mismatch")
    first, second = await harness.create_listing(sold), await harness.create_listing(sold)
    assert (first.status, first.json) == (second.status, second.json)
    resigned = file_for_sale(file_id=sold.file_id)
    assert _of(await harness.call("POST", "/listings", harness.token, json=resigned.listing)) == (409, "upload_exists")

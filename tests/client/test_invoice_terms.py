"""What a gateway asks a buyer for: the signed price at one address, or nothing is shown."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from lying import Lie, lying

from bitcache.listing_errors import TakenDown
from gateway.api.models import Purchase
from gateway.client.buy_file import PurchaseObserver, buy
from gateway.client.errors import DishonestGateway, NotPaidInTime
from gateway.client.invoice_terms import InvoiceTerms, is_paid, onchain_request
from gateway.client.sell_file import PublishedFile
from gateway.client.verified_offer import VerifiedOffer, look
from gateway.demo.demonstration import Demo

VECTORS = json.loads((Path(__file__).parent.parent / "vectors" / "invoice-terms.json").read_text())
OTHER = "bcrt1q6z64a43mjgkcq0ul2znwneq3spghrlau9slefp"
TERMS = InvoiceTerms(VECTORS["offer"]["file_id"], VECTORS["offer"]["price_sat"])


def purchase_of(case: dict[str, Any]) -> Purchase:
    """The case's purchase, as the gateway sent it."""
    base, changed = VECTORS["purchase"], case["request"]
    requests = [base["payment_requests"][0] | changed] if changed is not None else []
    return Purchase(**base | case["changes"] | {"payment_requests": requests + case["other_requests"]})


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: case["name"])
def test_what_may_be_asked_and_what_not(case: dict[str, Any]) -> None:
    """The vectors that JavaScript reads, too."""
    terms = TERMS.fixed(Purchase(**VECTORS["purchase"]))
    first = {"purchase_id": terms.purchase_id, "address": terms.address, "amount_sat": terms.amount_sat}
    assert first == VECTORS["first"]
    terms = replace(terms if "first" not in case else TERMS, price_sat=case.get("price_sat", TERMS.price_sat))
    purchase = purchase_of(case)
    if case["error"] is not None:
        with pytest.raises(DishonestGateway) as refused:
            terms.check(purchase)
        assert str(refused.value) == case["error"]
        return
    terms.check(purchase)
    to_pay = onchain_request(purchase)
    assert (to_pay.payable_sat, to_pay.uri, is_paid(purchase)) == (case["payable_sat"], case["uri"], case["is_paid"])


class Shown(PurchaseObserver):
    """Keeps what would be shown."""

    def __init__(self) -> None:
        self.shown: list[Purchase] = []

    def invoice(self, purchase: Purchase, offer: VerifiedOffer) -> None:
        """What is paid."""
        self.shown.append(purchase)

    def changed(self, purchase: Purchase) -> None:
        """What is said."""
        self.shown.append(purchase)


def another_address(answer: dict[str, Any]) -> dict[str, Any]:
    """The answer with a way to pay that is somebody else's."""
    request = answer["payment_requests"][0]
    theirs = {"destination": OTHER, "uri": f"bitcoin:{OTHER}?amount=0.000025"}
    return answer | {"payment_requests": [request | theirs]}


def another_uri(answer: dict[str, Any]) -> dict[str, Any]:
    """The answer with a URI that asks for more."""
    request = answer["payment_requests"][0]
    return answer | {"payment_requests": [request | {"uri": f"bitcoin:{request['destination']}?amount=1.5"}]}


LIES: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "another URI": another_uri,
    "another address": another_address,
    "more is due": lambda answer: answer | {"due_sat": 250_000_000},
    "another price": lambda answer: answer | {"amount_sat": 5000},
    "no end": lambda answer: answer | {"expires_at": 10**18},
}


def lie_at(part: str, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Lie:
    """Change every answer under a path that holds ``part``."""

    def lie(path: str, body: bytes) -> bytes:
        return json.dumps(change(json.loads(body))).encode() if part in path else body

    return lie


async def refused(demo: Demo, sold: PublishedFile, folder: Path, lie: Lie, *, events: bool = False) -> Shown:
    """Buy until the lie is found."""
    observer = Shown()
    async with lying(demo, lie, events=events) as gateway:
        offer = await look(gateway, sold.link)
        with pytest.raises(DishonestGateway):
            await buy(gateway, offer, folder / "out", folder, timeout=10, observer=observer)
    return observer


@pytest.mark.parametrize("name", [name for name in LIES if name != "another address"])
async def test_a_new_invoice(demo: Demo, sold: PublishedFile, tmp_path: Path, name: str) -> None:
    assert not (await refused(demo, sold, tmp_path, lie_at("/purchases", LIES[name]))).shown


@pytest.mark.parametrize("events", [True, False])
@pytest.mark.parametrize("name", LIES)
async def test_later_news(demo: Demo, sold: PublishedFile, tmp_path: Path, name: str, events: bool) -> None:
    """By events or polled: only what was right at first was shown."""
    observer = await refused(demo, sold, tmp_path, lie_at("/api/v1/purchases/", LIES[name]), events=events)
    [shown] = observer.shown
    assert shown.state == "new"
    InvoiceTerms(shown.file_id, 2500).check(shown)


async def test_another_address_in_the_next_run(demo: Demo, sold: PublishedFile, tmp_path: Path) -> None:
    """What was said first is on the buyer's disk."""
    offer = await look(demo.gateway, sold.link)
    with pytest.raises(NotPaidInTime):
        await buy(demo.gateway, offer, tmp_path / "out", tmp_path, timeout=0.2)
    assert not (await refused(demo, sold, tmp_path, lie_at("/claim", another_address))).shown


def test_nothing_is_paid_for_a_file_that_was_taken_down() -> None:
    """What the gateway then says to pay is not looked at."""
    taken_down = Purchase(**VECTORS["purchase"] | {"taken_down": "A court said so.", "payment_requests": []})
    with pytest.raises(TakenDown) as refused:
        TERMS.check(taken_down)
    assert refused.value.advice == "A court said so."

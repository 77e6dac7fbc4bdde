"""What a gateway asks a buyer for: the signed price at one address, or nothing is shown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from lying import Lie, changed, lying

from gateway.api.models import Purchase
from gateway.client.buy_file import PurchaseObserver, buy
from gateway.client.errors import DishonestGateway, NotPaidInTime
from gateway.client.invoice_terms import InvoiceTerms, asked_sat, payment_uri
from gateway.client.sell_file import PublishedFile
from gateway.client.verified_offer import VerifiedOffer, look
from gateway.demo.demonstration import Demo

WPKH = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"
OTHER = "bcrt1q6z64a43mjgkcq0ul2znwneq3spghrlau9slefp"
TR = "bcrt1pz52f9rekyer05dn8t63zr8rxe6f9q5ja0g2cl0ucaqc79uaf8l9skgnz2j"
FILE, ID = "F" * 22, "T" * 22
BILL = InvoiceTerms(FILE, 2500)


def purchase(**members: Any) -> Purchase:
    """A fresh invoice, with ``members``; its URI is right unless given."""
    times = {"created_at": 1, "expires_at": 2, "seen_at": None, "settled_at": None}
    plain = {"purchase_id": ID, "file_id": FILE, "state": "new", "marks": [], "amount_sat": 2500, "amount_btc": "x"}
    sums = {"received_sat": 0, "due_sat": 2500, "confirmed_sat": 0, "confirmations": 0, "confirmations_required": 1}
    rest = {"address": WPKH, "uri": "", "released": False, "txids": [], "network": "regtest", "sees_mempool": True}
    made = Purchase(**(times | plain | sums | rest | members))
    return made if "uri" in members else made.model_copy(update={"uri": payment_uri(made)})


@pytest.mark.parametrize(
    ("members", "uri"),
    [
        ({}, f"bitcoin:{WPKH}?amount=0.000025"),
        ({"received_sat": 2400, "due_sat": 100}, f"bitcoin:{WPKH}?amount=0.00000294"),
        ({"received_sat": 2400, "due_sat": 100, "address": TR}, f"bitcoin:{TR}?amount=0.0000033"),
        ({"received_sat": 9000, "due_sat": 0}, f"bitcoin:{WPKH}"),
    ],
)
def test_what_may_be_asked(members: dict[str, Any], uri: str) -> None:
    BILL.check(purchase(uri=uri, **members))


@pytest.mark.parametrize(
    "members",
    [
        {"file_id": "G" * 22},
        {"purchase_id": "U" * 22},
        {"address": OTHER},
        {"address": "bcrt1q\u202eevil"},
        {"address": f"{WPKH}?amount=1#"},
        {"amount_sat": 2501, "due_sat": 2501},
        {"amount_sat": 2400, "due_sat": 2400},
        {"due_sat": 250_000_000},
        {"received_sat": 100},
        {"received_sat": 9000, "due_sat": 1},
        {"uri": f"bitcoin:{WPKH}?amount=1.5"},
        {"uri": f"bitcoin:{OTHER}?amount=0.000025"},
        {"uri": f"bitcoin:{WPKH}?amount=0.000025&pj=https://evil.example"},
        {"expires_at": 10**18},
    ],
)
def test_what_may_not(members: dict[str, Any]) -> None:
    terms = BILL.fixed(purchase())
    terms.check(purchase())
    with pytest.raises(DishonestGateway):
        terms.check(purchase(**members))


def test_too_little_to_be_carried_is_raised() -> None:
    assert asked_sat(purchase(received_sat=2499, due_sat=1)) == 294


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


LIES: list[dict[str, Any]] = [
    {"uri": "bitcoin:bcrt1qevil?amount=1.5"},
    {"address": OTHER, "uri": f"bitcoin:{OTHER}?amount=0.000025"},
    {"due_sat": 250_000_000},
    {"amount_sat": 5000},
    {"expires_at": 10**18},
]


async def refused(demo: Demo, sold: PublishedFile, folder: Path, lie: Lie, *, events: bool = False) -> Shown:
    """Buy until the lie is found."""
    observer = Shown()
    async with lying(demo, lie, events=events) as gateway:
        offer = await look(gateway, sold.link)
        with pytest.raises(DishonestGateway):
            await buy(gateway, offer, folder / "out", folder, timeout=10, observer=observer)
    return observer


@pytest.mark.parametrize("members", [one for one in LIES if "address" not in one])
async def test_a_new_invoice(demo: Demo, sold: PublishedFile, tmp_path: Path, members: dict[str, Any]) -> None:
    assert not (await refused(demo, sold, tmp_path, changed("/purchases", **members))).shown


@pytest.mark.parametrize("events", [True, False])
@pytest.mark.parametrize("members", LIES)
async def test_later_news(
    demo: Demo, sold: PublishedFile, tmp_path: Path, members: dict[str, Any], events: bool
) -> None:
    """By events or polled: only what was right at first was shown."""

    def lie(path: str, body: bytes) -> bytes:
        return json.dumps(json.loads(body) | members).encode() if "/api/v1/purchases/" in path else body

    observer = await refused(demo, sold, tmp_path, lie, events=events)
    assert [one.state for one in observer.shown] == ["new"]
    assert not any(name in members and getattr(observer.shown[0], name) == members[name] for name in members)


async def test_another_address_in_the_next_run(demo: Demo, sold: PublishedFile, tmp_path: Path) -> None:
    """What was said first is on the buyer's disk."""
    offer = await look(demo.gateway, sold.link)
    with pytest.raises(NotPaidInTime):
        await buy(demo.gateway, offer, tmp_path / "out", tmp_path, timeout=0.2)
    lie = changed("/claim", address=OTHER, uri=f"bitcoin:{OTHER}?amount=0.000025")
    assert not (await refused(demo, sold, tmp_path, lie)).shown

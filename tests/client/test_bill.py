"""What a gateway asks a buyer for: the signed price at one address, or nothing is shown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from lying import Lie, changed, lying

from gateway.api.models import Transfer
from gateway.client.bill import Bill, asked_sat, payment_uri
from gateway.client.buying import Screen, buy
from gateway.client.errors import DishonestGateway, NotPaidInTime
from gateway.client.goods import Goods, look
from gateway.client.selling import Sold
from gateway.demo import Demo

WPKH = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"
OTHER = "bcrt1q6z64a43mjgkcq0ul2znwneq3spghrlau9slefp"
TR = "bcrt1pz52f9rekyer05dn8t63zr8rxe6f9q5ja0g2cl0ucaqc79uaf8l9skgnz2j"
FILE, ID = "F" * 22, "T" * 22
BILL = Bill(FILE, 2500)


def transfer(**members: Any) -> Transfer:
    """A fresh invoice, with ``members``; its URI is right unless given."""
    times = {"created_at": 1, "expires_at": 2, "seen_at": None, "settled_at": None}
    plain = {"transfer_id": ID, "file_id": FILE, "state": "new", "marks": [], "amount_sat": 2500, "amount_btc": "x"}
    sums = {"received_sat": 0, "due_sat": 2500, "confirmed_sat": 0, "confirmations": 0, "confirmations_required": 1}
    rest = {"address": WPKH, "uri": "", "released": False, "txids": [], "network": "regtest", "sees_mempool": True}
    made = Transfer(**(times | plain | sums | rest | members))
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
    BILL.check(transfer(uri=uri, **members))


@pytest.mark.parametrize(
    "members",
    [
        {"file_id": "G" * 22},
        {"transfer_id": "U" * 22},
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
    bill = BILL.fixed(transfer())
    bill.check(transfer())
    with pytest.raises(DishonestGateway):
        bill.check(transfer(**members))


def test_too_little_to_be_carried_is_raised() -> None:
    assert asked_sat(transfer(received_sat=2499, due_sat=1)) == 294


class Shown(Screen):
    """Keeps what would be shown."""

    def __init__(self) -> None:
        self.shown: list[Transfer] = []

    def invoice(self, transfer: Transfer, goods: Goods) -> None:
        """What is paid."""
        self.shown.append(transfer)

    def changed(self, transfer: Transfer) -> None:
        """What is said."""
        self.shown.append(transfer)


LIES: list[dict[str, Any]] = [
    {"uri": "bitcoin:bcrt1qevil?amount=1.5"},
    {"address": OTHER, "uri": f"bitcoin:{OTHER}?amount=0.000025"},
    {"due_sat": 250_000_000},
    {"amount_sat": 5000},
    {"expires_at": 10**18},
]


async def refused(demo: Demo, sold: Sold, folder: Path, lie: Lie, *, events: bool = False) -> Shown:
    """Buy until the lie is found."""
    screen = Shown()
    async with lying(demo, lie, events=events) as gateway:
        goods = await look(gateway, sold.link)
        with pytest.raises(DishonestGateway):
            await buy(gateway, goods, folder / "out", folder, timeout=10, screen=screen)
    return screen


@pytest.mark.parametrize("members", [one for one in LIES if "address" not in one])
async def test_a_new_invoice(demo: Demo, sold: Sold, tmp_path: Path, members: dict[str, Any]) -> None:
    assert not (await refused(demo, sold, tmp_path, changed("/transfers", **members))).shown


@pytest.mark.parametrize("events", [True, False])
@pytest.mark.parametrize("members", LIES)
async def test_later_news(demo: Demo, sold: Sold, tmp_path: Path, members: dict[str, Any], events: bool) -> None:
    """By events or polled: only what was right at first was shown."""

    def lie(path: str, body: bytes) -> bytes:
        return json.dumps(json.loads(body) | members).encode() if "/api/v1/transfers/" in path else body

    screen = await refused(demo, sold, tmp_path, lie, events=events)
    assert [one.state for one in screen.shown] == ["new"]
    assert not any(name in members and getattr(screen.shown[0], name) == members[name] for name in members)


async def test_another_address_in_the_next_run(demo: Demo, sold: Sold, tmp_path: Path) -> None:
    """What was said first is on the buyer's disk."""
    goods = await look(demo.gateway, sold.link)
    with pytest.raises(NotPaidInTime):
        await buy(demo.gateway, goods, tmp_path / "out", tmp_path, timeout=0.2)
    lie = changed("/claim", address=OTHER, uri=f"bitcoin:{OTHER}?amount=0.000025")
    assert not (await refused(demo, sold, tmp_path, lie)).shown

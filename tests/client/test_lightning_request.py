"""What a Lightning invoice asks for, as clients read it; the vectors that JavaScript reads, too."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.client.lightning_request import amount_msat, uri_of

CASES = json.loads((Path(__file__).parent.parent / "vectors" / "lightning-requests.json").read_text())["cases"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_what_it_asks_for(case: dict[str, Any]) -> None:
    assert amount_msat(case["invoice"], case["network"]) == case["msat"]


def test_what_a_wallet_scans() -> None:
    assert uri_of("lnbc1p") == "LIGHTNING:LNBC1P"

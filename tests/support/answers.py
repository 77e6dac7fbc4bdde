"""What tests read in the API's answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def onchain_in(purchase: Mapping[str, Any]) -> dict[str, Any]:
    """Return the purchase's way to pay on the chain."""
    requests: list[dict[str, Any]] = purchase["payment_requests"]
    return next(request for request in requests if request["rail"] == "onchain")


def address_in(purchase: Mapping[str, Any]) -> str:
    """Return where the purchase is paid on the chain."""
    return str(onchain_in(purchase)["destination"])


def txids_in(purchase: Mapping[str, Any]) -> list[str]:
    """Return the transactions that paid it."""
    return [payment["reference"] for payment in purchase["payments"] if payment["rail"] == "onchain"]

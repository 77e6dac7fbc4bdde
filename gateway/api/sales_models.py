"""What the seller's calls about sales give; see models.py for the rest."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from gateway.api.models import B64u16, Response, Sats, UnixTime


class SalePayment(Response):
    """What came in for a sale: ``reference`` is the outpoint on-chain, on Lightning the payment hash."""

    rail: str
    reference: str
    amount_sat: Sats
    status: Literal["surviving", "withdrawn", "final"]


class Sale(Response):
    """A purchase that something was ever paid for."""

    purchase_id: B64u16
    file_id: B64u16
    state: str
    marks: list[str]
    price_sat: Sats
    received_sat: Sats
    first_seen_at: UnixTime
    settled_at: UnixTime | None
    payments: list[SalePayment]
    refund_due: bool = Field(
        description="the operator took the file down before it was released: its buyer got nothing"
    )


class SalesPage(Response):
    """A page of a seller's sales, newest first."""

    sales: list[Sale]
    next: B64u16 | None = Field(description="the parameter `after` of the next page; null on the last one")


class DaySales(Response):
    """What was settled of what was first seen on one day, by one rail."""

    day: UnixTime = Field(description="when it began, in UTC")
    rail: str
    sales: int
    received_sat: Sats


class SalesByDay(Response):
    """Days without sales are left out."""

    today: UnixTime = Field(description="when the gateway's day began, in UTC")
    days: list[DaySales]

"""Sales as a spreadsheet reads them; JavaScript's half: gateway/web/static/seller/bookkeeping.js."""

from __future__ import annotations

import csv
import io
import re
import time
from collections.abc import Iterable, Mapping

from gateway.api.sales_models import Sale

COLUMNS = (
    "first_seen_utc",
    "settled_utc",
    "state",
    "file_id",
    "title",
    "price_sat",
    "received_sat",
    "rail",
    "reference",
    "amount_sat",
    "payment_status",
    "purchase_id",
)
#: A spreadsheet takes what begins with these for a formula (OWASP, CSV injection).
_FORMULA = re.compile(r"[=+\-@\t\r]")


def csv_of(sales: Iterable[Sale], titles: Mapping[str, str]) -> str:
    """Return one row for each payment (RFC 4180); ``titles`` by file id."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\r\n")
    rows.writerow(COLUMNS)
    for sale in sales:
        for paid in sale.payments:
            row = (
                _utc(sale.first_seen_at),
                _utc(sale.settled_at),
                sale.state,
                sale.file_id,
                titles.get(sale.file_id, ""),
                sale.price_sat,
                sale.received_sat,
                paid.rail,
                paid.reference,
                paid.amount_sat,
                paid.status,
                sale.purchase_id,
            )
            rows.writerow([_harmless(cell) if isinstance(cell, str) else cell for cell in row])
    return text.getvalue()


def _utc(at: int | None) -> str:
    return "" if at is None else time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))


def _harmless(text: str) -> str:
    """Keep text text: a quotation mark before what would be a formula."""
    return f"'{text}" if _FORMULA.match(text) else text

"""How long, and how often, a file is sold: what its seller may set, and what follows from it for new invoices.

Open invoices are not touched, so as many more may be sold as were open when the last one was paid.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bitcache.listing_errors import InvalidLimit

#: Codes of what has ended; they are reasons of SalesPaused, too.
SALE_OVER = "sale_over"
SOLD_OUT = "sold_out"

MOST_SALES = 1_000_000
#: Seconds from now that an end may be away: later ones are mistaken for milliseconds, or typed wrong.
LONGEST = 100 * 366 * 86_400

#: What a program is told; pages have sentences of their own.
MEANINGS = {
    SALE_OVER: "the time for which the seller sold this file is over",
    SOLD_OUT: "this file is sold out: the seller limited how often it is sold",
}


@dataclass(frozen=True, slots=True)
class Limits:
    """A file is sold before ``sell_until`` (Unix seconds) and ``most_sales`` times; None: without that limit."""

    sell_until: int | None = None
    most_sales: int | None = None

    def why_ended(self, paid: int, now: int) -> str | None:
        """Return the code of the limit that is reached, if one is; ``paid``: purchases settled or pending."""
        if self.sell_until is not None and now >= self.sell_until:
            return SALE_OVER
        return SOLD_OUT if self.left(paid) == 0 else None

    def left(self, paid: int) -> int | None:
        """Return how many more are sold; None without a limit."""
        return None if self.most_sales is None else max(0, self.most_sales - paid)


def check_limits(wanted: Mapping[str, int | None], now: int) -> None:
    """Raise InvalidLimit for members of Limits that cannot be set now."""
    until, most = wanted.get("sell_until"), wanted.get("most_sales")
    if until is not None and until <= now:
        raise InvalidLimit("the end of the sale is not in the future")
    if until is not None and until > now + LONGEST:
        raise InvalidLimit("the end of the sale is more than a hundred years away", hint="It is in Unix seconds.")
    if most is not None and not 1 <= most <= MOST_SALES:
        raise InvalidLimit(f"the number of sales is not one from 1 to {MOST_SALES}")

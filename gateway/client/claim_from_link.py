"""Whether the claim of a link is taken up: whoever made the link may hold it, too (docs/protocol.md §1).

JavaScript's half: gateway/web/static/checkout/claim-from-link.js; both are held to tests/vectors/claims.json.
"""

from __future__ import annotations

from typing import Literal

from gateway.api.models import Purchase
from gateway.client.invoice_terms import is_paid

#: ``part``: the rest may be paid, knowingly; ``wait``: not yet, since what came can still be taken back.
Verdict = Literal["take", "part", "wait", "leave"]


def verdict_on(purchase: Purchase) -> Verdict:
    """Return what becomes of a link's claim whose purchase this is."""
    if is_paid(purchase):
        return "take"
    if purchase.received_sat == 0:
        return "leave"
    return "part" if purchase.confirmed_sat == purchase.received_sat else "wait"

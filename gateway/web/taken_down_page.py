"""What stands in a file's place once the operator has taken it down: the reason, and the reader's own receipts.

Those of the cookie are in the page; those that the browser itself keeps are added by ``static/taken-down-page.js``.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from aiohttp import web

from bitcache.purchases import Purchase
from gateway.web.render_template import page


def instead(request: web.Request, reason: str, purchases: Sequence[Purchase]) -> web.Response:
    """Send the page, with 451 (RFC 7725); ``reason`` is the operator's, ``purchases`` are the reader's of this file."""
    paid = [(purchase, _moment(purchase)) for purchase in purchases if purchase.received_sat]
    return page(request, "taken-down.html", status=451, reason=reason, paid=paid, embed="embed" in request.query)


def _moment(purchase: Purchase) -> str:
    """Return when it was paid; in UTC, since nobody knows where the reader is."""
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(purchase.settled_at or purchase.seen_at))

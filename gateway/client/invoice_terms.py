"""What a gateway may ask of a buyer: the price that the seller signed, less what arrived, at one address for the whole
purchase.  The payment URI is made here from what was checked, so that no other one is ever shown.

JavaScript's half: gateway/web/static/checkout/invoice-terms.js
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from bitcache.money import DUST, btc_text
from gateway.api.models import Purchase
from gateway.client.errors import DishonestGateway
from gateway.client.verified_offer import VerifiedOffer

#: The smallest output that the network carries, by the shape of an address.
_LEAST = (
    (re.compile(r"(?:bc|tb|bcrt)1q[02-9ac-hj-np-z]{38}"), DUST["wpkh"]),
    (re.compile(r"(?:bc|tb|bcrt)1q[02-9ac-hj-np-z]{58}"), DUST["wsh"]),
    (re.compile(r"(?:bc|tb|bcrt)1p[02-9ac-hj-np-z]{58}"), DUST["tr"]),
    (re.compile(r"[32][1-9A-HJ-NP-Za-km-z]{25,34}"), DUST["sh(wpkh)"]),
    (re.compile(r"[1mn][1-9A-HJ-NP-Za-km-z]{25,34}"), DUST["pkh"]),
)
_YEAR_3000 = 32_503_680_000


@dataclass(frozen=True, slots=True)
class InvoiceTerms:
    """What every answer about one purchase must say; ``purchase_id`` and ``address`` once they are known."""

    file_id: str
    price_sat: int
    purchase_id: str | None = None
    address: str | None = None

    @classmethod
    def of(cls, offer: VerifiedOffer, purchase_id: str | None = None, address: str | None = None) -> InvoiceTerms:
        """The bill for these goods."""
        return cls(offer.link.file_id, offer.manifest.price_sat, purchase_id, address)

    def fixed(self, purchase: Purchase) -> InvoiceTerms:
        """From the first answer on: it raises as :meth:`check` does, and later ones must not differ."""
        self.check(purchase)
        return replace(self, purchase_id=purchase.purchase_id, address=purchase.address)

    def check(self, purchase: Purchase) -> None:
        """Raise DishonestGateway unless the gateway asks for what it may ask for, and for nothing else."""
        same = (self.purchase_id in (None, purchase.purchase_id), self.address in (None, purchase.address))
        facts = (
            (purchase.file_id == self.file_id, "the invoice is for another file"),
            (same[0], "the gateway answered with another invoice"),
            (same[1] and _least(purchase.address) is not None, "the gateway asks for a payment to another address"),
            (purchase.amount_sat == self.price_sat, "the invoice is not for the signed price"),
            (purchase.due_sat == max(0, purchase.amount_sat - purchase.received_sat), "what is due does not add up"),
            (purchase.uri == payment_uri(purchase), "the payment URI asks for something else than the invoice"),
            (purchase.expires_at < _YEAR_3000, "the invoice has no end"),
        )
        for holds, otherwise in facts:
            if not holds:
                raise DishonestGateway(otherwise)


def is_paid(purchase: Purchase) -> bool:
    """Whether enough was paid, whatever may become of it."""
    return purchase.released or (purchase.state in ("processing", "settled", "invalid") and not purchase.due_sat)


def asked_sat(purchase: Purchase) -> int:
    """What is due, raised to what the network carries at that address."""
    return max(purchase.due_sat, _least(purchase.address) or 0) if purchase.due_sat else 0


def payment_uri(purchase: Purchase) -> str:
    """BIP21, as the gateway's own (wallet/bip21.py)."""
    asked = asked_sat(purchase)
    return f"bitcoin:{purchase.address}?amount={btc_text(asked)}" if asked else f"bitcoin:{purchase.address}"


def _least(address: str) -> int | None:
    return next((least for shape, least in _LEAST if shape.fullmatch(address)), None)

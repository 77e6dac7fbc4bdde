"""What a gateway may ask of a buyer: the price that the seller signed, less what arrived, at one address for the whole
purchase.  The gateway says how much is payable; what a wallet would scan is made here from what was checked.

JavaScript's half: gateway/web/static/checkout/invoice-terms.js; both read tests/vectors/invoice-terms.json.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from bitcache.money import DUST, btc_text
from gateway.api.models import PaymentRequest, Purchase
from gateway.client.errors import DishonestGateway
from gateway.client.verified_offer import VerifiedOffer

#: The way to pay that this client knows; it passes over others.
ONCHAIN = "onchain"
_ADDRESS = re.compile(r"[A-Za-z0-9]{14,90}")
#: A rest may be raised to what the network carries, and to no more than that.
_LARGEST_DUST = max(DUST.values())
_YEAR_3000 = 32_503_680_000


@dataclass(frozen=True, slots=True)
class OnChainRequest:
    """Where to pay on the chain, and how much; ``payable_sat`` is 0 when nothing is due."""

    address: str
    payable_sat: int
    sees_unconfirmed: bool

    @property
    def uri(self) -> str:
        """The payment URI (BIP21), as the gateway's own (wallet/bip21.py)."""
        amount = f"?amount={btc_text(self.payable_sat)}" if self.payable_sat else ""
        return f"bitcoin:{self.address}{amount}"


@dataclass(frozen=True, slots=True)
class InvoiceTerms:
    """What every answer about one purchase must say; ``purchase_id`` and ``address`` once they are known."""

    file_id: str
    price_sat: int
    purchase_id: str | None = None
    address: str | None = None

    @classmethod
    def of(cls, offer: VerifiedOffer, purchase_id: str | None = None, address: str | None = None) -> InvoiceTerms:
        """Return the terms of this offer."""
        return cls(offer.link.file_id, offer.manifest.price_sat, purchase_id, address)

    def fixed(self, purchase: Purchase) -> InvoiceTerms:
        """Check from the first answer on: raise as :meth:`check` does; later answers must not differ."""
        self.check(purchase)
        return replace(self, purchase_id=purchase.purchase_id, address=onchain_request(purchase).address)

    def check(self, purchase: Purchase) -> None:
        """Raise DishonestGateway unless the gateway asks for what it may ask for, and for nothing else."""
        to_pay, due = onchain_request(purchase), purchase.due_sat
        raised = due <= to_pay.payable_sat <= max(due, _LARGEST_DUST) and (to_pay.payable_sat == 0) == (due == 0)
        uris = [request.uri for request in purchase.payment_requests if _is_ready_onchain(request)]
        facts = (
            (purchase.file_id == self.file_id, "the invoice is for another file"),
            (self.purchase_id in (None, purchase.purchase_id), "the gateway answered with another invoice"),
            (
                self.address in (None, to_pay.address) and _ADDRESS.fullmatch(to_pay.address),
                "the gateway asks for a payment to another address",
            ),
            (purchase.amount_sat == self.price_sat, "the invoice is not for the signed price"),
            (due == max(0, purchase.amount_sat - purchase.received_sat), "what is due does not add up"),
            (raised, "the gateway asks for more or less than what is due"),
            (uris == [to_pay.uri], "the payment URI asks for something else than the invoice"),
            (purchase.expires_at < _YEAR_3000, "the invoice has no end"),
        )
        for holds, otherwise in facts:
            if not holds:
                raise DishonestGateway(otherwise)


def onchain_request(purchase: Purchase) -> OnChainRequest:
    """Return the way to pay on the chain; raise DishonestGateway if the purchase has none that is ready."""
    for request in purchase.payment_requests:
        if _is_ready_onchain(request):
            return OnChainRequest(str(request.destination), request.payable_sat, request.sees_unconfirmed)
    raise DishonestGateway("the invoice has no address to pay to")


def _is_ready_onchain(request: PaymentRequest) -> bool:
    return request.rail == ONCHAIN and request.destination is not None


def is_paid(purchase: Purchase) -> bool:
    """Return whether enough was paid, whatever may become of it."""
    return purchase.released or (purchase.state in ("processing", "settled", "invalid") and not purchase.due_sat)

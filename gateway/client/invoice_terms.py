"""What a gateway may ask of a buyer: the price that the seller signed, less what arrived, at one address for the whole
purchase, or by a Lightning invoice for exactly that.  The gateway says how much is payable; what a wallet would scan is
made here from what was checked.

JavaScript's half: gateway/web/static/checkout/invoice-terms.js; both read tests/vectors/invoice-terms.json.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from bitcache.listing_errors import TakenDown
from bitcache.money import DUST, btc_text
from gateway.api.models import PaymentRequest, Purchase
from gateway.client.errors import DishonestGateway
from gateway.client.lightning_request import LIGHTNING, amount_msat, uri_of
from gateway.client.saved_purchases import FirstAnswer
from gateway.client.verified_offer import VerifiedOffer

#: The ways to pay that this client knows are this one and Lightning; it passes over others.
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
class LightningRequest:
    """A Lightning invoice for all that is due."""

    invoice: str
    payable_sat: int

    @property
    def uri(self) -> str:
        """What a wallet scans."""
        return uri_of(self.invoice)


@dataclass(frozen=True, slots=True)
class InvoiceTerms:
    """What every answer about one purchase must say; what the first one said, once it is known.

    ``price_sat`` is what the seller asks now; an invoice that was begun before asks for what it did then.
    """

    file_id: str
    price_sat: int
    purchase_id: str | None = None
    address: str | None = None
    amount_sat: int | None = None

    @classmethod
    def of(cls, offer: VerifiedOffer, first: FirstAnswer | None = None) -> InvoiceTerms:
        """Return the terms of this offer."""
        return cls(offer.link.file_id, offer.manifest.price_sat, *(first or ()))

    def is_of_another_price(self, purchase: Purchase) -> bool:
        """Return whether it was begun at another price than is known here, and still asks for money."""
        asked = self.price_sat if self.amount_sat is None else self.amount_sat
        return purchase.amount_sat != asked and purchase.due_sat != 0 and not purchase.released

    def fixed(self, purchase: Purchase) -> InvoiceTerms:
        """Check from the first answer on: raise as :meth:`check` does; later answers must not differ."""
        self.check(purchase)
        on_chain = onchain_request(purchase)
        address = self.address if on_chain is None else on_chain.address
        return replace(self, purchase_id=purchase.purchase_id, address=address, amount_sat=purchase.amount_sat)

    def check(self, purchase: Purchase) -> None:
        """Raise DishonestGateway unless the gateway asks for what it may ask for, and for nothing else.

        Raise TakenDown where the operator lets this buyer have the file no more.
        """
        if purchase.taken_down is not None:
            raise TakenDown(hint=purchase.taken_down)
        facts = (
            (purchase.file_id == self.file_id, "the invoice is for another file"),
            (self.purchase_id in (None, purchase.purchase_id), "the gateway answered with another invoice"),
            (not self.is_of_another_price(purchase), "the invoice is not for the signed price"),
            (
                purchase.due_sat == max(0, purchase.amount_sat - purchase.received_sat),
                "what is due does not add up",
            ),
            (purchase.expires_at < _YEAR_3000, "the invoice has no end"),
            *self._on_chain_facts(purchase),
            *_lightning_facts(purchase),
        )
        for holds, otherwise in facts:
            if not holds:
                raise DishonestGateway(otherwise)

    def _on_chain_facts(self, purchase: Purchase) -> Iterator[tuple[object, str]]:
        to_pay, due = onchain_request(purchase), purchase.due_sat
        if to_pay is None:
            known = any(request.rail == LIGHTNING for request in purchase.payment_requests)
            yield self.address is None and known, "the invoice has no address to pay to"
            return
        raised = due <= to_pay.payable_sat <= max(due, _LARGEST_DUST) and (to_pay.payable_sat == 0) == (due == 0)
        uris = [request.uri for request in purchase.payment_requests if _is_ready_onchain(request)]
        same = self.address in (None, to_pay.address) and _ADDRESS.fullmatch(to_pay.address)
        yield same, "the gateway asks for a payment to another address"
        yield raised, "the gateway asks for more or less than what is due"
        yield uris == [to_pay.uri], "the payment URI asks for something else than the invoice"


def _lightning_facts(purchase: Purchase) -> Iterator[tuple[object, str]]:
    for request in purchase.payment_requests:
        if request.rail == LIGHTNING and request.destination is not None and purchase.due_sat:
            asked = amount_msat(request.destination, purchase.network)
            yield asked == purchase.due_sat * 1000, "the Lightning invoice asks for something else than what is due"
            same = request.payable_sat == purchase.due_sat and request.uri == uri_of(request.destination)
            yield same, "the payment URI asks for something else than the invoice"


def onchain_request(purchase: Purchase) -> OnChainRequest | None:
    """Return the way to pay on the chain; None if the purchase has none that is ready."""
    for request in purchase.payment_requests:
        if _is_ready_onchain(request):
            return OnChainRequest(str(request.destination), request.payable_sat, request.sees_unconfirmed)
    return None


def lightning_request(purchase: Purchase, now: int) -> LightningRequest | None:
    """Return the newest Lightning invoice that can still be paid at ``now`` (Unix seconds)."""
    for request in reversed(purchase.payment_requests):
        if request.rail == LIGHTNING and request.destination is not None and request.expires_at > now:
            return LightningRequest(request.destination, request.payable_sat)
    return None


def lightning_is_over(purchase: Purchase, now: int) -> bool:
    """Return whether an open invoice had a Lightning one, and none that can be paid or is being made."""
    requests = [request for request in purchase.payment_requests if request.rail == LIGHTNING]
    usable = any(request.unavailable is None and request.expires_at > now for request in requests)
    return purchase.state == "new" and purchase.expires_at > now and bool(requests) and not usable


def _is_ready_onchain(request: PaymentRequest) -> bool:
    return request.rail == ONCHAIN and request.destination is not None


def is_paid(purchase: Purchase) -> bool:
    """Return whether enough was paid, whatever may become of it."""
    return purchase.released or (purchase.state in ("processing", "settled", "invalid") and not purchase.due_sat)

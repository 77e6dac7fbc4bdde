"""Which purchase to go on with: the best one that is remembered, an access link's, or a fresh one.

Whoever made a link may hold its claim's invoice: who pays that pays for another's claim.  So a link's claim counts
only once it is paid, or paid in part and the buyer chose to pay the rest; it is never stored (claim_from_link.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from bitcache.errors import ClaimMismatch, InvoiceClosed, NotFound, RailUnavailable, TooManyInvoices, WorkRequired
from bitcache.identifiers import b64u, claim_hash
from gateway.api.models import Purchase
from gateway.client.claim_from_link import Verdict, verdict_on
from gateway.client.errors import GatewayUnreachable, PaidInPart
from gateway.client.gateway_client import Backoff, GatewayClient
from gateway.client.invoice_terms import InvoiceTerms, lightning_is_over
from gateway.client.lightning_request import LIGHTNING
from gateway.client.saved_purchases import FirstAnswer, SavedPurchases
from gateway.client.solve_proof_of_work import work
from gateway.client.verified_offer import VerifiedOffer

#: Others ask meanwhile, so the first solution may not be enough any more.
WORK_ROUNDS = 5


@dataclass(frozen=True, slots=True)
class ClaimedPurchase:
    """A claim, its purchase as it was first seen in this run, and what later answers are held to."""

    claim: str = field(repr=False)
    purchase: Purchase
    terms: InvoiceTerms


async def find(
    gateway: GatewayClient, offer: VerifiedOffer, saved: SavedPurchases, *, pay_rest: bool = False
) -> ClaimedPurchase | None:
    """Among what the link and earlier runs know, the one nearest to its end; None if there is nothing to go on with.

    Raise DishonestGateway; PaidInPart for a link's purchase that lacks money, unless one of our own has some, or
    the buyer chose to ``pay_rest``.
    """
    looked_up = [await _look_up(gateway, offer, saved, claim) for claim in saved.claims]
    going = [
        claimed
        for claimed in looked_up
        if claimed and (claimed.purchase.state != "expired" or claimed.purchase.received_sat)
    ]
    if offer.link.claim is not None and offer.link.claim not in saved.claims:
        has_money = any(claimed.purchase.received_sat for claimed in going)
        of_link = await _of_link(gateway, offer, offer.link.claim, pay_rest=pay_rest, insist=not has_money)
        going += [of_link] if of_link else []
    return max(going, key=lambda claimed: _nearness(claimed.purchase), default=None)


async def begin(
    gateway: GatewayClient, offer: VerifiedOffer, saved: SavedPurchases, note: Callable[[str], None] = lambda _: None
) -> ClaimedPurchase:
    """Return a new purchase; its claim is on disk before it is sent to the gateway.

    Where the gateway asks for proof of work, it is done; ``note`` is called with a sentence when that takes a while.
    """
    claim = saved.new_claim()
    backoff, rounds = Backoff(15), 0
    body: dict[str, Any] = {"claim_hash": b64u(claim_hash(claim)), "price_sat": offer.manifest.price_sat}
    while True:
        try:
            purchase = await gateway.call(Purchase, "POST", f"/files/{offer.link.file_id}/purchases", json=body)
            return _checked(offer, saved, claim, purchase)
        except GatewayUnreachable as error:
            await backoff.wait(error)
        except WorkRequired as error:
            rounds += 1
            if rounds > WORK_ROUNDS:
                raise
            body["proof_of_work"] = await work(error, note)


async def renew_lightning(gateway: GatewayClient, claimed: ClaimedPurchase, now: int) -> ClaimedPurchase:
    """Return the purchase with a new Lightning invoice on its way, where the last one can be paid no more.

    Nothing is lost where there is none to be had.
    """
    if not lightning_is_over(claimed.purchase, now):
        return claimed
    path = f"/purchases/{claimed.purchase.purchase_id}/payment-requests"
    try:
        purchase = await gateway.call(Purchase, "POST", path, bearer=claimed.claim, json={"rail": LIGHTNING})
    except (GatewayUnreachable, InvoiceClosed, RailUnavailable, TooManyInvoices):
        return claimed
    claimed.terms.check(purchase)
    return replace(claimed, purchase=purchase)


async def _look_up(
    gateway: GatewayClient, offer: VerifiedOffer, saved: SavedPurchases, claim: str
) -> ClaimedPurchase | None:
    purchase = await _claimed(gateway, claim)
    first = saved.first.get(claim)
    if purchase is None or (not first and InvoiceTerms.of(offer).is_of_another_price(purchase)):
        return None  # nobody here has seen that price
    return _checked(offer, saved, claim, purchase)


async def _of_link(
    gateway: GatewayClient, offer: VerifiedOffer, claim: str, *, pay_rest: bool, insist: bool
) -> ClaimedPurchase | None:
    purchase = await _claimed(gateway, claim)
    if purchase is None or purchase.file_id != offer.link.file_id:
        return None
    if InvoiceTerms.of(offer).is_of_another_price(purchase):
        return None  # nobody here has seen that price
    claimed, verdict = ClaimedPurchase(claim, purchase, InvoiceTerms.of(offer).fixed(purchase)), verdict_on(purchase)
    if verdict == "take" or (verdict == "part" and pay_rest):
        return claimed
    if verdict == "leave" or not insist:
        return None
    raise _paid_in_part(purchase, verdict)


def _paid_in_part(purchase: Purchase, verdict: Verdict) -> PaidInPart:
    received = (
        f"{purchase.received_sat} of {purchase.amount_sat} sat were received for the purchase of this access link"
    )
    if verdict == "wait":
        return PaidInPart(f"{received}, and are not confirmed yet", hint="Run the same command again when they are.")
    return PaidInPart(received)


async def _claimed(gateway: GatewayClient, claim: str) -> Purchase | None:
    """Return the claim's purchase; None if the gateway never heard of it."""
    try:
        return await gateway.call(Purchase, "GET", "/claim", bearer=claim)
    except (ClaimMismatch, NotFound):
        return None


def _checked(offer: VerifiedOffer, saved: SavedPurchases, claim: str, purchase: Purchase) -> ClaimedPurchase:
    """Return one of our own: held to what the gateway first said of it, in whichever run."""
    terms = InvoiceTerms.of(offer, saved.first.get(claim)).fixed(purchase)
    saved.note(claim, FirstAnswer(purchase.purchase_id, terms.address, terms.amount_sat))
    return ClaimedPurchase(claim, purchase, terms)


def _nearness(purchase: Purchase) -> tuple[bool, bool, int]:
    return purchase.released, purchase.state == "processing", purchase.received_sat

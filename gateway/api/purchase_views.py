"""Purchases as the API shows them; shared by its handlers and by the pages that work without JavaScript."""

from __future__ import annotations

from sqlalchemy import Connection

from bitcache import issue_invoices, key_release, listings, purchases
from bitcache.buyer_networks import Networks
from bitcache.errors import PaymentRequired, WorkRequired
from bitcache.identifiers import FileId, PurchaseId
from bitcache.money import btc_text
from bitcache.proof_of_work import LIFETIME_SECONDS, Purpose, make_challenge, proven_bits
from gateway.api.models import ProofOfWork, Purchase
from gateway.context import GatewayContext
from gateway.diagnostics import logs


def encode(purchase: purchases.Purchase) -> bytes:
    """Return the purchase as the API's JSON."""
    return Purchase.of(purchase).model_dump_json().encode()


async def purchase_by_id(context: GatewayContext, purchase_id: PurchaseId) -> Purchase:
    """Return the purchase as it stands; raise NotFound."""
    logs.bind(purchase_id=purchase_id)
    return Purchase.of(await context.store.read(lambda conn: purchases.view(conn, context.rails, purchase_id)))


async def purchase_of_claim(context: GatewayContext, claim: str) -> Purchase:
    """Return the purchase that a claim secret belongs to; raise ClaimMismatch."""

    def find(conn: Connection) -> purchases.Purchase:
        return purchases.view(conn, context.rails, key_release.purchase_of_claim(conn, claim))

    known_purchase = await context.store.read(find)
    logs.bind(purchase_id=known_purchase.purchase_id)
    return Purchase.of(known_purchase)


async def begin(
    context: GatewayContext,
    file_id: FileId,
    claim_hash: bytes,
    networks: Networks,
    proof: ProofOfWork | None,
    price_sat: int | None = None,
) -> tuple[Purchase, bool]:
    """Return the purchase of this claim hash, and whether it is new; raise WorkRequired with a challenge."""
    purpose = Purpose(file_id, claim_hash, networks.neighbours)
    secret, now = context.buyer_secret, context.clock()
    work = 0 if proof is None else proven_bits(secret, purpose, proof.challenge, proof.nonce, now)
    try:
        opened, created = await context.invoice_batcher.open(file_id, claim_hash, networks, work, price_sat)
    except WorkRequired as error:
        bits = error.details["bits"]
        challenge = make_challenge(secret, purpose, bits, now)
        raise WorkRequired(challenge=challenge, bits=bits, expires_in=LIFETIME_SECONDS) from None
    logs.bind(purchase_id=opened.purchase_id)
    return Purchase.of(opened), created


async def payment_required(context: GatewayContext, file_id: FileId, claim: str | None = None) -> PaymentRequired:
    """402 with everything a program needs to pay; raise NotFound."""
    offer = await context.store.read(lambda conn: listings.get(conn, file_id))
    purchase = await purchase_of_claim(context, claim) if claim is not None else None
    return PaymentRequired(
        price_sat=int(offer.price),
        price_btc=btc_text(offer.price),
        network=context.rails.network,
        confirmations=issue_invoices.confirmations_for(offer.price, context.policy),
        create_purchase=f"/api/v1/files/{file_id}/purchases",
        claim='SHA-256("bitcache/v1 claim" || C)',
        purchase=purchase.model_dump(mode="json") if purchase is not None else None,
    )

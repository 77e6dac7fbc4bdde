"""Transfers as the API shows them; shared by its handlers and by the pages that work without JavaScript."""

from __future__ import annotations

from sqlalchemy import Connection

from bitcache import invoices, listings, release
from bitcache.errors import PaymentRequired, WorkRequired
from bitcache.identifiers import FileId, TransferId
from bitcache.money import btc_text
from bitcache.networks import Networks
from bitcache.proof_of_work import LIFETIME_SECONDS, Purpose, make_challenge, proven_bits
from gateway import logs
from gateway.api.models import ProofOfWork, Transfer
from gateway.compose import Parts


async def transfer_by_id(parts: Parts, transfer_id: TransferId) -> Transfer:
    """The transfer as it stands; raises NotFound."""
    logs.bind(transfer_id=transfer_id)
    return Transfer.of(await parts.store.read(lambda conn: invoices.view(conn, parts.rail, transfer_id)))


async def transfer_of_claim(parts: Parts, claim: str) -> Transfer:
    """The transfer that a claim secret belongs to; raises ClaimMismatch."""

    def find(conn: Connection) -> invoices.Transfer:
        return invoices.view(conn, parts.rail, release.transfer_of_claim(conn, claim))

    found = await parts.store.read(find)
    logs.bind(transfer_id=found.transfer_id)
    return Transfer.of(found)


async def begin(
    parts: Parts, file_id: FileId, claim_hash: bytes, networks: Networks, proof: ProofOfWork | None
) -> tuple[Transfer, bool]:
    """The transfer of this claim hash, and whether it is new; raises WorkRequired with a challenge."""
    purpose = Purpose(file_id, claim_hash, networks.neighbours)
    secret, now = parts.buyer_secret, parts.clock()
    work = 0 if proof is None else proven_bits(secret, purpose, proof.challenge, proof.nonce, now)
    try:
        found, created = await parts.till.open(file_id, claim_hash, networks, work)
    except WorkRequired as error:
        bits = error.details["bits"]
        challenge = make_challenge(secret, purpose, bits, now)
        raise WorkRequired(challenge=challenge, bits=bits, expires_in=LIFETIME_SECONDS) from None
    logs.bind(transfer_id=found.transfer_id)
    return Transfer.of(found), created


async def payment_required(parts: Parts, file_id: FileId, claim: str | None = None) -> PaymentRequired:
    """402 with everything a program needs to pay; raises NotFound."""
    offer = await parts.store.read(lambda conn: listings.get(conn, file_id))
    transfer = await transfer_of_claim(parts, claim) if claim is not None else None
    return PaymentRequired(
        price_sat=int(offer.price),
        price_btc=btc_text(offer.price),
        network=parts.rail.network,
        confirmations=invoices.confirmations_for(offer.price, parts.policy),
        create_transfer=f"/api/v1/files/{file_id}/transfers",
        claim='SHA-256("bitcache/v1 claim" || C)',
        transfer=transfer.model_dump(mode="json") if transfer is not None else None,
    )

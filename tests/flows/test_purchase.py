"""One whole purchase, in the order of the data path.  Read this first.

    upload ─► listing ─► invoice ─► observation ─► settlement ─► release ─► download
      1          2          3            4              5            6          7

Every step is one or two calls into the module of that name.  The chain is played by hand: where a running
gateway has a watcher, this test itself reports to the ledger what was seen.
"""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest
from support.blobs import bytes_of
from support.market import (
    MAX_BYTES,
    NOW,
    POLICY,
    QUOTA,
    SELLER_SEED,
    TERMS,
    PaperRail,
    key_of,
    pieces,
    references_of,
    seal,
)

from bitcache import (
    access_tokens,
    block_processing,
    download_access,
    event_log,
    key_release,
    listings,
    purchases,
    sellers,
    uploads,
)
from bitcache.chain_types import BlockRef, Payment
from bitcache.errors import PaymentRequired
from bitcache.event_log import EventKind
from bitcache.identifiers import claim_hash, new_secret, token_hash, unb64u
from bitcache.issue_invoices import InvoiceIssuer
from bitcache.master_key import MasterKey
from bitcache.money import Sat
from bitcache.purchase_requests import PurchaseRequest
from bitcache.rails import Rails
from bitcache.sealing import container, key_derivation, manifest, metadata
from bitcache.sealing.hash_groups import GroupVerifier
from bitcache.sealing.manifest import seller_key
from bitcache.storage.blob_directory import BlobDirectory
from bitcache.storage.database import Store


async def test_one_purchase_from_the_sellers_disk_to_the_buyers(store: Store, tmp_path: Path) -> None:
    """A file is sealed, uploaded, listed, ordered, paid, released, downloaded, opened, and equals the original."""
    original = secrets.token_bytes(3_000_000)  # three groups of chunks
    blobs, master_key, rail = BlobDirectory(tmp_path / "blobs"), MasterKey.create(tmp_path / "master.key"), PaperRail()
    rails = Rails(rail)

    # The operator lets a seller in; the seller says where to be paid; the watcher begins at some block.
    token = new_secret()
    await store.write(lambda conn: sellers.create_seller(conn, "Ann", token_hash(token), NOW))
    ann = await store.read(lambda conn: access_tokens.access_by_token(conn, token, NOW).seller)
    await store.write(lambda conn: sellers.set_payout(conn, ann.id, rail.name, TERMS, NOW))
    await store.write(lambda conn: block_processing.start(conn, BlockRef(100, "aa")))

    # The seller's client seals: the gateway never sees the original, nor the link share.
    file = seal(original, price_sat=2_500, preview=b"the first verse")

    # 1 upload: the sealed bytes arrive, here on two connections.
    upload = (store, blobs, ann.id, file.file_id)
    await uploads.begin(*upload, len(file.sealed), MAX_BYTES, NOW, quota=QUOTA)
    await uploads.receive(*upload, 0, pieces(file.sealed[:1_000_000]))
    reached = (await uploads.offset(*upload)).offset
    await uploads.receive(*upload, reached, pieces(file.sealed[reached:]))

    # 2 listing: signature, every hash and the price are checked; now the file is for sale.
    listing = await listings.publish(store, blobs, master_key, ann.id, file.request, NOW)
    assert listing.price == 2_500

    # The buyer opens the link and sees, before paying, what the seller signed and sealed under the link share.
    file_to_sell = await store.read(lambda conn: listings.get(conn, file.file_id))
    promised = manifest.verify(file_to_sell.manifest, file_to_sell.signature)
    about = metadata.open_metadata(file_to_sell.meta, file.link_share, file.file_id)
    assert (about.title, about.size) == ("A song", len(original))
    assert about.seller_key == promised.seller_key == seller_key(SELLER_SEED)
    assert file_to_sell.preview is not None
    assert metadata.open_preview(file_to_sell.preview, file.link_share, file.file_id).content == b"the first verse"

    # 3 invoice: the buyer's client makes a claim secret, and gets an address that is this purchase's alone.
    claim = new_secret()
    issuer = InvoiceIssuer(store, rails, POLICY)
    order, created = await issuer.create_one(PurchaseRequest(file.file_id, claim_hash(claim)), NOW)
    assert created
    assert (order.state, order.amount_sat, order.confirmations_required) == ("new", promised.price_sat, 1)
    assert rail.watched == {key_of(order)}

    # Nothing is released for nothing.
    with pytest.raises(PaymentRequired):
        await store.read(lambda conn: download_access.authorise(conn, claim, file.file_id))

    # 4 observation: the payment is seen, waiting for a block.  5 settlement: enough, but not yet sure.
    payment = Payment("f00d:0", key_of(order), Sat(2_500))
    await store.write(lambda conn: block_processing.unconfirmed(conn, [payment], NOW + 60))
    assert (await store.read(lambda conn: purchases.view(conn, rails, order.purchase_id))).state == "processing"

    # 7 download, already: the sealed bytes may come while the block is awaited.  They open nothing yet.
    allowed = await store.read(lambda conn: download_access.authorise(conn, claim, file.file_id))
    assert allowed == order.purchase_id
    received = await bytes_of(blobs, file.file_id)
    with pytest.raises(PaymentRequired):
        await store.read(lambda conn: key_release.share_for(conn, claim))

    # 4 observation: a block holds the payment.  5 settlement and 6 release happen in the same write.
    await store.write(
        lambda conn: block_processing.extend(conn, BlockRef(100, "aa"), BlockRef(101, "bb"), [payment], NOW + 600)
    )
    paid = await store.read(lambda conn: purchases.view(conn, rails, order.purchase_id))
    assert (paid.state, paid.released, references_of(paid), paid.due_sat) == ("settled", True, ["f00d"], 0)
    events = await store.read(event_log.unread)
    assert [(event.kind, event.subject) for event in (events[0], events[-1])] == [
        (EventKind.LISTING_CREATED, file.file_id),
        (EventKind.PURCHASE_SETTLED, order.purchase_id),
    ]

    # 6 release: whoever holds the claim secret gets the gateway's share, and can prove that it is the right one.
    wrapped = await store.read(lambda conn: key_release.share_for(conn, claim))
    gateway_share = master_key.unwrap(wrapped.wrapped, wrapped.file_id)
    assert key_derivation.share_hash(gateway_share) == promised.share_hash

    # The buyer's client checks the sealed bytes against the manifest and opens them with both shares.
    verifier = GroupVerifier(promised, file_to_sell.groups)
    verifier.update(received)
    verifier.finalize()
    key = key_derivation.file_key(file.link_share, gateway_share, file.file_id)
    opener = container.Opener(key, key_derivation.file_context(file.file_id), sealed_size=promised.sealed_size)
    assert opener.update(received) + opener.finalize() == original

    # What the gateway keeps opens nothing by itself: neither link share nor claim, token or unwrapped share is in it.
    kept = (tmp_path / "bitcache.sqlite").read_bytes() + (tmp_path / "bitcache.sqlite-wal").read_bytes()
    for secret in (file.link_share, gateway_share, unb64u(claim), claim.encode(), unb64u(token), token.encode()):
        assert secret not in kept

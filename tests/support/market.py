"""A seller, sealed files and a rail on paper: a gateway's core at work, without network or node."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from bitcache import block_processing, listings, payments_known_until, purchases, sellers, uploads
from bitcache.address_journal import AddressJournal
from bitcache.buyer_networks import Networks
from bitcache.chain_types import CHAIN, BlockRef, Payment
from bitcache.identifiers import FileId, PurchaseId, claim_hash, new_file_id, new_secret, token_hash
from bitcache.issue_invoices import InvoiceIssuer, InvoicePolicy
from bitcache.listings import Listing, ListingRequest
from bitcache.master_key import MasterKey
from bitcache.money import Sat
from bitcache.payment_rail import Destination, PayoutTerms, PreparingRail
from bitcache.purchase_requests import PurchaseRequest
from bitcache.purchases import PaymentRequest, Purchase
from bitcache.rails import Rails
from bitcache.sealing import container, key_derivation, manifest, metadata
from bitcache.sealing.hash_groups import GroupHasher, group_root
from bitcache.seller_quotas import SellerQuota
from bitcache.storage.blob_directory import BlobDirectory
from bitcache.storage.database import Store

NOW = 1_800_000_000
MAX_BYTES = 1 << 40
#: What a seller may have, where a test is about something else.
QUOTA = SellerQuota(bytes=1 << 52, listings=1_000, uploads=100)
FIRST_BLOCK = BlockRef(100, "block 100")
SELLER_SEED = bytes(range(32))
TERMS = PayoutTerms(account="paper account", script_type="wpkh", minimum=294, first=())
POLICY = InvoicePolicy(expiry_seconds=3600, confirmations=((0, 1), (100_000, 2), (1_000_000, 3)))


@dataclass
class PaperRail:
    """Destinations by hashing; ``watched`` is what it was told to look out for."""

    name: str = "paper"
    network: str = "regtest"
    sees_unconfirmed: bool = True
    scope: str = CHAIN
    watched: set[bytes] = field(default_factory=set)

    def check(self, account: str, script_type: str | None = None) -> PayoutTerms:
        """Any account will do."""
        return replace(TERMS, account=account, script_type=script_type or "wpkh")

    def destination(self, account: str, index: int) -> Destination:
        """The index-th of an account; the part after ``#`` is a comment, another spelling of the same account."""
        key = hashlib.sha256(f"{account.partition('#')[0]}/{index}".encode()).digest()
        return Destination(key, f"paper1{key.hex()[:20]}")

    def uri(self, destination: str, amount: Sat) -> str:
        """Address and satoshis."""
        return f"paper:{destination}?sat={int(amount)}"

    def reference_text(self, reference: str) -> str:
        """What stands before the colon."""
        return reference.partition(":")[0]

    def watch(self, match_key: bytes) -> None:
        """Remember it."""
        self.watched.add(match_key)


@dataclass(frozen=True)
class SealedFile:
    """What a seller's client made of a file, and keeps: ``link_share`` goes into the link."""

    file_id: FileId
    sealed: bytes
    link_share: bytes
    request: ListingRequest


def seal(plain: bytes, price_sat: int = 2_500, preview: bytes | None = b"a free look") -> SealedFile:
    """Seal ``plain`` as a client does: docs/protocol.md §2 to §5."""
    file_id, link_share, gateway_share = (
        new_file_id(),
        key_derivation.new_link_share(),
        key_derivation.new_gateway_share(),
    )
    key = key_derivation.file_key(link_share, gateway_share, file_id)
    sealer = container.Sealer(key, key_derivation.file_context(file_id), key_derivation.new_salt())
    sealed = sealer.update(plain) + sealer.finalize()
    hasher = GroupHasher()
    hasher.update(sealed[len(sealer.header) :])
    groups = hasher.finalize()
    about = metadata.Metadata("A song", "song.flac", "audio/flac", len(plain), manifest.seller_key(SELLER_SEED))
    meta = metadata.seal_metadata(about, link_share, file_id, key_derivation.new_salt())
    look = preview and metadata.seal_preview(
        metadata.Preview("text/plain", preview), link_share, file_id, key_derivation.new_salt()
    )
    text = manifest.Manifest(
        file_id=file_id,
        sealed_size=len(sealed),
        header=sealer.header,
        group_root=group_root(groups),
        share_hash=key_derivation.share_hash(gateway_share),
        meta_hash=manifest.digest(meta),
        preview_hash=manifest.digest(look) if look else None,
        price_sat=price_sat,
        seller_key=manifest.seller_key(SELLER_SEED),
    ).text()
    signature = manifest.sign(text, SELLER_SEED)
    request = ListingRequest(text, signature, b"".join(groups), meta, look, gateway_share)
    return SealedFile(file_id, sealed, link_share, request)


def resign(request: ListingRequest, **changes: object) -> ListingRequest:
    """The request with another manifest, properly signed: a seller who lies consistently."""
    text = replace(manifest.parse(request.manifest), **changes).text()  # type: ignore[arg-type]
    return replace(request, manifest=text, signature=manifest.sign(text, SELLER_SEED))


async def pieces(*parts: bytes) -> AsyncIterator[bytes]:
    """A request's body."""
    for part in parts:
        yield part


@dataclass
class Market:
    """One seller who can be paid, and everything that a gateway's core needs."""

    store: Store
    blobs: BlobDirectory
    folder: Path
    seller_id: int
    token: str
    rail: PaperRail = field(default_factory=PaperRail)
    preparing: tuple[PreparingRail, ...] = ()
    at_issue: frozenset[str] | None = None
    master_key: MasterKey = field(default_factory=lambda: MasterKey(bytes(32)))

    @classmethod
    async def open(cls, store: Store, folder: Path, first: BlockRef = FIRST_BLOCK) -> Market:
        """A seller with a payout, and a chain that is followed from ``first`` on."""
        token = new_secret()
        seller_id = await store.write(lambda conn: sellers.create_seller(conn, "Ann", token_hash(token), NOW))
        await store.write(lambda conn: sellers.set_payout(conn, seller_id, "paper", TERMS, NOW))
        await store.write(lambda conn: block_processing.start(conn, first))
        return cls(store, BlobDirectory(folder), folder, seller_id, token)

    async def upload(self, file: SealedFile) -> None:
        """Step 1 in one piece."""
        begun = (self.store, self.blobs, self.seller_id, file.file_id)
        await uploads.begin(*begun, len(file.sealed), MAX_BYTES, NOW, quota=QUOTA)
        await uploads.receive(*begun, 0, pieces(file.sealed))

    async def publish(self, request: ListingRequest, **options: bool) -> Listing:
        """Step 2."""
        return await listings.publish(self.store, self.blobs, self.master_key, self.seller_id, request, NOW, **options)

    async def listed(self, plain: bytes = b"la la la", price_sat: int = 2_500) -> SealedFile:
        """Steps 1 and 2."""
        file = seal(plain, price_sat)
        await self.upload(file)
        await self.publish(file.request)
        return file

    @property
    def rails(self) -> Rails:
        """The paper rail, and those beside it."""
        return Rails(self.rail, self.preparing, self.at_issue)

    def issuer(self, policy: InvoicePolicy = POLICY, journal: AddressJournal | None = None) -> InvoiceIssuer:
        """What makes invoices."""
        return InvoiceIssuer(self.store, self.rails, policy, journal)

    async def order(
        self,
        file_id: FileId,
        claim: str | None = None,
        *,
        policy: InvoicePolicy = POLICY,
        networks: Networks | None = None,
        now: int = NOW,
        journal: AddressJournal | None = None,
        work: int = 0,
    ) -> Purchase:
        """Step 3."""
        asked = PurchaseRequest(file_id, claim_hash(claim or new_secret()), networks, work)
        made, _ = await self.issuer(policy, journal).create_one(asked, now)
        return made

    async def look(self, purchase_id: PurchaseId) -> Purchase:
        """The purchase now."""
        return await self.store.read(lambda conn: purchases.view(conn, self.rails, purchase_id))

    async def block(self, *payments: Payment, now: int = NOW, name: str = "block") -> BlockRef:
        """Step 4: the next block arrives, with these payments in it."""
        parent = await self.store.read(block_processing.cursor)
        assert parent is not None
        ref = BlockRef(parent.height + 1, f"{name} {parent.height + 1}")
        await self.store.write(lambda conn: block_processing.extend(conn, parent, ref, payments, now))
        return ref

    async def undo(self, ref: BlockRef, now: int = NOW) -> None:
        """Step 4: the newest block is undone."""
        await self.store.write(lambda conn: block_processing.undo(conn, ref, now))

    async def unconfirmed(self, *payments: Payment, now: int = NOW) -> None:
        """Step 4: exactly these wait for a block."""
        await self.store.write(lambda conn: block_processing.unconfirmed(conn, payments, now))

    async def known_until(self, until: int) -> None:
        """Step 4: the chain is known up to this time."""
        await self.store.write(lambda conn: payments_known_until.set_known_until(conn, CHAIN, until, until))


def request_of(purchase: Purchase, rail: str = "paper") -> PaymentRequest:
    """The purchase's way to pay on this rail."""
    return next(request for request in purchase.payment_requests if request.rail == rail)


def uri_of(purchase: Purchase) -> str:
    """What a wallet scans."""
    uri = request_of(purchase).uri
    assert uri is not None
    return uri


def address_of(purchase: Purchase) -> str:
    """Where it is paid."""
    address = request_of(purchase).destination
    assert address is not None
    return address


def references_of(purchase: Purchase) -> list[str]:
    """What came in for it."""
    return [payment.reference for payment in purchase.payments]


def key_of(purchase: Purchase, rail: str = "paper") -> bytes:
    """How payments to its address are recognised."""
    key = request_of(purchase, rail).match_key
    assert key is not None
    return key


def pays(purchase: Purchase, reference: str = "tx:0", amount: int | None = None, maturity: int = 0) -> Payment:
    """A payment of the whole amount, or of ``amount``."""
    return Payment(reference, key_of(purchase), Sat(purchase.amount_sat if amount is None else amount), maturity)

"""What the API takes and gives.  Strict: an amount is a whole number, never ``2500.0`` or ``"2500"``.

The OpenAPI document is made from these classes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from bitcache.listing_limits import MOST_SALES

if TYPE_CHECKING:  # the client reads these models too, and needs no database
    from bitcache import purchases

B64u16 = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{22}$")]
B64u32 = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{43}$")]
Sats = Annotated[int, Field(ge=0, le=21_000_000 * 100_000_000)]
M = TypeVar("M", bound=BaseModel)
UnixTime = Annotated[int, Field(ge=0, description="Unix seconds")]
#: How long, and how often, a file is sold; JSON has whole numbers that are exact up to here.
LimitTime = Annotated[int, Field(ge=0, le=2**53 - 1, description="Unix seconds: from then on nobody new can buy it")]
LimitSales = Annotated[int, Field(ge=1, le=MOST_SALES, description="once so many are paid nobody new can buy it")]
Ended = Literal["sale_over", "sold_out"]
ScriptType = Literal["wpkh", "tr", "sh(wpkh)"]


class Request(BaseModel):
    """A body that we read: unknown members are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


class Response(BaseModel):
    """A body that we send."""

    model_config = ConfigDict(strict=True, frozen=True)


class PayoutRequest(Request):
    """A public output descriptor or an extended public key."""

    descriptor: str = Field(
        min_length=1, max_length=16_384, description="or an extended key, or an export that holds one"
    )
    script_type: ScriptType | None = None
    proof: B64u32 | None = Field(None, repr=False, description="the seller's token, where one is paid already")


class ListingRequest(Request):
    """What puts an uploaded file on sale."""

    manifest: str = Field(max_length=4096, description="exact JSON text that was signed")
    signature: str = Field(max_length=100, description="Ed25519, 64 bytes, b64u")
    groups: str = Field(description="concatenated group hashes, b64u")
    meta: str = Field(max_length=32_768, description="sealed metadata, b64u")
    preview: str | None = Field(None, max_length=400_000, description="sealed preview, b64u")
    share: B64u32 = Field(description="gateway share B")
    sell_until: LimitTime | None = None
    most_sales: LimitSales | None = None


class ProofOfWork(Request):
    """The solution of a challenge, when one was asked for."""

    challenge: str = Field(max_length=100, description="as the gateway sent it")
    nonce: int = Field(ge=0, le=2**53 - 1)


PriceShown = Annotated[int | None, Field(gt=0, description="what the buyer saw: 409 where the price is another now")]


class CreatePurchase(Request):
    """A purchase begins with the hash of a secret that only the buyer's client holds."""

    claim_hash: B64u32 = Field(description='SHA-256("bitcache/v1 claim" || claim secret)')
    price_sat: PriceShown = None
    proof_of_work: ProofOfWork | None = None


class DemoPayment(Request):
    """Demonstrations alone: let the demo wallet pay."""

    purchase_id: B64u16
    amount_sat: Annotated[int, Field(gt=0, le=21_000_000 * 100_000_000)] | None = None
    rail: Literal["onchain", "lightning"] = "onchain"


class Payout(Response):
    """Where a seller is paid."""

    script_type: str
    network: str
    addresses: list[str] = Field(description="the first three, to compare with the wallet")
    next_index: int
    gap_hint: int = Field(description="unused addresses that the seller's wallet must look past")
    slowed: bool = Field(description="so many addresses in a row are unpaid that invoices are made one every 5 minutes")
    paused: str | None


class PayoutCheck(Response):
    """Where a seller would be paid."""

    script_type: str
    network: str
    addresses: list[str] = Field(description="the first three, to compare with the wallet")
    min_price_sat: Sats
    too_cheap: int = Field(description="the seller's listings that cost less, and could not be bought")


class WalletConnection(Response):
    """A wallet that is asked for Lightning invoices; what was pasted is shown to nobody again."""

    rail: str
    kind: str = Field(description="how it is reached: nwc or simulated")
    label: str = Field(description="as the wallet calls itself")
    created_at: UnixTime | None = Field(description="null: it was tried, and not kept")
    last_answer: UnixTime | None = Field(description="null: not since the gateway started")
    failures: int = Field(description="in a row, since it answered last")


class ConnectRequest(Request):
    """A wallet to be asked for invoices: a connection that may receive and must not spend."""

    connection: str = Field(min_length=1, max_length=2_000, repr=False)
    proof: B64u32 | None = Field(None, repr=False, description="the seller's token, where one is paid already")


class Receipt(Request):
    """A proof of payment: on Lightning the preimage, 32 bytes in hexadecimal."""

    preimage: str = Field(pattern=r"^[0-9a-fA-F]{64}$", repr=False)


class PayoutChange(Response):
    """A change of where a seller is paid, which waits and can be cancelled."""

    of: list[Literal["payout", "connection", "delay"]]
    created_at: UnixTime
    effective_at: UnixTime


class SellerQuota(Response):
    """What one seller has here, and may have."""

    bytes_used: int = Field(description="sealed; unfinished uploads with what they announced")
    bytes_most: int
    listings_used: int
    listings_most: int


class SellerInfo(Response):
    """What the seller's page needs first."""

    name: str
    account: B64u16 = Field(description="the same for every session of this seller; for nobody else of any use")
    network: str
    payout: Payout | None
    connection: WalletConnection | None
    payout_change: PayoutChange | None
    payout_delay: int = Field(description="seconds that a change of payout or connection waits")
    proof_needed: bool = Field(description="whether such a change asks who holds this token for the seller's token too")
    max_file_bytes: int
    deleted_days: int = Field(description="for how long buyers may still download a file that was deleted")
    quota: SellerQuota
    min_price_sat: Sats
    demo: bool
    simulated: bool


class Listing(Response):
    """A file on sale, or that was."""

    state: Literal["on_sale", "paused", "withdrawn"]
    taken_down: str | None = Field(description="the operator's reason, if the operator has taken it down")
    kept_until: UnixTime | None = Field(description="it is deleted; its buyers may download it until then at least")
    file_id: B64u16
    price_sat: Sats
    sealed_size: int
    created_at: UnixTime
    path: str
    sell_until: UnixTime | None = Field(None, description="from then on nobody new can buy it")
    most_sales: int | None = Field(None, description="once so many are paid nobody new can buy it")
    ended: Ended | None = Field(None, description="which of these limits is reached")


class Sales(Response):
    """What a listing earned."""

    settled: int
    pending: int
    received_sat: Sats


class ListingWithSales(Listing):
    """A row of the seller's page."""

    sales: Sales


class Listings(Response):
    """A page of a seller's listings, newest first."""

    listings: list[ListingWithSales]
    next: B64u16 | None = Field(description="the parameter `after` of the next page; null on the last one")


class File(Response):
    """What a buyer sees before paying; name and preview open with the link alone."""

    file_id: B64u16
    manifest: str
    signature: str
    meta: str
    price_sat: Sats
    price_btc: str
    sealed_size: int
    confirmations: int
    onchain_fee_sat: Sats | None = Field(
        None, description="what paying on the chain costs beside the price; null: not known"
    )
    network: str
    demo: bool
    simulated: bool
    paused: str | None
    sell_until: UnixTime | None = Field(None, description="from then on nobody new can buy it; null: not limited")
    sales_left: int | None = Field(None, description="how many more are sold; null: not limited")


class PaymentRequest(Response):
    """One way to pay an invoice."""

    rail: str = Field(description="how it is paid, for example onchain; clients ignore those that they do not know")
    destination: str | None = Field(description="on-chain an address; null while it is prepared, or unavailable")
    uri: str | None = Field(description="what a wallet scans")
    payable_sat: Sats = Field(description="what to pay this way: due_sat, raised to the least that it carries")
    expires_at: UnixTime
    sees_unconfirmed: bool = Field(description="whether a payment shows before it is confirmed")
    unavailable: str | None = Field(description="why this way cannot be had")


class PaymentReference(Response):
    """A payment that came in."""

    rail: str
    reference: str = Field(description="as the rail calls it; on-chain the transaction id")


class Purchase(Response):
    """One purchase and its invoice."""

    purchase_id: B64u16
    file_id: B64u16
    state: Literal["new", "processing", "settled", "expired", "invalid"]
    marks: list[Literal["paid_partial", "paid_over", "paid_late", "not_in_mempool"]]
    amount_sat: Sats
    amount_btc: str
    received_sat: Sats
    due_sat: Sats
    confirmed_sat: Sats
    payment_requests: list[PaymentRequest]
    payments: list[PaymentReference]
    confirmations: int
    confirmations_required: int
    created_at: UnixTime
    expires_at: UnixTime
    seen_at: UnixTime | None
    settled_at: UnixTime | None
    released: bool
    network: str
    taken_down: str | None = Field(
        None, description="the operator's reason, where the file was taken down before it was released to this buyer"
    )

    @classmethod
    def of(cls, purchase: purchases.Purchase) -> Self:
        """Return the core's purchase in the API's words; what the watcher looks for stays inside."""
        values = {name: getattr(purchase, name) for name in cls.model_fields}
        plain = {
            "state": purchase.state.value,
            "marks": [mark.value for mark in purchase.marks],
            "payment_requests": [_members(PaymentRequest, request) for request in purchase.payment_requests],
            "payments": [_members(PaymentReference, payment) for payment in purchase.payments],
        }
        return cls(**values | plain)


def _members(model: type[M], values: Any) -> M:
    """Return what ``values`` has of the model's members."""
    return model(**{name: getattr(values, name) for name in model.model_fields})


class AddPaymentRequest(Request):
    """A further way to pay an open invoice."""

    rail: str = Field(min_length=1, max_length=40)


class Share(Response):
    """The gateway's half of what opens the file."""

    file_id: B64u16
    share: B64u32


class DemoPaid(Response):
    """The demo wallet has paid."""

    txid: str


class Problem(BaseModel):
    """RFC 9457 problem details; other members depend on ``code``."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)

    type: str
    title: str
    status: int
    code: str = Field(description="stable; see bitcache/errors.py")
    detail: str
    hint: str


class PaymentTerms(Problem):
    """402: everything a program needs to pay."""

    price_sat: Sats
    price_btc: str
    network: str
    confirmations: int
    create_purchase: str
    claim: str
    purchase: Purchase | None


class Busy(Problem):
    """429: too many unpaid invoices are open.  With code ``proof_of_work`` the first three say what to solve."""

    challenge: str | None = None
    bits: int | None = Field(None, description="leading zero bits that a solution needs")
    expires_in: int | None = Field(None, description="seconds within which the solution must arrive")
    retry_after: int | None = Field(None, description="seconds")


class NodeHealth(Response):
    """Whether payments can be watched."""

    ok: bool
    source: str
    network: str
    height: int
    headers: int
    synced: bool
    watched_height: int | None
    watched_at: UnixTime | None
    error: str | None
    warning: str


class DatabaseHealth(Response):
    """Whether a payment could be written down this moment."""

    ok: bool
    error: str | None


class StorageHealth(Response):
    """Whether a file could be stored."""

    ok: bool
    free_bytes: int
    error: str | None


class SalesHealth(Response):
    """Whether anything is sold: not before the chain is known, nor on a data folder that may be a restored backup."""

    ok: bool
    error: Literal["catching_up", "restored"] | None


class WalletsHealth(Response):
    """The sellers' Lightning wallets that were asked lately; one that fails is its seller's trouble alone."""

    ok: int
    failing: int


class Health(Response):
    """/healthz: degraded, with 503, when sales cannot be watched or stored."""

    status: Literal["ok", "degraded"]
    node: NodeHealth
    database: DatabaseHealth
    storage: StorageHealth
    sales: SalesHealth
    wallets: WalletsHealth | None = None
    version: str

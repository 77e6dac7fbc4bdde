"""Every table, in the order of the data path.  Migrations under ``migrations/`` build exactly this.

Times are Unix seconds, amounts satoshis, ids base64url text, hashes raw bytes.
No column holds the link share, an unwrapped gateway share, a claim secret or a token.
"""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, MetaData, Table, Text, UniqueConstraint, text

metadata = MetaData()

payout = Table(
    "payout",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("rail", Text, nullable=False),
    Column("account", Text, nullable=False, comment="canonical public descriptor with checksum"),
    Column("script_type", Text, nullable=False),
    Column("minimum_sat", Integer, nullable=False, comment="least payable amount: the dust limit"),
    Column("next_index", Integer, nullable=False, comment="high-water mark; never goes back"),
    Column("paused", Text, comment="error code that stops sales, if any"),
    Column("created_at", Integer, nullable=False),
    UniqueConstraint("rail", "account"),
    comment="one row per account for ever, whoever uses it: two counters would give one address twice",
)

skipped = Table(
    "skipped",
    metadata,
    Column("payout_id", ForeignKey("payout.id"), primary_key=True),
    Column("first", Integer, primary_key=True, comment="indexes given out by a database newer than this one was"),
    Column("end", Integer, nullable=False, comment="the first index after them"),
    Column("created_at", Integer, nullable=False),
    comment="left out for ever: they may belong to invoices that a restored backup has forgotten",
)

wallet_connection = Table(
    "wallet_connection",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("rail", Text, nullable=False),
    Column("kind", Text, nullable=False, comment="how the wallet is reached, such as nwc"),
    Column("label", Text, nullable=False, comment="as shown to its seller; no secret"),
    Column("wrapped", LargeBinary, nullable=False, comment="what the seller pasted, under the master key"),
    Column("created_at", Integer, nullable=False),
    comment="a wallet that may be asked for payment requests; kept when it is replaced, for requests that are open",
)

seller = Table(
    "seller",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("token_hash", LargeBinary, nullable=False, unique=True, comment="SHA-256 of the seller's token"),
    Column("payout_id", ForeignKey("payout.id"), comment="where this seller is paid now"),
    Column("connection_id", ForeignKey("wallet_connection.id"), comment="the wallet that is asked now, if any"),
    Column("created_at", Integer, nullable=False),
    Column("payout_delay", Integer, nullable=False, server_default="0", comment="seconds that a payout_change waits"),
)

access_token = Table(
    "access_token",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("seller_id", ForeignKey("seller.id"), nullable=False, index=True),
    Column("kind", Text, nullable=False, comment="session or token"),
    Column("name", Text, nullable=False, comment="the browser, or what its seller calls it"),
    Column("token_hash", LargeBinary, nullable=False, unique=True),
    Column("scope", Text, nullable=False),
    Column("created_at", Integer, nullable=False),
    Column("last_used_at", Integer, nullable=False),
    comment="who is signed in, beside the seller's own token",
)

account_index = Table(
    "account_index",
    metadata,
    Column("seller_id", ForeignKey("seller.id"), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("sealed", LargeBinary, nullable=False, comment="names and link shares, sealed by the seller's client"),
    Column("updated_at", Integer, nullable=False),
)

account_event = Table(
    "account_event",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("seller_id", ForeignKey("seller.id"), nullable=False, index=True),
    Column("kind", Text, nullable=False),
    Column("about", Text, nullable=False),
    Column("created_at", Integer, nullable=False),
)

invite = Table(
    "invite",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("code_hash", LargeBinary, nullable=False, unique=True),
    Column("created_at", Integer, nullable=False),
    Column("expires_at", Integer, nullable=False),
    Column("used_at", Integer),
    Column("seller_id", ForeignKey("seller.id"), comment="who signed up with it"),
)

payout_change = Table(
    "payout_change",
    metadata,
    Column("seller_id", ForeignKey("seller.id"), primary_key=True),
    Column("payout_id", ForeignKey("payout.id")),
    Column("connection_id", ForeignKey("wallet_connection.id")),
    Column("created_at", Integer, nullable=False),
    Column("effective_at", Integer, nullable=False, index=True),
    Column("delay", Integer, comment="the seller's next payout_delay"),
    comment="where a seller will be paid, unless it is cancelled before",
)

upload = Table(
    "upload",
    metadata,
    Column("file_id", Text, primary_key=True),
    Column("seller_id", ForeignKey("seller.id"), nullable=False),
    Column("sealed_size", Integer, nullable=False, comment="announced; the part file's size is the offset"),
    Column("created_at", Integer, nullable=False),
)

listing = Table(
    "listing",
    metadata,
    Column("file_id", Text, primary_key=True),
    Column("seller_id", ForeignKey("seller.id"), nullable=False),
    Column("price_sat", Integer, nullable=False),
    Column("sealed_size", Integer, nullable=False),
    Column("manifest", Text, nullable=False, comment="exact signed text"),
    Column("signature", LargeBinary, nullable=False),
    Column("groups", LargeBinary, nullable=False, comment="group hashes, 32 bytes each"),
    Column("meta", LargeBinary, nullable=False, comment="sealed under the link share"),
    Column("preview", LargeBinary, comment="sealed under the link share"),
    Column("wrapped_share", LargeBinary, nullable=False, comment="gateway share under the master key"),
    Column("created_at", Integer, nullable=False),
    Column("stopped", Text, comment="paused or withdrawn; null: on sale"),
    Column("kept_until", Integer, comment="deleted: its buyers may download it until then at least"),
    Column("removed_at", Integer, comment="when its bytes were removed"),
    Column("sell_until", Integer, comment="from then on there are no new invoices"),
    Column("most_sales", Integer, comment="when so many are paid there are no new invoices"),
    Index("listing_page", "seller_id", "created_at", "file_id"),
    Index("listing_deleted", "kept_until", sqlite_where=text("kept_until IS NOT NULL AND removed_at IS NULL")),
)

listing_sales = Table(
    "listing_sales",
    metadata,
    Column("file_id", ForeignKey("listing.file_id"), primary_key=True),
    Column("settled", Integer, nullable=False),
    Column("pending", Integer, nullable=False),
    Column("received_sat", Integer, nullable=False, comment="on settled invoices"),
    comment="sums over the invoices of a listing; a table of its own, because a listing's row is long",
)

purchase = Table(
    "purchase",
    metadata,
    Column("id", Text, primary_key=True),
    Column("file_id", ForeignKey("listing.file_id"), nullable=False),
    Column("claim_hash", LargeBinary, nullable=False, unique=True),
    Column("networks", LargeBinary, comment="keyed hashes of the buyer's networks, while it counts in open_count"),
    Column("created_at", Integer, nullable=False),
    Column("counted_until", Integer, comment="when it counts no longer in open_count; null: it does not"),
    Index("purchase_listing", "file_id", "created_at"),
    Index("purchase_counted", "counted_until", sqlite_where=text("counted_until IS NOT NULL")),
)

sale = Table(
    "sale",
    metadata,
    Column("purchase_id", ForeignKey("purchase.id"), primary_key=True),
    Column("seller_id", ForeignKey("seller.id"), nullable=False),
    Column("first_seen_at", Integer, nullable=False),
    Index("sale_page", "seller_id", "first_seen_at", "purchase_id"),
    comment="a purchase that something was ever paid for",
)

report = Table(
    "report",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("file_id", ForeignKey("listing.file_id"), nullable=False, index=True),
    Column("kind", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("contact", Text, nullable=False),
    Column("wrapped_link", LargeBinary, comment="the link share, if it was disclosed, under the master key"),
    Column("times", Integer, nullable=False, comment="how often the same was said"),
    Column("created_at", Integer, nullable=False),
    Column("last_at", Integer, nullable=False),
    Column("closed_at", Integer, comment="null: the operator has not decided yet"),
    Index("report_open", "id", sqlite_where=text("closed_at IS NULL")),
    comment="what visitors told the operator about a file",
)

takedown = Table(
    "takedown",
    metadata,
    Column("file_id", ForeignKey("listing.file_id"), primary_key=True),
    Column("reason", Text, nullable=False, comment="shown to everybody"),
    Column("at", Integer, nullable=False),
    comment="files that the operator has taken down",
)

operator_action = Table(
    "operator_action",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("action", Text, nullable=False),
    Column("file_id", Text, nullable=False, index=True),
    Column("reason", Text, nullable=False),
    Column("at", Integer, nullable=False),
    comment="what the operator decided, for ever",
)

open_count = Table(
    "open_count",
    metadata,
    Column("key", Text, primary_key=True, comment="a network (hashed), listing or account, or all"),
    Column("count", Integer, nullable=False, comment="unpaid invoices that are open"),
    comment="counting the invoices themselves would take the longer the more there are",
)

invoice = Table(
    "invoice",
    metadata,
    Column("purchase_id", ForeignKey("purchase.id"), primary_key=True),
    Column("payout_id", ForeignKey("payout.id"), nullable=False, comment="the account whose quota it counts against"),
    Column("amount_sat", Integer, nullable=False),
    Column(
        "required_confirmations",
        Integer,
        nullable=False,
        comment="fixed at issue; 0 can become 1 when the loss budget is used up",
    ),
    Column("created_at", Integer, nullable=False),
    Column("expires_at", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("marks", Text, nullable=False, comment="space-separated, sorted"),
    Column("received_sat", Integer, nullable=False, comment="by all of its payment requests"),
    Column("confirmed_sat", Integer, nullable=False),
    Column("confirmations", Integer, nullable=False, comment="confirmations when last settled"),
    Column("seen_at", Integer, comment="first payment seen"),
    Column("settled_at", Integer),
    Index("invoice_state", "state", "expires_at"),
    Index("invoice_not_final", "purchase_id", sqlite_where=text("received_sat > confirmed_sat")),
    comment="what a purchase costs and what came in for it, however it is paid",
)

payment_request = Table(
    "payment_request",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("purchase_id", ForeignKey("invoice.purchase_id"), nullable=False),
    Column("rail", Text, nullable=False),
    Column("scope", Text, nullable=False, comment="what its payments come to: the chain, or one wallet connection"),
    Column("destination", Text, comment="as shown to the buyer; null: it is being prepared, or cannot be had"),
    Column("match_key", LargeBinary, comment="how its payments are recognised; on-chain: the output script"),
    Column("minimum_sat", Integer, nullable=False, comment="the least that can be paid on it"),
    Column("asked_sat", Integer, comment="exactly what it asks for; null: whatever is due"),
    Column("status_url", Text, comment="where its wallet says what became of it; null: it is asked by its hash"),
    Column("expires_at", Integer, nullable=False),
    Column("unavailable", Text, comment="why it cannot be had, for people to read"),
    Column("payout_id", ForeignKey("payout.id"), comment="the account it was derived from, if it was"),
    Column("key_index", Integer),
    Column("received_sat", Integer, nullable=False),
    Column("created_at", Integer, nullable=False),
    UniqueConstraint("scope", "match_key"),
    UniqueConstraint("payout_id", "key_index"),
    Index("payment_request_purchase", "purchase_id"),
    Index("payment_request_preparing", "id", sqlite_where=text("destination IS NULL AND unavailable IS NULL")),
    comment="one way to pay an invoice; there may be several for each",
)

unpaid_run = Table(
    "unpaid_run",
    metadata,
    Column("payout_id", ForeignKey("payout.id"), primary_key=True),
    Column("first", Integer, primary_key=True, comment="index of the run's first address"),
    Column("length", Integer, comment="how many; null: the last run, which still grows"),
    Index("unpaid_run_length", "payout_id", "length"),
    comment="addresses on which nothing was received, in runs between those that were paid",
)

payment = Table(
    "payment",
    metadata,
    Column("reference", Text, primary_key=True, comment="of its rail; on-chain: txid:vout, the outpoint"),
    Column("rail", Text, primary_key=True),
    Column("purchase_id", ForeignKey("invoice.purchase_id"), nullable=False),
    Column("request_id", ForeignKey("payment_request.id"), nullable=False),
    Column("amount_sat", Integer, nullable=False),
    Column("status", Text, nullable=False, comment="surviving, withdrawn, or final; see bitcache/payments.py"),
    Column("seen_at", Integer, nullable=False, comment="first seen; kept when it goes and comes back"),
    # the chain's part: null for a payment of a rail without blocks
    Column("maturity", Integer, comment="confirmations that the network itself demands"),
    Column("height", Integer, comment="null: seen, not in a block"),
    Column("block_hash", Text, index=True),
    Column("absent_since", Integer, comment="height at which it was found neither in a block nor in the mempool"),
    Index("payment_purchase", "purchase_id"),
    Index("payment_waiting", "status", "purchase_id", sqlite_where=text("height IS NULL AND maturity IS NOT NULL")),
)

payment_transaction = Table(
    "payment_transaction",
    metadata,
    Column("txid", Text, primary_key=True, comment="on-chain: of payments that are not deep in the chain"),
    Column("position", Integer, primary_key=True, comment="its unconfirmed ancestors first, itself last"),
    Column("raw", LargeBinary, nullable=False),
    comment="what is handed to the node again when its mempool was lost",
)

block = Table(
    "block",
    metadata,
    Column("height", Integer, primary_key=True, comment="the chain as processed; the highest row is the cursor"),
    Column("hash", Text, nullable=False, unique=True),
)

known_until = Table(
    "known_until",
    metadata,
    Column("scope", Text, primary_key=True),
    Column("until", Integer, nullable=False, comment="time up to which this scope's payments are known"),
)

grant = Table(
    "grant_",
    metadata,
    Column("purchase_id", ForeignKey("purchase.id"), primary_key=True),
    Column("file_id", ForeignKey("listing.file_id"), nullable=False),
    Column("granted_at", Integer, nullable=False),
    Column("lost_at", Integer, comment="the payment was undone after release"),
)

event_log = Table(
    "event_log",
    metadata,
    Column("id", Integer, primary_key=True, comment="order of events; never given out twice"),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False, comment="a purchase's id, or a listing's file id"),
    Column("created_at", Integer, nullable=False),
    sqlite_autoincrement=True,
)

event_subscriber = Table(
    "event_subscriber",
    metadata,
    Column("name", Text, primary_key=True),
    Column("cursor", Integer, nullable=False, comment="the last event that it acknowledged"),
)

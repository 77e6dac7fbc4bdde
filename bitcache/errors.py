"""Every error Bitcache raises on purpose, drawn as one tree.

    BitcacheError
    ├── BadInput                 the caller sent an invalid request
    │   ├── InvalidAmount          price 0, negative, fractional, above 21 million BTC
    │   ├── BelowDust              price the network would refuse to relay
    │   ├── InvalidName            title or file name that is empty, enormous or deceptive
    │   ├── InvalidIdentifier      file id, purchase id, token or secret of the wrong shape
    │   ├── InvalidLink            a link that does not hold a file id and a link share
    │   ├── InvalidManifest        a manifest that is malformed, unsigned or inconsistent
    │   ├── InvalidLimit           a listing's end or number of sales that cannot be (bitcache/listing_errors.py)
    │   ├── InvalidDescriptor      descriptor or extended key that cannot receive
    │   │   ├── PrivateKeyRefused    it holds a private key or seed words
    │   │   └── WrongNetwork         it belongs to another Bitcoin network
    │   ├── ConnectionRefused      a wallet connection that cannot be used (bitcache/chain_errors.py)
    │   │   └── ConnectionCanSpend   … because it may spend
    │   ├── WorkTooHard            a gateway asks for more proof of work than is reasonable
    │   └── InvalidSettings        configuration file or environment
    ├── SealingError             sealed bytes that do not open
    │   ├── NotSealed              header too short or of the wrong size
    │   ├── WrongKey               the commitment does not match: link share, gateway share or file id
    │   ├── Tampered               a chunk fails authentication: flipped, reordered or replaced
    │   ├── Truncated              the bytes end before the final chunk
    │   ├── TrailingBytes          the bytes go on after the final chunk
    │   └── SealedWrongly          every byte and the share are the signed ones, and do not open: the seller's fault
    ├── UploadError
    │   ├── UploadExists           that file id is taken
    │   ├── UploadOffset           the piece does not start where the upload stands
    │   ├── UploadTooLarge         announced, or sent, more than allowed
    │   ├── TooManyUploads         this seller has begun too many
    │   ├── UploadIncomplete       listing asked for before every byte arrived
    │   └── UploadCorrupt          the stored bytes do not have the announced hashes
    ├── NotFound                 no such file, upload, purchase or page
    │   └── FileDeleted            its seller deleted it (bitcache/listing_errors.py)
    ├── Denied
    │   ├── Unauthenticated        no token, or one that nobody holds
    │   ├── ClaimMismatch          a claim secret that belongs to another purchase
    │   ├── TooManyInvoices        a quota of open invoices was reached
    │   │   ├── TooManyBuyers        … that all buyers share, or sales are slowed
    │   │   ├── TooManyStreams       … of open event streams
    │   │   └── WorkRequired         the next invoice costs a proof of work
    │   ├── TooManyReports         … of reports (bitcache/listing_errors.py)
    │   └── …                      of accounts (bitcache/account_errors.py)
    ├── UnknownRail              no way to be paid has this name here
    ├── RailUnavailable          this way to be paid cannot be had right now
    ├── InvoiceClosed            it is paid, or its time is up: nobody is asked to pay it in another way
    ├── PaymentRequired          the grant is not there yet; carries the terms
    ├── SalesPaused              this file is not sold right now (no payout, paused, withdrawn, …)
    ├── PriceChanged             … at the price that was shown (bitcache/listing_errors.py)
    ├── ListingWithdrawn         … ever again
    ├── TakenDown                … by the operator's will
    ├── PriceTooHigh             more than this gateway sells for on what it knows of the chain
    ├── ChainError               something between us and the Bitcoin network (bitcache/chain_errors.py)
    │   ├── NodeUnreachable        no answer
    │   ├── NodeAuthFailed         wrong RPC user, password or cookie
    │   ├── NodeWarmingUp          it answers, and asks us to wait
    │   ├── NodeWrongNetwork       it follows another chain than configured
    │   ├── NodeConfused           it answers with something that no Bitcoin node answers
    │   ├── NodePruned             the block we need next is gone from its disk
    │   └── NodeRefused            it answered with another RPC error
    │       ├── NodeCallForbidden    its whitelist does not allow a call that we make
    │       └── PeerMisbehaved       a peer of the light client sent what no honest one sends
    ├── WalletError              a wallet that is asked for invoices (bitcache/chain_errors.py)
    │   ├── WalletUnreachable      no answer
    │   ├── WalletRefused          it says no
    │   └── WalletMisbehaved       it answers with an invoice that cannot be used, or with garbage
    └── StorageError
        ├── DiskFull
        ├── DatabaseBusy
        └── DatabaseUnusable       not a database, or made by a newer Bitcache

``code`` is stable: programs and translations depend on it.  ``hint`` says what to do next.
Neither may ever hold a secret.  ``details`` are extra machine-readable members (RFC 9457 §3.2).
"""

from __future__ import annotations

from typing import Any, ClassVar


class BitcacheError(Exception):
    """Base of all deliberate errors: a stable ``code``, a sentence, and a hint."""

    code: ClassVar[str] = "error"
    hint: ClassVar[str] = ""

    def __init__(self, message: str = "", *, hint: str | None = None, **details: Any) -> None:
        super().__init__(message or (type(self).__doc__ or self.code).strip())
        self.advice = type(self).hint if hint is None else hint
        self.details = details


class BadInput(BitcacheError):
    """The request is invalid."""

    code = "bad_input"


class InvalidAmount(BadInput):
    """An amount must be a whole number of satoshis between 1 and 21 million BTC."""

    code = "invalid_amount"
    hint = "Enter the price in whole satoshis, for example 2500."


class BelowDust(BadInput):
    """The price is under the smallest output that Bitcoin nodes relay."""

    code = "below_dust"
    hint = "Raise the price: on-chain sales make sense from some thousand satoshis."


class InvalidName(BadInput):
    """The name is empty, too long, or contains hidden characters."""

    code = "invalid_name"
    hint = "Use 1 to 200 visible characters."


class InvalidIdentifier(BadInput):
    """The identifier has the wrong length or alphabet."""

    code = "invalid_identifier"
    hint = "Copy all of it again from where it was shown."


class InvalidLink(BadInput):
    """The link does not hold a file id and a link share."""

    code = "invalid_link"
    hint = "Copy the whole link, including everything after the # sign."


class InvalidManifest(BadInput):
    """The manifest is malformed, unsigned, or does not fit the file."""

    code = "invalid_manifest"
    hint = "Seal the file again with a current client."


class InvalidDescriptor(BadInput):
    """The payout descriptor cannot be used to receive payments."""

    code = "invalid_descriptor"
    hint = "Export a public output descriptor or an xpub/zpub of your wallet's receiving branch."


class PrivateKeyRefused(InvalidDescriptor):
    """It contains a private key or seed words. Bitcache only watches, and did not keep it."""

    code = "private_key_refused"
    hint = "Never give a private key or seed words to a website. Export the public descriptor."


class WrongNetwork(InvalidDescriptor):
    """It belongs to another Bitcoin network than this gateway."""

    code = "wrong_network"
    hint = "Export the descriptor from a wallet on the gateway's network."


class WorkTooHard(BadInput):
    """The gateway asks for more work than is reasonable."""

    code = "work_too_hard"
    hint = "Try again later, and tell the seller."


class InvalidSettings(BadInput):
    """The configuration is invalid."""

    code = "invalid_settings"
    hint = "Compare it with config.example.toml."


class SealingError(BitcacheError):
    """The sealed file cannot be opened."""

    code = "sealing"


class NotSealed(SealingError):
    """This is not a sealed file: the header is missing or the length is impossible."""

    code = "not_sealed"
    hint = "Download it again."


class WrongKey(SealingError):
    """The shares do not belong to this file."""

    code = "wrong_key"
    hint = "Check that the link is complete and belongs to this file."


class Tampered(SealingError):
    """A part of the sealed file was changed."""

    code = "tampered"
    hint = "Download it again; if it fails again, the stored file is damaged."


class Truncated(SealingError):
    """The sealed file ends too early."""

    code = "truncated"
    hint = "Resume the download: the end of the file is missing."


class TrailingBytes(SealingError):
    """The sealed file is longer than it should be."""

    code = "trailing_bytes"
    hint = "Download it again."


class SealedWrongly(SealingError):
    """The file and the share are what the seller signed, but the file cannot be opened."""

    code = "sealed_wrongly"
    hint = "Downloading it again does not help. Contact the seller: the signature proves it to anyone."


class UploadError(BitcacheError):
    """The upload cannot continue."""

    code = "upload"


class UploadExists(UploadError):
    """A file with this id is already here."""

    code = "upload_exists"
    hint = "Seal the file again: every sealing makes a new id."


class UploadOffset(UploadError):
    """The piece does not start at the upload's current offset."""

    code = "upload_offset"
    hint = "Ask for the current offset with HEAD and continue from there."


class UploadTooLarge(UploadError):
    """The upload is larger than announced, or than this gateway allows."""

    code = "upload_too_large"
    hint = "Send a smaller file, or ask the operator to raise storage.max_file_bytes."


class TooManyUploads(UploadError):
    """Too many uploads are unfinished."""

    code = "too_many_uploads"
    hint = "Finish one of them or DELETE it; unfinished uploads are deleted after some days."


class UploadIncomplete(UploadError):
    """Not every byte has arrived."""

    code = "upload_incomplete"
    hint = "Resume the upload, then list it."


class UploadCorrupt(UploadError):
    """The bytes that arrived are not the bytes that were sealed."""

    code = "upload_corrupt"
    hint = "Upload the file again."


class NotFound(BitcacheError):
    """Not found."""

    code = "not_found"
    hint = "Check the link."


class Denied(BitcacheError):
    """This is not allowed."""

    code = "denied"


class Unauthenticated(Denied):
    """A seller token is needed."""

    code = "not_signed_in"
    hint = "Send the token that 'bitcache init' showed: Authorization: Bearer …"


class ClaimMismatch(Denied):
    """The claim secret belongs to another purchase."""

    code = "claim_mismatch"
    hint = "Use the access link of this purchase."


class TooManyInvoices(Denied):
    """Too many unpaid invoices are open."""

    code = "too_many_invoices"
    hint = "Pay or wait for one of the open invoices to expire."


class TooManyBuyers(TooManyInvoices):
    """Too many buyers have open invoices."""

    code = "too_many_buyers"
    hint = "Try again in some minutes."


class TooManyStreams(TooManyInvoices):
    """This purchase is watched too often at once, or this visitor watches too many."""

    code = "too_many_streams"
    hint = "Close another page that shows a purchase, or ask every few seconds instead."


class WorkRequired(TooManyInvoices):
    """Many unpaid invoices are open: the next one costs a proof of work."""

    code = "proof_of_work"
    hint = "Solve the challenge and send the solution with the same request (docs/protocol.md §10), or try again later."


class UnknownRail(BitcacheError):
    """This gateway has no such way to be paid."""

    code = "unknown_rail"
    hint = "Choose one of those that the purchase lists under payment_requests."


class RailUnavailable(BitcacheError):
    """This way to pay is not available at the moment."""

    code = "rail_unavailable"
    hint = "Pay in another way, or try again in a minute."


class InvoiceClosed(BitcacheError):
    """This invoice is paid, or has expired."""

    code = "invoice_closed"
    hint = "Look at the purchase: if it is not paid, begin a new one."


class PaymentRequired(BitcacheError):
    """The file is released when its invoice is settled."""

    code = "payment_required"
    hint = "Create a purchase, pay its invoice, then ask again with the claim secret."


class SalesPaused(BitcacheError):
    """This file is not sold right now; ``reason`` says why."""

    code = "sales_paused"
    hint = "You have not been charged. Ask the seller."


class PriceTooHigh(BitcacheError):
    """The price is above what this gateway sells for without a node of its own."""

    code = "price_too_high"
    hint = "You have not been charged. The operator runs a Bitcoin node (chain.source) or raises chain.light_max_sat."


class StorageError(BitcacheError):
    """Storage failed."""

    code = "storage"


class DiskFull(StorageError):
    """The disk is full; nothing was half-stored."""

    code = "disk_full"
    hint = "Free some space; the upload resumes where it stopped."


class DatabaseBusy(StorageError):
    """Another process holds the database."""

    code = "database_busy"
    hint = "Try again in a moment; run only one gateway on a data folder."


class DatabaseUnusable(StorageError):
    """The database file cannot be used."""

    code = "database_unusable"
    hint = "Restore it from a backup, or update Bitcache."

"""Sellers: who may sell here, and the account that each is paid to.

An account (on-chain: a descriptor) has one row for ever, whoever uses it: its ``next_index`` only
grows, so no address is given out twice, even when two sellers share a wallet or one comes back to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, func, insert, select, update

from bitcache import unpaid_address_runs
from bitcache.payment_rail import PayoutTerms
from bitcache.storage.sqlite_only_sql import upsert
from bitcache.storage.tables import listing, payment_request, payout, seller

NO_PAYOUT = "no_payout"  #: why a seller without an account sells nothing
BELOW_DUST = "below_dust"  #: why a file that costs less than the account's least payable amount is not sold


@dataclass(frozen=True, slots=True)
class Seller:
    """Someone who holds a seller token."""

    id: int
    name: str
    created_at: int


@dataclass(frozen=True, slots=True)
class Payout:
    """An account that receives.  ``minimum`` is the least payable price in satoshis.

    ``paused`` is the code of the error that stops sales, if any.  ``gap_hint`` is the longest run of
    addresses given out and not paid: a wallet finds every payment if it looks further than that.
    ``unpaid_run`` is the run at the end, which the quotas bound.
    """

    id: int
    rail: str
    account: str
    script_type: str
    minimum: int
    next_index: int
    paused: str | None
    gap_hint: int
    unpaid_run: int = 0


def create_seller(conn: Connection, name: str, token_hash: bytes, now: int) -> int:
    """Return a new seller; the token itself is never stored."""
    values = insert(seller).values(name=name, token_hash=token_hash, created_at=now)
    seller_id: int = conn.execute(values.returning(seller.c.id)).scalar_one()
    return seller_id


def named(conn: Connection, name: str | None) -> list[Seller]:
    """Return the sellers of that name, or (None) all; ten at most."""
    wanted = select(seller) if name is None else select(seller).where(seller.c.name == name)
    return [Seller(row.id, row.name, row.created_at) for row in conn.execute(wanted.order_by(seller.c.id).limit(10))]


def any_seller(conn: Connection) -> bool:
    """Return whether anybody can sell here yet."""
    return conn.scalar(select(seller.c.id).limit(1)) is not None


def set_payout(conn: Connection, seller_id: int, rail_name: str, terms: PayoutTerms, now: int) -> Payout:
    """Pay this seller here from now on."""
    account = keep_account(conn, rail_name, terms, now)
    be_paid_at(conn, seller_id, account.id)
    return account


def be_paid_at(conn: Connection, seller_id: int, payout_id: int) -> None:
    """Pay this seller at an account that is kept already."""
    conn.execute(update(seller).where(seller.c.id == seller_id).values(payout_id=payout_id))


def keep_account(conn: Connection, rail_name: str, terms: PayoutTerms, now: int) -> Payout:
    """Keep an account, whoever uses it.  ``terms`` were just checked by the rail, so a pause ends."""
    checked = {"script_type": terms.script_type, "minimum_sat": terms.minimum, "paused": None}
    statement = upsert(payout, keys=("rail", "account"), changes=lambda new: checked).returning(payout)
    first = {"rail": rail_name, "account": _known_spelling(conn, rail_name, terms), "next_index": 0, "created_at": now}
    return _payout(conn, conn.execute(statement, {**first, **checked}).one())


def _known_spelling(conn: Connection, rail_name: str, terms: PayoutTerms) -> str:
    """Return the account as it is kept: where its first address was given out under another spelling, that one."""
    same_rail = select(payout.c.account).where(payout.c.rail == rail_name)
    if not terms.first or conn.scalar(same_rail.where(payout.c.account == terms.account)):
        return terms.account
    first_given_out = same_rail.join(payment_request, payment_request.c.payout_id == payout.c.id).where(
        payment_request.c.key_index == 0, payment_request.c.destination == terms.first[0]
    )
    known: str | None = conn.scalar(first_given_out)
    return known or terms.account


def listed_below(conn: Connection, seller_id: int, minimum: int) -> int:
    """Return how many of this seller's listings cost less than ``minimum`` satoshis."""
    below = select(func.count()).select_from(listing).where(listing.c.seller_id == seller_id)
    return int(conn.scalar(below.where(listing.c.price_sat < minimum)) or 0)


def payout_of(conn: Connection, seller_id: int) -> Payout | None:
    """Return where this seller is paid now."""
    row = conn.execute(_current().where(seller.c.id == seller_id)).first()
    return _payout(conn, row) if row else None


def active_payouts(conn: Connection) -> list[Payout]:
    """Return every account that some seller uses now and that addresses are derived from."""
    rows = conn.execute(
        select(payout)
        .join(seller, seller.c.payout_id == payout.c.id)
        .where(payout.c.script_type != "")
        .distinct()
        .order_by(payout.c.id)
    )
    return [_payout(conn, row) for row in rows.all()]


def pause_payout(conn: Connection, payout_id: int, reason: str | None) -> None:
    """Stop sales to this account, for the reason with this error code, or (None) go on."""
    conn.execute(update(payout).where(payout.c.id == payout_id).values(paused=reason))


def rail_payout(conn: Connection, seller_id: int, rail_name: str, now: int) -> None:
    """Give a seller without an account one on a rail whose wallet is asked: it has no addresses of its own."""
    if payout_of(conn, seller_id) is not None:
        return
    terms = PayoutTerms(account=f"seller {seller_id}", script_type="", minimum=1, first=())
    set_payout(conn, seller_id, rail_name, terms, now)


def why_paused(conn: Connection, seller_id: int, price: int) -> str | None:
    """Return the code of what stops this seller from selling at ``price`` satoshis, if anything does."""
    row = conn.execute(_current().where(seller.c.id == seller_id)).first()
    return reason_paused(row, price) if row else NO_PAYOUT


def reason_paused(row: Row[Any], price: int) -> str | None:
    """Return the code of what stops sales at ``price``: ``row`` has the account's and its seller's columns.

    Where a wallet is asked, the account's trouble and its least payable amount stop nothing.
    """
    if row.connection_id is not None:
        return None
    if row.script_type == "":  # an account that only a wallet gave requests for
        return NO_PAYOUT
    return row.paused or (BELOW_DUST if price < row.minimum_sat else None)


def minimum_of(conn: Connection, seller_id: int) -> int | None:
    """Return the least price in satoshis that this seller can be paid; None: nothing."""
    row = conn.execute(_current().where(seller.c.id == seller_id)).first()
    if row is None or (row.script_type == "" and row.connection_id is None):
        return None
    return 1 if row.connection_id is not None else int(row.minimum_sat)


def _current() -> Select[Any]:
    return select(payout, seller.c.connection_id).join(seller, seller.c.payout_id == payout.c.id)


def _payout(conn: Connection, row: Row[Any]) -> Payout:
    return Payout(
        row.id,
        row.rail,
        row.account,
        row.script_type,
        row.minimum_sat,
        row.next_index,
        row.paused,
        gap_hint=unpaid_address_runs.longest(conn, row.id, row.next_index),
        unpaid_run=unpaid_address_runs.newest(conn, row.id, row.next_index),
    )

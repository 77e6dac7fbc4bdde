"""Visitors report a file to the operator; what many say alike is one report with a count.

A reporter may disclose the link, so that the operator can see the description; it is checked, and kept under the master
key.  Without it the operator sees what any visitor does: a size and a price.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from sqlalchemy import Connection, func, insert, select, update

from bitcache import listings
from bitcache.errors import BadInput, SealingError
from bitcache.identifiers import FileId
from bitcache.listing_errors import TooManyReports
from bitcache.master_key import MasterKey
from bitcache.sealing import metadata
from bitcache.storage.tables import report

LONGEST_TEXT, LONGEST_CONTACT = 2_000, 200
#: Open reports that are kept, of one file and in all; beyond them the operator has enough to read.
MOST_OF_FILE, MOST = 20, 2_000


class ReportKind(StrEnum):
    """What is wrong with it."""

    ILLEGAL = "illegal"
    MALWARE = "malware"
    FRAUD = "fraud"
    COPYRIGHT = "copyright"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class NewReport:
    """What a visitor says; ``link_share`` (16 bytes) only if they disclose the link."""

    kind: ReportKind
    text: str
    contact: str = ""
    link_share: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Report:
    """One in the operator's queue; ``times`` visitors said the same.  Times in Unix seconds."""

    id: int
    file_id: FileId
    kind: ReportKind
    text: str
    contact: str
    link_share: bytes | None = field(repr=False)
    times: int
    created_at: int
    last_at: int
    closed_at: int | None


def add(conn: Connection, key: MasterKey, file_id: FileId, said: NewReport, now: int) -> None:
    """Keep a report, or count it with one that says the same; a link that either of them discloses is kept.

    Raise NotFound, TakenDown, BadInput for a link that is another file's, TooManyReports.
    """
    offer = listings.get(conn, file_id)
    if said.link_share is not None:
        _check_link(offer.meta, said.link_share, file_id)
    about = (report.c.file_id == file_id, report.c.closed_at.is_(None))
    wrapped = None if said.link_share is None else key.wrap_disclosed(said.link_share, file_id)
    same = (report.c.kind == said.kind.value, report.c.text == said.text, report.c.contact == said.contact)
    link = func.coalesce(report.c.wrapped_link, wrapped)
    again = update(report).where(*about, *same).values(times=report.c.times + 1, last_at=now, wrapped_link=link)
    if conn.execute(again).rowcount:
        return
    if _count(conn, *about) >= MOST_OF_FILE or _count(conn, report.c.closed_at.is_(None)) >= MOST:
        raise TooManyReports
    values = {"file_id": file_id, "kind": said.kind.value, "text": said.text, "contact": said.contact}
    conn.execute(insert(report).values(**values, wrapped_link=wrapped, times=1, created_at=now, last_at=now))


def queue(conn: Connection, key: MasterKey, *, closed: bool = False) -> list[Report]:
    """Return the open reports, those that most people made first; ``closed``: the last hundred that are closed."""
    rows = select(report).where(report.c.closed_at.is_not(None) if closed else report.c.closed_at.is_(None))
    order = (report.c.closed_at.desc(),) if closed else (report.c.times.desc(), report.c.id)
    found = conn.execute(rows.order_by(*order).limit(100 if closed else MOST))
    return [
        Report(
            row.id,
            FileId(row.file_id),
            ReportKind(row.kind),
            row.text,
            row.contact,
            None if row.wrapped_link is None else key.unwrap_disclosed(row.wrapped_link, FileId(row.file_id)),
            row.times,
            row.created_at,
            row.last_at,
            row.closed_at,
        )
        for row in found
    ]


def count_open(conn: Connection) -> int:
    """Return how many wait for the operator."""
    return _count(conn, report.c.closed_at.is_(None))


def _check_link(meta: bytes, link_share: bytes, file_id: FileId) -> None:
    try:
        metadata.open_metadata(meta, link_share, file_id)
    except (SealingError, BadInput):
        raise BadInput("this link is not that of the file", hint="Leave it out, or copy all of it.") from None


def _count(conn: Connection, *which: object) -> int:
    return conn.scalar(select(func.count()).select_from(report).where(*which)) or 0  # type: ignore[arg-type]

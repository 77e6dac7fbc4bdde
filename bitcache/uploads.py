"""Step 1, upload: sealed bytes arrive in pieces and wait, whole or not, until they are listed.

An upload is a row (who, how many bytes) and a part file, whose size is the offset.  The part is made
before the row and removed before it, so that every row has its bytes; :func:`sweep` clears up after a crash,
:func:`expire` after sellers who went away.
"""

from __future__ import annotations

from collections.abc import AsyncIterable
from dataclasses import dataclass
from functools import partial

from sqlalchemy import Connection, delete, insert, select

from bitcache import seller_quotas
from bitcache.blob_store import Arrived, BlobStore
from bitcache.errors import BitcacheError, DiskFull, NotFound, UploadExists, UploadTooLarge
from bitcache.identifiers import FileId
from bitcache.sealing import container
from bitcache.seller_quotas import SellerQuota
from bitcache.storage.database import Store
from bitcache.storage.tables import listing, upload

_NOTHING = Arrived(0, 0.0)


@dataclass(frozen=True, slots=True)
class Progress:
    """How many bytes have arrived, of how many announced; the last of them at ``grew_at`` (Unix seconds)."""

    offset: int
    length: int
    grew_at: float


async def begin(
    store: Store,
    blobs: BlobStore,
    seller_id: int,
    file_id: FileId,
    sealed_size: int,
    max_bytes: int,
    now: int,
    *,
    quota: SellerQuota,
) -> None:
    """Announce an upload of ``sealed_size`` bytes.

    Raise UploadTooLarge (over ``max_bytes``), NotSealed (no sealed file has that size), UploadExists,
    TooManyUploads and QuotaExceeded (over the seller's ``quota``), and DiskFull (no room for it beside what other
    uploads still lack).
    """
    if sealed_size > max_bytes:
        raise UploadTooLarge(f"this gateway takes files of at most {max_bytes} bytes", max_bytes=max_bytes)
    container.plain_size(sealed_size)
    row = {"file_id": file_id, "seller_id": seller_id, "sealed_size": sealed_size, "created_at": now}

    def look(conn: Connection) -> None:
        _refuse_taken(conn, file_id)
        seller_quotas.check_room(conn, seller_id, sealed_size, quota)
        lacking = _lacking(conn, blobs)
        if sealed_size + lacking > blobs.free_bytes():
            hint = "Finish or delete the uploads that were begun, or free some space." if lacking else None
            raise DiskFull("the disk has no room for this file", hint=hint)

    def announce(conn: Connection) -> None:
        look(conn)
        conn.execute(insert(upload).values(row))

    async with blobs.lock(file_id):
        await store.read(look)
        await blobs.create(file_id)
        try:
            await store.write(announce)
        except BitcacheError:
            await blobs.delete(file_id)
            raise


async def offset(store: Store, blobs: BlobStore, seller_id: int, file_id: FileId) -> Progress:
    """Return where this seller's upload stands; raise NotFound."""
    length = await store.read(lambda conn: length_of(conn, seller_id, file_id))
    arrived = blobs.arrived(file_id)
    return Progress(arrived.size, length, arrived.at)


async def receive(
    store: Store, blobs: BlobStore, seller_id: int, file_id: FileId, offset: int, pieces: AsyncIterable[bytes]
) -> int:
    """Add ``pieces`` at ``offset``; returns the new offset.  Errors as in :meth:`BlobStore.append`."""
    length = await store.read(lambda conn: length_of(conn, seller_id, file_id))
    return await blobs.append(file_id, offset, pieces, length)


async def forget(store: Store, blobs: BlobStore, seller_id: int, file_id: FileId) -> None:
    """Remove an upload that is not listed; raise NotFound."""
    async with blobs.lock(file_id):
        await store.read(lambda conn: length_of(conn, seller_id, file_id))
        await blobs.delete(file_id)
        await store.write(lambda conn: remove(conn, file_id))


async def sweep(store: Store, blobs: BlobStore) -> int:
    """Drop parts without an upload and uploads without bytes, at start; return how many."""
    known = await store.read(_open)
    empty = [file_id for file_id in known if _arrived(blobs, file_id) is _NOTHING]

    def drop(conn: Connection) -> None:
        for file_id in empty:
            remove(conn, file_id)

    await store.write(drop)
    return blobs.sweep(known) + len(empty)


async def expire(store: Store, blobs: BlobStore, before: int) -> list[FileId]:
    """Forget the uploads of which no byte arrived since ``before``; returns them.  Listed files are no uploads."""
    old = []
    for file_id in await store.read(_open):
        async with blobs.lock(file_id):
            if file_id in await store.read(_open) and _arrived(blobs, file_id).at < before:
                await blobs.delete(file_id)
                await store.write(partial(remove, file_id=file_id))
                old.append(file_id)
    return old


def length_of(conn: Connection, seller_id: int, file_id: FileId) -> int:
    """Return the announced size of this seller's upload, in bytes; raise NotFound for another's too."""
    mine = select(upload.c.sealed_size).where(upload.c.file_id == file_id, upload.c.seller_id == seller_id)
    length: int | None = conn.scalar(mine)
    if length is None:
        raise NotFound("no such upload", hint="Begin it again.")
    return length


def remove(conn: Connection, file_id: FileId) -> None:
    """Forget the row: the upload was listed, or its bytes are gone."""
    conn.execute(delete(upload).where(upload.c.file_id == file_id))


def _open(conn: Connection) -> set[FileId]:
    """Return every upload that is not listed."""
    return {FileId(file_id) for file_id in conn.scalars(select(upload.c.file_id))}


def _lacking(conn: Connection, blobs: BlobStore) -> int:
    """Return the bytes that were announced and have not arrived."""
    rows = conn.execute(select(upload.c.file_id, upload.c.sealed_size)).all()
    return sum(row.sealed_size - _arrived(blobs, FileId(row.file_id)).size for row in rows)


def _arrived(blobs: BlobStore, file_id: FileId) -> Arrived:
    """Return whether this row is what a crash left: nothing arrived, long ago."""
    try:
        return blobs.arrived(file_id)
    except NotFound:
        return _NOTHING


def _refuse_taken(conn: Connection, file_id: FileId) -> None:
    for table in (upload, listing):
        if conn.scalar(select(table.c.file_id).where(table.c.file_id == file_id)) is not None:
            raise UploadExists

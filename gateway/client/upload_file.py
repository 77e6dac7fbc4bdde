"""Sealed bytes to a gateway, piece by piece (tus 1.0), and the listing that puts them on sale."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import asdict

from bitcache.errors import BitcacheError, UploadError, UploadOffset
from bitcache.identifiers import FileId
from bitcache.listing_limits import Limits
from gateway.api.models import Listing, Listings
from gateway.client.errors import BodyRefused, GatewayConfused, GatewayUnreachable
from gateway.client.gateway_client import Backoff, GatewayClient
from gateway.client.piece_size import PieceSize
from gateway.client.read_ahead import ReadAhead, SealedSource, read_ahead

_PART = 256 * 1024  #: bytes after which progress is told

Progress = Callable[[int, int], None]  #: called with (bytes done, bytes in all)
ListingBody = dict[str, str | int | None]  #: of ``POST /listings``
Note = Callable[[str], None]  #: called with a sentence that the seller should read


async def upload(
    gateway: GatewayClient, token: str, file_id: FileId, sealed: SealedSource, progress: Progress, note: Note
) -> None:
    """Announce an upload and send all of it; a lost connection costs one piece.  Raise UploadExists."""
    await announce(gateway, token, file_id, sealed.size)
    await send_from(gateway, token, file_id, sealed, 0, progress, note)


async def announce(gateway: GatewayClient, token: str, file_id: FileId, size: int) -> None:
    """Begin an upload of ``size`` bytes; raise UploadExists."""
    about = {
        "Tus-Resumable": "1.0.0",
        "Upload-Length": str(size),
        "Upload-Metadata": f"file_id {base64.b64encode(file_id.encode()).decode()}",
    }
    async with gateway.open("POST", "/uploads", bearer=token, headers=about):
        pass


async def send_from(
    gateway: GatewayClient,
    token: str,
    file_id: FileId,
    sealed: SealedSource,
    offset: int,
    progress: Progress,
    note: Note,
) -> None:
    """Send what comes after ``offset``, where an upload stands."""
    backoff, pieces = Backoff(), PieceSize(note)
    async with read_ahead(sealed) as ahead:
        while offset < sealed.size:
            progress(offset, sealed.size)
            body = _Body(ahead, offset, min(offset + pieces.size, sealed.size), progress)
            started = time.monotonic()
            try:
                sent = await _append(gateway, token, file_id, body)
                backoff.progress()
                pieces.taken(time.monotonic() - started)
            except BodyRefused as refused:
                pieces.refused(refused)
                continue
            except (GatewayUnreachable, UploadOffset) as error:  # the latter: bytes of a lost connection still arrive
                pieces.lost()
                sent = await _find_offset(gateway, token, file_id, backoff, error)
                if sent > offset:
                    backoff.progress()
            if sent > body.stop:
                raise GatewayConfused("the gateway says that it has bytes which were never sent")
            offset = sent
    progress(offset, sealed.size)


class _Body:
    """The bytes of one PATCH, read while they are sent; ``failed`` says why they could not be."""

    def __init__(self, ahead: ReadAhead, start: int, stop: int, progress: Progress) -> None:
        self._ahead, self.start, self.stop, self._progress = ahead, start, stop, progress
        self.failed: Exception | None = None

    async def parts(self) -> AsyncIterator[memoryview]:
        """Yield them, and tell how many were handed to the connection."""
        offset = self.start
        try:
            while offset < self.stop:
                part = await self._ahead.take(offset, min(_PART, self.stop - offset))
                yield part
                offset += len(part)
                self._progress(offset, self._ahead.size)
        except Exception as error:
            self.failed = error
            raise


async def _append(gateway: GatewayClient, token: str, file_id: FileId, body: _Body) -> int:
    """Send one piece; return where the upload stands.  Raise what kept it from being read."""
    about = {
        "Tus-Resumable": "1.0.0",
        "Content-Type": "application/offset+octet-stream",
        "Content-Length": str(body.stop - body.start),
        "Upload-Offset": str(body.start),
    }
    sent = gateway.open("PATCH", f"/uploads/{file_id}", bearer=token, headers=about, data=body.parts())
    try:
        async with sent as response:
            return _offset(response.headers.get("Upload-Offset"))
    except GatewayUnreachable:
        if body.failed is not None:  # what looks like a broken connection is ours
            raise body.failed from None
        raise


async def _find_offset(
    gateway: GatewayClient, token: str, file_id: FileId, backoff: Backoff, error: BitcacheError
) -> int:
    """Return where the upload stands, asked again until the gateway answers."""
    while True:
        await backoff.wait(error)
        try:
            return await offset_of(gateway, token, file_id)
        except GatewayUnreachable as again:
            error = again


async def offset_of(gateway: GatewayClient, token: str, file_id: FileId) -> int:
    """Return where one's unfinished upload stands; raise NotFound where there is none."""
    about = {"Tus-Resumable": "1.0.0"}
    async with gateway.open("HEAD", f"/uploads/{file_id}", bearer=token, headers=about) as response:
        return _offset(response.headers.get("Upload-Offset"))


def _offset(text: str | None) -> int:
    if text is None or not text.isascii() or not text.isdigit():
        raise GatewayConfused
    return int(text)


async def publish(gateway: GatewayClient, token: str, file_id: FileId, listing: ListingBody) -> None:
    """List the upload; when the answer was lost, look whether the listing is there before asking again."""
    backoff = Backoff()
    while True:
        try:
            await gateway.call(Listing, "POST", "/listings", bearer=token, json=listing)
            return
        except GatewayUnreachable as error:
            await backoff.wait(error)
        except UploadError:
            if not await _is_listed(gateway, token, file_id):
                raise
            return


def set_limits(limits: Limits) -> ListingBody:
    """Return the members of a listing's body for what is limited; a gateway that knows no limits takes the others."""
    return {name: value for name, value in asdict(limits).items() if value is not None}


async def _is_listed(gateway: GatewayClient, token: str, file_id: FileId) -> bool:
    page = await gateway.call(Listings, "GET", "/listings", bearer=token)
    return any(entry.file_id == file_id for entry in page.listings)


async def forget(gateway: GatewayClient, token: str, file_id: FileId) -> None:
    """Try to remove an unfinished upload; it expires on the gateway anyway."""
    about = {"Tus-Resumable": "1.0.0"}
    with suppress(BitcacheError, TimeoutError):
        async with asyncio.timeout(5), gateway.open("DELETE", f"/uploads/{file_id}", bearer=token, headers=about):
            pass

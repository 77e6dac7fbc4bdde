"""Sealed bytes to a gateway, piece by piece (tus 1.0), and the listing that puts them on sale."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from typing import Protocol

from bitcache.errors import BitcacheError, UploadError
from bitcache.identifiers import FileId
from bitcache.listing_limits import Limits
from bitcache.sealing import hash_groups
from gateway.api.models import Listing, Listings
from gateway.client.errors import BodyRefused, GatewayConfused, GatewayUnreachable
from gateway.client.gateway_client import Backoff, GatewayClient

PIECE = 8 * hash_groups.GROUP_SIZE  #: sealed bytes of one PATCH
SMALLEST_PIECE = 64 * 1024  #: a proxy that takes less is told of, not worked around

Progress = Callable[[int, int], None]  #: called with (bytes done, bytes in all)
ListingBody = dict[str, str | int | None]  #: of ``POST /listings``
Note = Callable[[str], None]  #: called with a sentence that the seller should read


class SealedSource(Protocol):
    """``size`` sealed bytes, readable at any offset that was reached before."""

    size: int

    def read(self, offset: int, length: int) -> memoryview:
        """Return bytes from ``offset``."""
        ...


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
    backoff, most = Backoff(), PIECE
    while offset < sealed.size:
        progress(offset, sealed.size)
        piece = await asyncio.to_thread(sealed.read, offset, most)
        try:
            sent = await _append(gateway, token, file_id, offset, piece)
            backoff.progress()
        except BodyRefused as refused:
            if most == PIECE:
                note(f"A server before the gateway refuses large bodies: sending smaller pieces. {refused.advice}")
            most = _smaller(most, refused)
            continue
        except GatewayUnreachable as error:
            sent = await _find_offset(gateway, token, file_id, backoff, error)
            if sent > offset:
                backoff.progress()
        if sent > offset + len(piece):
            raise GatewayConfused("the gateway says that it has bytes which were never sent")
        offset = sent
    progress(offset, sealed.size)


def _smaller(most: int, refused: BodyRefused) -> int:
    """Return the size of piece to try next, in bytes; raise ``refused`` when there is none."""
    if most <= SMALLEST_PIECE:
        raise refused
    return max(most // 4, SMALLEST_PIECE)


async def _append(gateway: GatewayClient, token: str, file_id: FileId, offset: int, piece: memoryview) -> int:
    about = {
        "Tus-Resumable": "1.0.0",
        "Content-Type": "application/offset+octet-stream",
        "Upload-Offset": str(offset),
    }
    async with gateway.open("PATCH", f"/uploads/{file_id}", bearer=token, headers=about, data=piece) as response:
        return _offset(response.headers.get("Upload-Offset"))


async def _find_offset(
    gateway: GatewayClient, token: str, file_id: FileId, backoff: Backoff, error: GatewayUnreachable
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

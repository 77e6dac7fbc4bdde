"""Steps 1 and 2 from the seller's side: seal a file while it uploads, then put it up for sale.

:func:`sell` does the whole of it and returns the buyer's link.  Memory stays constant and a lost connection
costs one piece, because :class:`~gateway.client.sealed_file.SealedFile` can be read at any offset.
"""

from __future__ import annotations

import asyncio
import base64
import mimetypes
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from bitcache import safe_names
from bitcache.errors import BadInput, BitcacheError, SalesPaused, UploadError, UploadTooLarge
from bitcache.identifiers import FileId, b64u, new_file_id
from bitcache.money import price
from bitcache.sealing import hash_groups, key_derivation, manifest, metadata
from bitcache.sealing.file_link import Link
from gateway.api.models import Listing, Listings, SellerInfo
from gateway.client.errors import BodyRefused, EmptyFile, GatewayConfused, GatewayUnreachable
from gateway.client.gateway_client import Backoff, GatewayClient
from gateway.client.sealed_file import SealedFile, open_regular

PIECE = 8 * hash_groups.GROUP_SIZE  #: sealed bytes of one PATCH
SMALLEST_PIECE = 64 * 1024  #: a proxy that takes less is told of, not worked around

Progress = Callable[[int, int], None]  #: called with (bytes done, bytes in all)
Note = Callable[[str], None]  #: called with a sentence that the seller should read


@dataclass(frozen=True, slots=True)
class FileToSell:
    """What a seller wants sold: the file, its price, what buyers see before they pay."""

    path: Path
    price_sat: int
    title: str
    preview: metadata.Preview | None = None


@dataclass(frozen=True, slots=True)
class PublishedFile:
    """A listing as the seller keeps it; ``link`` is the secret to hand to buyers."""

    link: Link
    title: str
    price_sat: int
    size: int
    sealed_size: int
    seconds: dict[str, float]


async def sell(
    gateway: GatewayClient,
    token: str,
    seed: bytes,
    file_to_sell: FileToSell,
    progress: Progress = lambda done, total: None,
    note: Note = lambda text: None,
) -> PublishedFile:
    """Seal, upload and list ``offer``, signed by the Ed25519 ``seed``.

    Nothing is left behind on the gateway when it fails: the keys live here only, so half an upload is worthless.
    """
    file_id, link_share, gateway_share = (
        new_file_id(),
        key_derivation.new_link_share(),
        key_derivation.new_gateway_share(),
    )
    key = key_derivation.file_key(link_share, gateway_share, file_id)
    with closing(SealedFile(file_to_sell.path, key, key_derivation.file_context(file_id))) as sealed:
        if sealed.plain_size == 0:
            raise EmptyFile("this file is empty")
        await _check_terms(gateway, token, file_to_sell, sealed.size)
        started = time.perf_counter()
        try:
            await _upload(gateway, token, file_id, sealed, progress, note)
            listing = _listing(file_to_sell, sealed, file_id, link_share, gateway_share, seed)
            await _publish(gateway, token, file_id, listing)
        except BaseException:
            await _forget(gateway, token, file_id)
            raise
    upload = time.perf_counter() - started - sealed.seconds
    return PublishedFile(
        link=Link(gateway.base, file_id, link_share),
        title=safe_names.title(file_to_sell.title),
        price_sat=file_to_sell.price_sat,
        size=sealed.plain_size,
        sealed_size=sealed.size,
        seconds={"seal": round(sealed.seconds, 3), "upload": round(max(upload, 0.0), 3)},
    )


def read_preview(path: Path) -> metadata.Preview:
    """Return the free sample in a file, by its extension; raise BadInput for a kind or size that cannot be shown."""
    media_type = mimetypes.guess_type(path.name)[0]
    if media_type not in metadata.PREVIEW_TYPES:
        raise BadInput("a preview is a PNG, JPEG or WebP image, or a .txt file")
    with open_regular(path) as file:
        content = file.read(metadata.MAX_PREVIEW + 1)
    if not content:
        raise EmptyFile("the preview is empty")
    if len(content) > metadata.MAX_PREVIEW:
        raise BadInput("the preview is over 256 KiB", hint="Make the picture smaller.")
    return metadata.Preview(media_type, content)


async def _check_terms(gateway: GatewayClient, token: str, file_to_sell: FileToSell, sealed_size: int) -> None:
    """Refuse before the upload what would be refused after it."""
    safe_names.title(file_to_sell.title)
    seller = await gateway.call(SellerInfo, "GET", "/seller", bearer=token)
    if seller.payout is None:
        raise SalesPaused(
            "this seller has nowhere to be paid yet",
            hint="Give a payout descriptor first: on the gateway's page /sell, or with bitcache init --descriptor.",
        )
    price(file_to_sell.price_sat, dust=seller.min_price_sat)
    if sealed_size > seller.max_file_bytes:
        raise UploadTooLarge("the file is larger than this gateway takes")


async def _upload(
    gateway: GatewayClient, token: str, file_id: FileId, sealed: SealedFile, progress: Progress, note: Note
) -> None:
    about = {
        "Tus-Resumable": "1.0.0",
        "Upload-Length": str(sealed.size),
        "Upload-Metadata": f"file_id {base64.b64encode(file_id.encode()).decode()}",
    }
    async with gateway.open("POST", "/uploads", bearer=token, headers=about):
        offset = 0
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
            about = {"Tus-Resumable": "1.0.0"}
            async with gateway.open("HEAD", f"/uploads/{file_id}", bearer=token, headers=about) as response:
                return _offset(response.headers.get("Upload-Offset"))
        except GatewayUnreachable as again:
            error = again


def _offset(text: str | None) -> int:
    if text is None or not text.isascii() or not text.isdigit():
        raise GatewayConfused
    return int(text)


async def _publish(gateway: GatewayClient, token: str, file_id: FileId, listing: dict[str, str | None]) -> None:
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


async def _is_listed(gateway: GatewayClient, token: str, file_id: FileId) -> bool:
    page = await gateway.call(Listings, "GET", "/listings", bearer=token)
    return any(entry.file_id == file_id for entry in page.listings)


async def _forget(gateway: GatewayClient, token: str, file_id: FileId) -> None:
    """Try to remove an unfinished upload; it expires on the gateway anyway."""
    about = {"Tus-Resumable": "1.0.0"}
    with suppress(BitcacheError, TimeoutError):
        async with asyncio.timeout(5), gateway.open("DELETE", f"/uploads/{file_id}", bearer=token, headers=about):
            pass


def _listing(
    file_to_sell: FileToSell, sealed: SealedFile, file_id: FileId, link_share: bytes, gateway_share: bytes, seed: bytes
) -> dict[str, str | None]:
    """Return the body of ``POST /listings``: everything sealed, hashed and signed."""
    seller_key = manifest.seller_key(seed)
    about = metadata.Metadata(
        title=file_to_sell.title,
        name=file_to_sell.path.name,
        media_type=mimetypes.guess_type(file_to_sell.path.name)[0] or "application/octet-stream",
        size=sealed.plain_size,
        seller_key=seller_key,
    )
    meta = metadata.seal_metadata(about, link_share, file_id, key_derivation.new_salt())
    preview = None
    if file_to_sell.preview is not None:
        preview = metadata.seal_preview(file_to_sell.preview, link_share, file_id, key_derivation.new_salt())
    hashes = sealed.group_hashes()
    text = manifest.Manifest(
        file_id=file_id,
        sealed_size=sealed.size,
        header=sealed.header,
        group_root=hash_groups.group_root(hashes),
        share_hash=key_derivation.share_hash(gateway_share),
        meta_hash=manifest.digest(meta),
        preview_hash=None if preview is None else manifest.digest(preview),
        price_sat=file_to_sell.price_sat,
        seller_key=seller_key,
    ).text()
    return {
        "manifest": text,
        "signature": b64u(manifest.sign(text, seed)),
        "groups": b64u(b"".join(hashes)),
        "meta": b64u(meta),
        "preview": None if preview is None else b64u(preview),
        "share": b64u(gateway_share),
    }

"""Sealed bytes out: ranges, a strong ETag, sendfile, never a content-encoding.

The bytes of a file id never change, so its ETag is the signed group root.  They may be fetched from the
moment the payment is seen: without the share they are noise.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import BinaryIO

from aiohttp import web
from sqlalchemy import Connection

from bitcache import download_access, listings
from bitcache.blob_store import InternalRedirect, LocalFile, RedirectUrl
from bitcache.errors import PaymentRequired
from bitcache.identifiers import FileId, b64u, parse_file_id
from bitcache.listing_errors import FileDeleted
from bitcache.sealing import manifest
from gateway.api import authentication, byte_ranges
from gateway.api.purchase_views import payment_required
from gateway.context import GatewayContext, context_of


def routes() -> list[web.RouteDef]:
    """Return the routes of this module."""
    return [web.get("/api/v1/files/{file_id}/bytes", sealed_bytes)]


async def sealed_bytes(request: web.Request) -> web.StreamResponse:
    """Send the sealed file, or one range of it, for whoever holds the claim of a payment that was seen."""
    context = context_of(request)
    file_id = parse_file_id(request.match_info["file_id"])
    return await send_sealed(request, file_id, await _etag(context, file_id, authentication.bearer(request)))


async def send_sealed(request: web.Request, file_id: FileId, etag: str) -> web.StreamResponse:
    """Send the sealed file, or the range of it that is asked for, to whoever may have it."""
    context = context_of(request)
    headers = {
        "Accept-Ranges": "bytes",
        "Cache-Control": "no-store, no-transform",
        "Content-Disposition": f'attachment; filename="{file_id}.sealed"',
        "ETag": etag,
    }
    if byte_ranges.not_modified(request, etag):
        return web.Response(status=304, headers=headers)
    match await context.blobs.send(file_id):
        case LocalFile(file, size):
            with file:
                return await _send(request, file, size, headers)
        case InternalRedirect(location):
            return web.Response(headers={**headers, "X-Accel-Redirect": location})
        case RedirectUrl(url):
            return web.Response(status=307, headers={"Cache-Control": "no-store", "Location": url})


async def _etag(context: GatewayContext, file_id: FileId, claim: str | None) -> str:
    """Return the version that may be had; raise PaymentRequired with the terms, ClaimMismatch or NotFound."""
    if claim is None:
        raise await payment_required(context, file_id)

    def allowed(conn: Connection) -> str:
        download_access.authorise(conn, claim, file_id)
        offer = listings.get(conn, file_id)
        if offer.removed_at is not None:
            raise FileDeleted
        return offer.manifest

    try:
        text = await context.store.read(allowed)
    except PaymentRequired:
        raise await payment_required(context, file_id, claim) from None
    return f'"{b64u(manifest.parse(text).group_root)}"'


async def _send(request: web.Request, file: BinaryIO, size: int, headers: dict[str, str]) -> web.StreamResponse:
    """Send headers, then the kernel carries the bytes."""
    part = byte_ranges.wanted(request, size, headers["ETag"])
    sent = range(size) if part is None else part
    response = web.StreamResponse(status=200 if part is None else 206, headers=headers)
    response.content_type = "application/octet-stream"
    response.content_length = len(sent)
    if part is not None:
        response.headers["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{size}"
    await response.prepare(request)
    if request.method == "GET" and request.transport is not None:
        with suppress(ConnectionError):  # the buyer went away, and will ask for the rest
            await asyncio.get_running_loop().sendfile(request.transport, file, sent.start, len(sent))
        context_of(request).counters.bytes_served += max(0, file.tell() - sent.start)
    return response

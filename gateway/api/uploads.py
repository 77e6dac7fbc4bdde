"""Step 1 over HTTP: sealed bytes in, by tus 1.0.0 (core with method override, creation, expiration, termination)."""

from __future__ import annotations

import base64
from email.utils import formatdate

from aiohttp import web

from bitcache import uploads
from bitcache.errors import BadInput, DiskFull
from bitcache.identifiers import FileId, parse_file_id
from bitcache.sellers import Seller
from gateway.api import authentication
from gateway.api.request_bodies import pieces
from gateway.context import GatewayContext, context_of

PATH = "/api/v1/uploads"
VERSION = "1.0.0"
_OFFSET_TYPE = "application/offset+octet-stream"


def routes() -> list[web.RouteDef]:
    """Return the routes of this module."""
    file_path = PATH + "/{file_id}"
    return [
        web.options(PATH, capabilities),
        web.options(file_path, capabilities),
        web.post(PATH, create),
        web.head(file_path, progress),
        web.patch(file_path, append),
        web.delete(file_path, terminate),
        web.post(file_path, named_by_header),
    ]


async def named_by_header(request: web.Request) -> web.Response:
    """tus 1.0.0: ``X-HTTP-Method-Override`` names the method where a proxy lets only POST through."""
    meant = {"HEAD": progress, "PATCH": append, "DELETE": terminate}
    method = request.headers.get("X-HTTP-Method-Override", "").upper()
    if method not in meant:
        raise web.HTTPMethodNotAllowed(request.method, [*meant, "OPTIONS"])
    return await meant[method](request)


async def version_header(request: web.Request, response: web.StreamResponse) -> None:
    """Name the version in every tus answer, errors too."""
    if request.path.startswith(PATH):
        response.headers["Tus-Resumable"] = VERSION


async def capabilities(request: web.Request) -> web.Response:
    """Send what this tus server can do."""
    return web.Response(status=204, headers=_capabilities(context_of(request)))


async def create(request: web.Request) -> web.Response:
    """Announce an upload."""
    context, seller = await _enter(request)
    _refuse_other_extensions(request)
    length = _number(request, "Upload-Length")
    file_id = _file_id(request.headers.get("Upload-Metadata", ""))
    limit, quota = context.settings.storage.max_file_bytes, context.seller_quota
    now = context.clock()
    await uploads.begin(context.store, context.blobs, seller.id, file_id, length, limit, now, quota=quota)
    where = {"Location": f"{PATH}/{file_id}", "Upload-Offset": "0"}
    return web.Response(status=201, headers=where | _expires(context, now))


async def progress(request: web.Request) -> web.Response:
    """Send how far the upload is."""
    context, seller = await _enter(request)
    progress_made = await uploads.offset(context.store, context.blobs, seller.id, _id(request))
    stands = {"Upload-Offset": str(progress_made.offset), "Upload-Length": str(progress_made.length)}
    return web.Response(headers=stands | _expires(context, progress_made.grew_at))


async def append(request: web.Request) -> web.Response:
    """Take the next bytes.  What arrived is kept, however this ends."""
    context, seller = await _enter(request)
    file_id, start = _id(request), _number(request, "Upload-Offset")
    if request.content_type != _OFFSET_TYPE:
        raise web.HTTPUnsupportedMediaType(text=f"send the bytes as Content-Type: {_OFFSET_TYPE}")
    if context.blobs.free_bytes() < (request.content_length or 0):  # said before the bytes are sent, if it can be
        raise DiskFull("the disk has no room for this")
    end = await uploads.receive(context.store, context.blobs, seller.id, file_id, start, pieces(request))
    return web.Response(status=204, headers={"Upload-Offset": str(end)} | _expires(context, context.clock()))


async def terminate(request: web.Request) -> web.Response:
    """Forget an upload that is not listed."""
    context, seller = await _enter(request)
    await uploads.forget(context.store, context.blobs, seller.id, _id(request))
    return web.Response(status=204)


async def _enter(request: web.Request) -> tuple[GatewayContext, Seller]:
    """Return a seller who speaks our version of tus."""
    context = context_of(request)
    seller = await authentication.seller(request)
    if request.headers.get("Tus-Resumable") != VERSION:
        raise web.HTTPPreconditionFailed(text=f"send Tus-Resumable: {VERSION}", headers={"Tus-Version": VERSION})
    return context, seller


def _refuse_other_extensions(request: web.Request) -> None:
    """Name what this server does not speak, for whoever set up the client."""
    if "Upload-Defer-Length" in request.headers:
        raise BadInput(
            "uploads of a length that is told later (creation-defer-length) are not taken here",
            hint="Send Upload-Length: the size of a sealed file is known before it is sealed.",
        )
    if "Upload-Concat" in request.headers:
        raise BadInput(
            "uploads in parallel parts (concatenation) are not taken here",
            hint="Turn them off in the client (tus-js-client: parallelUploads: 1), and send one part after the other.",
        )


def _capabilities(context: GatewayContext) -> dict[str, str]:
    return {
        "Tus-Version": VERSION,
        "Tus-Extension": "creation,expiration,termination",
        "Tus-Max-Size": str(context.settings.storage.max_file_bytes),
    }


def _expires(context: GatewayContext, grew_at: float) -> dict[str, str]:
    """Return until when an upload is kept that last grew then (tus 1.0.0, expiration); Unix seconds."""
    return {"Upload-Expires": formatdate(grew_at + context.settings.storage.upload_seconds, usegmt=True)}


def _id(request: web.Request) -> FileId:
    return parse_file_id(request.match_info["file_id"])


def _number(request: web.Request, name: str) -> int:
    text = request.headers.get(name, "")
    if not (text.isascii() and text.isdigit() and len(text) <= 16):
        raise BadInput(f"{name} must be a whole number of bytes")
    return int(text)


def _file_id(metadata: str) -> FileId:
    """``Upload-Metadata: file_id <base64 of the id>``, among other keys."""
    for pair in metadata.split(","):
        key, _, value = pair.strip().partition(" ")
        if key == "file_id":
            try:
                return parse_file_id(base64.b64decode(value, validate=True).decode("ascii"))
            except ValueError:  # no base64, or no ASCII inside or outside of it
                break
    raise BadInput("Upload-Metadata must hold the file_id", hint="Upload-Metadata: file_id <base64 of the id>")

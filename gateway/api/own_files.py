"""What a seller takes along: the sealed bytes of their own files, and the gateway's share of each."""

from __future__ import annotations

from aiohttp import web
from sqlalchemy import Connection

from bitcache import change_listings
from bitcache.access_tokens import Access, Scope
from bitcache.identifiers import FileId, b64u, parse_file_id
from bitcache.listing_errors import FileDeleted
from bitcache.sealing import manifest
from gateway.api import authentication, download, listing_models, models
from gateway.api.money_proof import require_owner
from gateway.api.request_bodies import json_body, reply
from gateway.context import context_of


def routes() -> list[web.RouteDef]:
    """Return the routes of this module."""
    path = "/api/v1/listings/{file_id}"
    return [web.get(path + "/bytes", own_bytes), web.post(path + "/share", own_share)]


async def own_bytes(request: web.Request) -> web.StreamResponse:
    """Send the sealed bytes of a seller's own file, or a range of them."""
    context, file_id = context_of(request), parse_file_id(request.match_info["file_id"])
    seller = await authentication.seller(request, Scope.READ)

    def etag(conn: Connection) -> str:
        row = change_listings.row_of(conn, seller.id, file_id)
        if row.removed_at is not None:
            raise FileDeleted
        return f'"{b64u(manifest.parse(str(row.manifest)).group_root)}"'

    return await download.send_sealed(request, file_id, await context.store.read(etag))


async def own_share(request: web.Request) -> web.Response:
    """Send the gateway's share of a seller's own file; the seller's token proves who asks.

    With the links of an account it opens every file: a session that was taken over must not have it.
    """
    context, file_id = context_of(request), parse_file_id(request.match_info["file_id"])
    access = await authentication.access(request, Scope.ACCOUNT)
    asked = await json_body(request, listing_models.Proof)
    wrapped = await context.store.read(lambda conn: _wrapped_share(conn, access, asked.proof, file_id))
    return reply(models.Share(file_id=file_id, share=b64u(context.master_key.unwrap(wrapped, file_id))))


def _wrapped_share(conn: Connection, access: Access, proof: str | None, file_id: FileId) -> bytes:
    require_owner(conn, access, proof)
    wrapped: bytes = change_listings.row_of(conn, access.seller.id, file_id).wrapped_share
    return wrapped

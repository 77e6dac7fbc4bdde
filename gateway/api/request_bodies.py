"""How bodies are read and written, and how long reading may take.

A JSON body has one deadline for all of it; an upload has one for every piece, so that a slow line is
welcome and a silent one is not.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TypeVar

from aiohttp import StreamReader, web
from pydantic import BaseModel, ValidationError

from bitcache.errors import BadInput
from gateway.context import context_of

M = TypeVar("M", bound=BaseModel)

PIECE = 256 * 1024
#: Most requests are one or two short members; who takes more says so.
SMALL_BODY = 4096
_CLOSE = {"Connection": "close"}


def reply(model: BaseModel, status: int = 200) -> web.Response:
    """Return a model as a JSON response."""
    return web.Response(status=status, text=model.model_dump_json(), content_type="application/json")


async def json_body(request: web.Request, model: type[M], limit: int = SMALL_BODY) -> M:
    """Return the body, of at most ``limit`` bytes, as a ``model``; raise BadInput, HTTP 408, 413 or 415."""
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType(text="send JSON, as Content-Type: application/json")
    raw = await raw_body(request, limit)
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        if first["type"] == "json_invalid":
            raise BadInput("the body is not JSON") from None
        member = ".".join(str(part) for part in first["loc"])
        raise BadInput(f"{member}: {first['msg']}" if member else first["msg"], member=member) from None


async def form_fields(request: web.Request) -> dict[str, str]:
    """Return what a page's form sent; each line ends as it does in JSON.  Raise BadInput."""
    try:
        sent = await request.post()
    except (LookupError, ValueError):
        raise BadInput("the form is in an alphabet that is not known here") from None
    return {name: str(value).replace("\r\n", "\n").strip() for name, value in sent.items()}


async def pieces(request: web.Request) -> AsyncIterator[bytes]:
    """Yield an upload's bytes as they arrive; raise HTTP 408 when they stop coming, 503 when we shut down.

    However they end, what arrived before is given out first.
    """
    context = context_of(request)
    ender = asyncio.create_task(_end_with(context.hub.closed, request.content))
    try:
        while piece := await _piece(request.content, context.settings.limits.stall_seconds):
            yield piece
    except Exception:
        if rest := _left_in(request.content):
            yield rest
        raise
    finally:
        ender.cancel()


def _left_in(content: StreamReader) -> bytes:
    """Return what was received and not read when the connection ended: aiohttp would drop it."""
    if content.exception() is None:
        return b""
    content.set_exception(None)  # type: ignore[arg-type]  # else it gives nothing out
    return content.read_nowait()


async def _piece(content: StreamReader, patience: float) -> bytes:
    try:
        async with asyncio.timeout(patience):
            return await content.read(PIECE)
    except TimeoutError:
        raise web.HTTPRequestTimeout(text="the upload stalled", headers=_CLOSE) from None


async def _end_with(closed: asyncio.Event, content: StreamReader) -> None:
    """End a read that waits for bytes when the gateway shuts down."""
    await closed.wait()
    content.set_exception(web.HTTPServiceUnavailable(text="the gateway is shutting down", headers=_CLOSE))


async def raw_body(request: web.Request, limit: int) -> bytes:
    """Return the body, of at most ``limit`` bytes; raise HTTP 408, 413."""
    announced, body = request.content_length or 0, bytearray()
    try:
        async with asyncio.timeout(context_of(request).settings.limits.body_seconds):
            while announced <= limit and (piece := await request.content.readany()):
                body += piece
                announced = max(announced, len(body))
    except TimeoutError:
        raise web.HTTPRequestTimeout(text="the body came too slowly", headers=_CLOSE) from None
    if announced > limit:
        raise web.HTTPRequestEntityTooLarge(limit, announced, text=f"this takes at most {limit} bytes")
    return bytes(body)

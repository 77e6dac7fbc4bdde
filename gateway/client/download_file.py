"""Step 7 from the buyer's side, and a seller's own files: sealed bytes, however often the connection is lost.

A lost connection or a killed process costs a buyer at most one group.
"""

from __future__ import annotations

from typing import Protocol

import aiohttp

from gateway.client.errors import GatewayConfused, GatewayUnreachable
from gateway.client.gateway_client import Backoff, GatewayClient, refuse_encoding
from gateway.client.part_file import Progress

_PIECE = 256 * 1024


class Growing(Protocol):
    """Where the bytes go: ``offset`` of ``size`` are there."""

    size: int
    offset: int

    def write(self, data: bytes) -> None:
        """Take the next bytes, and count them; raise Tampered."""
        ...


async def download(gateway: GatewayClient, part: Growing, path: str, bearer: str, progress: Progress) -> None:
    """Fill ``part`` from ``path``; raise what the gateway answers, such as PaymentRequired when a payment went away."""
    backoff = Backoff()
    while part.offset < part.size:
        before = part.offset
        try:
            await _fetch(gateway, part, path, bearer, progress)
            lost = GatewayUnreachable("the download ended too early")
        except GatewayUnreachable as error:
            lost = error
        if part.offset > before:
            backoff.progress()
        if part.offset < part.size:
            await backoff.wait(lost)


async def _fetch(gateway: GatewayClient, part: Growing, path: str, bearer: str, progress: Progress) -> None:
    wanted = {"Range": f"bytes={part.offset}-"} if part.offset else {}
    async with gateway.open("GET", path, bearer=bearer, headers=wanted) as response:
        refuse_encoding(response)
        _check_range(response, part.offset)
        async for piece in response.content.iter_chunked(_PIECE):
            part.write(piece)
            progress(part.offset, part.size)


def _check_range(response: aiohttp.ClientResponse, offset: int) -> None:
    given = response.headers.get("Content-Range", "")
    if offset and not given.startswith(f"bytes {offset}-"):
        raise GatewayConfused("the gateway does not resume where it was asked to")

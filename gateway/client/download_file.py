"""Step 7 from the buyer's side: sealed bytes into the part file, group by group.

A lost connection or a killed process costs at most one group.
"""

from __future__ import annotations

import aiohttp

from gateway.client.errors import GatewayConfused, GatewayUnreachable
from gateway.client.gateway_client import Backoff, GatewayClient, refuse_encoding
from gateway.client.part_file import PartFile, Progress

_PIECE = 256 * 1024


async def download(gateway: GatewayClient, part: PartFile, file_id: str, claim: str, progress: Progress) -> None:
    """Fill ``part``, however often the connection is lost; raise PaymentRequired when the payment went away."""
    backoff = Backoff()
    while part.offset < part.size:
        before = part.offset
        try:
            await _fetch(gateway, part, file_id, claim, progress)
            lost = GatewayUnreachable("the download ended too early")
        except GatewayUnreachable as error:
            lost = error
        if part.offset > before:
            backoff.progress()
        if part.offset < part.size:
            await backoff.wait(lost)


async def _fetch(gateway: GatewayClient, part: PartFile, file_id: str, claim: str, progress: Progress) -> None:
    wanted = {"Range": f"bytes={part.offset}-"} if part.offset else {}
    async with gateway.open("GET", f"/files/{file_id}/bytes", bearer=claim, headers=wanted) as response:
        refuse_encoding(response)
        _check_range(response, part.offset)
        async for piece in response.content.iter_chunked(_PIECE):
            part.write(piece)
            progress(part.offset, part.size)


def _check_range(response: aiohttp.ClientResponse, offset: int) -> None:
    given = response.headers.get("Content-Range", "")
    if offset and not given.startswith(f"bytes {offset}-"):
        raise GatewayConfused("the gateway does not resume where it was asked to")

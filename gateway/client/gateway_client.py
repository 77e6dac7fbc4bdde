"""The HTTP client behind ``sell`` and ``buy``: one gateway, its calls, and its errors turned back into ours.

:mod:`gateway.client.sell_file` and :mod:`gateway.client.buy_file` are written on top of it.  A lost connection is
:class:`GatewayUnreachable`, which those two answer with :class:`Backoff` and a resumed purchase.
"""

from __future__ import annotations

import asyncio
import json
import re
import zlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import Any, TypeVar
from urllib.parse import SplitResult, urlsplit

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError
from pydantic import BaseModel, ValidationError

from bitcache import __version__
from bitcache.errors import BadInput, BitcacheError, Denied, InvalidLink, NotFound, WorkRequired
from bitcache.safe_names import printable
from gateway.client.errors import BodyRefused, GatewayConfused, GatewayUnreachable, NotEncrypted
from gateway.config.local_hosts import is_private_path

API = "/api/v1"
MAX_ANSWER = 512 * 1024  #: bytes of a JSON answer
_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=20, sock_read=60)
_LONGEST_SENTENCE = 500  #: characters
_BUSY = (429, 502, 503, 504)
_GZIP, _DEFLATE = 16 + zlib.MAX_WBITS, zlib.MAX_WBITS

Answer = TypeVar("Answer", bound=BaseModel)


class Backoff:
    """Waits between attempts, longer each time, until ``limit`` seconds have passed without progress."""

    def __init__(self, limit: float = 90.0) -> None:
        self._limit = limit
        self.progress()

    def progress(self) -> None:
        """Start counting again: something got through."""
        self._next, self._waited = 0.25, 0.0

    async def wait(self, error: BitcacheError) -> None:
        """Wait, or give up by raising ``error``."""
        if self._waited >= self._limit:
            raise error
        await asyncio.sleep(self._next)
        self._waited += self._next
        self._next = min(self._next * 2, 15.0)


class GatewayClient:
    """Calls to one gateway; make it with :func:`connect`."""

    def __init__(self, base: str, session: aiohttp.ClientSession) -> None:
        self.base = base
        self._session = session

    @asynccontextmanager
    async def open(
        self,
        method: str,
        path: str,
        *,
        bearer: str | None = None,
        headers: Mapping[str, str] = MappingProxyType({}),
        **body: Any,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Yield the answer to one call, its body still to be read; raises the gateway's error as ours."""
        sent = dict(headers)
        if bearer is not None:
            sent["Authorization"] = f"Bearer {bearer}"
        try:
            url = f"{self.base}{API}{path}"
            async with self._session.request(method, url, headers=sent, allow_redirects=False, **body) as response:
                if response.status >= 300:
                    raise _problem(response.status, await read_limited(response, MAX_ANSWER))
                yield response
        except HttpProcessingError:  # a line without end
            raise GatewayConfused("the gateway's answer is too long") from None
        except (aiohttp.ClientError, TimeoutError, ConnectionError) as error:
            raise GatewayUnreachable(f"the gateway at {self.base} does not answer ({type(error).__name__})") from error

    async def call(self, answer: type[Answer], method: str, path: str, **call: Any) -> Answer:
        """Return the answer to one call, as one of :mod:`gateway.api.models`; raise GatewayConfused when it is none."""
        async with self.open(method, path, **call) as response:
            return parse(answer, await read_limited(response, MAX_ANSWER))


@asynccontextmanager
async def connect(base: str, *, insecure_http: bool = False) -> AsyncIterator[GatewayClient]:
    """Yield a client of the gateway at ``base`` (scheme, host and port).

    Raise InvalidLink when that is no address, and NotEncrypted when tokens and claims could be read on the way to it,
    unless ``insecure_http``.
    """
    base = base.rstrip("/")
    url = _address(base)
    if url.scheme == "http" and not insecure_http and not is_private_path(url.hostname or ""):
        raise NotEncrypted(f"{printable(base)} is not encrypted: others could read your token and what you buy")
    headers = {"User-Agent": f"bitcache/{__version__}", "Accept-Encoding": "identity"}
    async with aiohttp.ClientSession(timeout=_TIMEOUT, headers=headers, auto_decompress=False) as session:
        yield GatewayClient(base, session)


def _address(base: str) -> SplitResult:
    """Return the parts of a gateway's address; raise InvalidLink."""
    try:
        url = urlsplit(base)
        if re.fullmatch(r"https?://[^/?#@\s]+", base) and url.hostname and url.port != 0:  # .port checks its range
            return url
    except ValueError:
        pass
    raise InvalidLink("this is not the address of a gateway", hint="Give it like https://gateway.example")


def refuse_encoding(response: aiohttp.ClientResponse) -> None:
    """For what is read as it comes: raise GatewayConfused when a proxy encoded it all the same."""
    if response.headers.get("Content-Encoding", "identity").strip().lower() not in ("", "identity"):
        raise GatewayConfused(
            "a server before the gateway compresses what must stay as it is",
            hint="Whoever runs it turns that off for event streams and files.",
        )


async def read_limited(response: aiohttp.ClientResponse, limit: int) -> bytes:
    """Return the whole body, which has at most ``limit`` bytes; else GatewayConfused.

    We ask for no encoding (RFC 9110, section 12.5.3), and undo gzip and deflate where a proxy encoded all the same.
    """
    coding = response.headers.get("Content-Encoding", "identity").strip().lower()
    body = bytearray()
    async for piece in response.content.iter_any():
        body += piece
        if len(body) > limit:
            raise GatewayConfused("the gateway's answer is too long")
    return bytes(body) if coding in ("", "identity") else _decoded(bytes(body), coding, limit)


def _decoded(body: bytes, coding: str, limit: int) -> bytes:
    """Return a body without its encoding, unpacked no further than ``limit`` bytes; raise GatewayConfused."""
    if not body:  # HEAD, and 204
        return body
    if coding not in ("gzip", "x-gzip", "deflate"):
        raise GatewayConfused(f"the answer is encoded as {printable(coding[:20])}, which was not asked for")
    raw_deflate = coding == "deflate" and body[0] & 0x0F != zlib.DEFLATED
    decoder = zlib.decompressobj(-_DEFLATE if raw_deflate else _DEFLATE if coding == "deflate" else _GZIP)
    try:
        inflated = decoder.decompress(body, limit + 1)
    except zlib.error:
        raise GatewayConfused("the answer's encoding is damaged") from None
    if len(inflated) > limit:
        raise GatewayConfused("the gateway's answer is too long")
    if not decoder.eof:
        raise GatewayConfused("the answer's encoding is damaged")
    return inflated


def parse(answer: type[Answer], text: bytes | str) -> Answer:
    """Return one of our models from JSON; members that a newer gateway added are passed over."""
    details = _object(text)
    known = {name: value for name, value in details.items() if name in answer.model_fields}
    try:
        return answer.model_validate(known)
    except ValidationError:
        raise GatewayConfused from None


def _object(body: bytes | str) -> dict[str, Any]:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        raise GatewayConfused from None
    if not isinstance(answer, dict):
        raise GatewayConfused
    return answer


def _problem(status: int, body: bytes) -> BitcacheError:
    """Return the error in a problem document (RFC 9457), or the nearest one to its status."""
    try:
        details = _object(body)
    except GatewayConfused:
        details = {}
    kind = _known_codes().get(str(details.get("code"))) or _by_status(status)
    if kind is BodyRefused:
        return BodyRefused("a server before the gateway takes no body of this size")
    message = _said(details.get("detail") or details.get("title") or f"the gateway answered {status}")
    hint = None if not details.get("hint") else _said(details["hint"])
    if issubclass(kind, WorkRequired):
        return kind(message, hint=hint, challenge=str(details.get("challenge"))[:100], bits=_whole(details.get("bits")))
    return kind(message, hint=hint)


def _whole(number: object) -> int:
    """Return a number that the gateway sent, or -1 if it is not a whole number."""
    return number if isinstance(number, int) and not isinstance(number, bool) else -1


def _said(text: object) -> str:
    """Return text that the gateway sent, printable and shortened."""
    return printable(str(text)[:_LONGEST_SENTENCE])


def _by_status(status: int) -> type[BitcacheError]:
    if status in _BUSY:
        return GatewayUnreachable
    named: dict[int, type[BitcacheError]] = {400: BadInput, 401: Denied, 403: Denied, 404: NotFound, 422: BadInput}
    named |= {413: BodyRefused}  # without a code of ours it comes from a proxy
    return named.get(status, GatewayConfused)


def _known_codes(root: type[BitcacheError] = BitcacheError) -> dict[str, type[BitcacheError]]:
    codes = {root.code: root}
    for kind in root.__subclasses__():
        codes |= _known_codes(kind)
    return codes

"""JSON over HTTP from servers that strangers name: bounded, without redirects, and never from this machine."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import aiohttp
from yarl import URL

from bitcache.chain_errors import WalletMisbehaved, WalletRefused, WalletUnreachable
from wallet.lightning import public_hosts

ANSWER_SECONDS = 6.0
LARGEST_ANSWER = 64 * 1024
#: They say that the server is at fault, or that it is asked too often (RFC 9110, RFC 6585).
_TRY_LATER = frozenset({408, 425, 429}) | frozenset(range(500, 600))


class PublicJson:
    """Connects when it is first asked.  ``private``: hosts may be on this machine, and plain HTTP."""

    def __init__(self, *, private: bool, headers: Mapping[str, str] | None = None) -> None:
        self._private, self._headers = private, headers
        self._http: aiohttp.ClientSession | None = None

    async def get(self, url: URL) -> dict[str, Any]:
        """Return what is there; raise WalletUnreachable, WalletRefused, WalletMisbehaved, none of which quotes it."""
        return await self.call("GET", url)

    async def call(self, method: str, url: URL, body: Any = None) -> dict[str, Any]:
        """Return the answer to a request with this JSON body; raise as :meth:`get`."""
        if url.scheme != "https" and not self._private:
            raise WalletRefused("the wallet's server is not reached by https")
        try:
            async with self._session().request(method, url, json=body, allow_redirects=False) as response:
                answer = await response.content.read(LARGEST_ANSWER + 1)
                while len(answer) <= LARGEST_ANSWER and (more := await response.content.read(LARGEST_ANSWER)):
                    answer += more
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError):
            raise WalletUnreachable("the wallet's server does not answer") from None
        return _object(response.status, answer)

    async def close(self) -> None:
        """Hang up."""
        if self._http is not None:
            await self._http.close()

    def _session(self) -> aiohttp.ClientSession:
        if self._http is None:
            self._http = aiohttp.ClientSession(
                connector=public_hosts.connector(private=self._private),
                timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS),
                headers={"Accept-Encoding": "identity", **(self._headers or {})},
                auto_decompress=False,  # a small answer must not become a large one
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._http


def _object(status: int, answer: bytes) -> dict[str, Any]:
    if status in _TRY_LATER:
        raise WalletUnreachable("the wallet's server asks to be asked later")
    if status >= 300:
        raise WalletRefused(f"the wallet's server answers {status}", wallet_code=str(status))
    if len(answer) > LARGEST_ANSWER:
        raise WalletMisbehaved("the wallet's server answers too much")
    try:
        body = json.loads(answer)
    except (ValueError, RecursionError):
        raise WalletMisbehaved("the wallet's answer is no JSON") from None
    if not isinstance(body, dict):
        raise WalletMisbehaved("the wallet's answer is no object")
    return body

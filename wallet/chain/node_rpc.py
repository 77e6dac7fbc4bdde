"""JSON-RPC to a Bitcoin node.  Amounts arrive as Decimal; errors as ours; credentials are never shown."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
from yarl import URL

from bitcache.chain_errors import (
    ChainError,
    NodeAuthFailed,
    NodeCallForbidden,
    NodePruned,
    NodeRefused,
    NodeUnreachable,
    NodeWarmingUp,
)
from bitcache.errors import InvalidSettings

WARMING_UP = -28
NOT_FOUND = -5
#: Above this many bytes JSON is parsed in a thread, so that a block does not stop the event loop.
LARGE = 1_000_000

Call = tuple[Any, ...]  #: method, then its parameters


class NodeRpc:
    """One node.  With ``cookie``, that file's user and password are used, and read again when refused."""

    def __init__(
        self, url: str, *, cookie: Path | None = None, user: str = "", password: str = "", timeout: float = 60.0
    ) -> None:
        try:
            full = URL(url)
        except ValueError:  # "from None": it quotes the address, which may hold a password
            raise InvalidSettings("the address of the node's RPC cannot be read", setting="chain.rpc_url") from None
        self._url = full.with_user(None)
        self._cookie = cookie
        self._auth = _basic(user or full.user or "", password or full.password or "")
        self._timeout = timeout
        self._session: aiohttp.ClientSession | None = None

    def __repr__(self) -> str:
        return f"NodeRpc({self._url})"

    @property
    def host(self) -> str:
        """The node's host name."""
        return self._url.host or "127.0.0.1"

    async def close(self) -> None:
        """Close its connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def __aenter__(self) -> NodeRpc:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def call(self, method: str, *params: Any, timeout: float | None = None) -> Any:
        """Return one call's result; raises a ChainError."""
        answer = await self._exchange({"id": 0, "method": method, "params": params}, timeout)
        return _result(method, answer)

    async def batch(self, calls: Sequence[Call]) -> list[Any]:
        """Return the results of many calls in order; a call that was refused gives its ChainError instead."""
        if not calls:
            return []
        asked = [{"id": number, "method": method, "params": rest} for number, (method, *rest) in enumerate(calls)]
        answers = await self._exchange(asked, None)
        if not isinstance(answers, list) or len(answers) != len(calls):
            raise _refusal(str(calls[0][0]), answers)
        by_id = {answer.get("id"): answer for answer in answers if isinstance(answer, dict)}
        return [_outcome(str(call[0]), by_id.get(number)) for number, call in enumerate(calls)]

    async def rest(self, path: str) -> bytes | None:
        """Return what the node's REST interface has at ``path``; None where it has nothing or is switched off.

        A block costs the node a tenth of what it costs by RPC.
        """
        try:
            async with self._open_session().get(self._url.join(URL("/" + path)), timeout=self._limit()) as response:
                return await response.read() if response.status == 200 else None
        except (TimeoutError, aiohttp.ClientError, OSError):
            return None

    async def _exchange(self, body: Any, timeout: float | None) -> Any:
        """Post, and parse what comes back; once more with the fresh cookie when refused."""
        if self._cookie is not None and not self._auth:
            self._auth = await asyncio.to_thread(_read_cookie, self._cookie)
        status, raw = await self._post(body, timeout)
        if status == 401 and self._cookie is not None:  # a restarted node has a new cookie
            self._auth = await asyncio.to_thread(_read_cookie, self._cookie)
            status, raw = await self._post(body, timeout)
        if status == 403:
            raise await self._forbidden(body)
        _check_status(status)
        try:
            return await asyncio.to_thread(_parse, raw) if len(raw) > LARGE else _parse(raw)
        except ValueError as error:
            raise NodeUnreachable("what answers there is not a Bitcoin node") from error

    async def _forbidden(self, body: Any) -> ChainError:
        """Return what 403 means.

        A node that takes calls from here answers 401 without credentials, others 403 again.
        """
        status, _ = await self._post(body, None, anonymous=True)
        if status != 401:
            return NodeAuthFailed(
                "the node does not take calls from this machine",
                hint="Add this machine's address to rpcallowip in the node's bitcoin.conf, and restart it.",
            )
        calls = body if isinstance(body, list) else [body]
        methods = tuple(dict.fromkeys(str(call["method"]) for call in calls))
        return NodeCallForbidden(f"the node's rpcwhitelist does not allow {' or '.join(methods)}")

    async def _post(self, body: Any, timeout: float | None, *, anonymous: bool = False) -> tuple[int, bytes]:
        headers = {"Authorization": self._auth} if self._auth and not anonymous else {}
        try:
            async with self._open_session().post(
                self._url, json=body, headers=headers, timeout=self._limit(timeout)
            ) as response:
                return response.status, await response.read()
        except TimeoutError as error:
            raise NodeUnreachable(f"{self._url} does not answer in time") from error
        except (aiohttp.ClientError, OSError) as error:
            raise NodeUnreachable(f"{self._url} does not answer") from error

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession()
        return self._session

    def _limit(self, seconds: float | None = None) -> aiohttp.ClientTimeout:
        return aiohttp.ClientTimeout(total=seconds or self._timeout, connect=10)


def is_not_found(error: ChainError) -> bool:
    """Return whether the node refused because it does not know the block or transaction."""
    return error.details.get("rpc_code") == NOT_FOUND


def _basic(user: str, password: str) -> str:
    return aiohttp.encode_basic_auth(user, password) if user else ""


def _read_cookie(path: Path) -> str:
    try:
        user, _, password = path.read_text().strip().partition(":")
    except FileNotFoundError as error:
        raise NodeUnreachable("its cookie file is not there: the node is not running, or keeps it elsewhere") from error
    except OSError as error:
        raise NodeAuthFailed("the node's cookie file cannot be read by this user") from error
    return _basic(user, password)


def _parse(raw: bytes) -> Any:
    return json.loads(raw, parse_float=Decimal)


def _check_status(status: int) -> None:
    """HTTP-level refusals; 200, 404 and 500 carry an answer."""
    if status == 401:
        raise NodeAuthFailed("the node refuses this user name and password")
    if status == 503:
        raise NodeUnreachable("the node is overloaded or shutting down")


def _result(method: str, answer: Any) -> Any:
    if not isinstance(answer, dict) or "result" not in answer or answer.get("error"):
        raise _refusal(method, answer)
    return answer["result"]


def _outcome(method: str, answer: Any) -> Any:
    try:
        return _result(method, answer)
    except ChainError as error:
        return error


def _refusal(method: str, answer: Any) -> ChainError:
    """Return a node's error in our words."""
    error = answer.get("error") if isinstance(answer, dict) else None
    if not isinstance(error, dict):
        return NodeUnreachable("what answers there is not a Bitcoin node")
    code, message = error.get("code"), str(error.get("message", ""))
    if code == WARMING_UP:
        return NodeWarmingUp(f"the node is starting: {message}")
    if "pruned data" in message:
        return NodePruned("the node has pruned a block that must be read")
    return NodeRefused(f"the node refused {method}: {message}", rpc_code=code)

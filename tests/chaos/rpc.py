"""JSON-RPC to the node with nothing but the standard library: independent of ``wallet.chain.node_rpc``."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

WARMING_UP = -28


class NodeDown(Exception):
    """The node does not answer, or is starting."""


class Refused(Exception):
    """The node said no."""


class Rpc:
    """One connection, made anew whenever the node was away."""

    def __init__(self, port: int, cookie: Path) -> None:
        self._port, self._cookie = port, cookie
        self._connection: http.client.HTTPConnection | None = None

    def __call__(self, method: str, *params: Any) -> Any:
        """One call's result; raises NodeDown or Refused."""
        body = json.dumps({"id": 0, "method": method, "params": params})
        try:
            answer = json.loads(self._post(body), parse_float=Decimal)
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.forget()
            raise NodeDown(f"{method}: {type(error).__name__}") from error
        if refusal := answer.get("error"):
            kind = NodeDown if refusal["code"] == WARMING_UP else Refused
            raise kind(f"{method}: {refusal['message']}")
        return answer["result"]

    def forget(self) -> None:
        """Close the connection; the next call makes another."""
        if self._connection is not None:
            with contextlib.suppress(OSError):
                self._connection.close()
        self._connection = None

    def _post(self, body: str) -> bytes:
        if self._connection is None:
            self._connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        token = base64.b64encode(self._cookie.read_bytes().strip()).decode()
        self._connection.request("POST", "/", body, {"Authorization": f"Basic {token}"})
        return self._connection.getresponse().read()

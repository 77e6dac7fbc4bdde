"""A service for Lightning addresses (LUD-06, LUD-16, LUD-21) before a simulated wallet.

It is ours: no such service can be installed from a package registry.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web
from support.loopback import on_loopback

from bitcache.money import Sat
from wallet.lightning.bolt11_invoice import decode
from wallet.lightning.simulated_lightning import SimulatedLightning


@dataclass
class LnurlService:
    """``answers`` replaces what it says as "terms", "callback" or "verify"; a callable gets its own answer."""

    wallet: SimulatedLightning
    host: str = ""
    answers: dict[str, Any] = field(default_factory=dict)
    expiry_seconds: int = 86_000
    made: list[str] = field(default_factory=list)

    @property
    def address(self) -> str:
        """Return the address of its one user."""
        return f"ada@{self.host}"

    async def terms(self, request: web.Request) -> web.Response:
        """Say how the user is paid (LUD-06)."""
        return self._answer(
            "terms",
            {
                "tag": "payRequest",
                "callback": f"http://{self.host}/callback?user=ada",
                "minSendable": 1000,
                "maxSendable": 100_000_000,
                "metadata": '[["text/plain", "Ada"]]',
            },
        )

    async def callback(self, request: web.Request) -> web.Response:
        """Make an invoice."""
        amount = Sat(int(request.query["amount"]) // 1000)
        made = await self.wallet.make_invoice(amount, expiry_seconds=self.expiry_seconds, description="Ada")
        self.made.append(made.text)
        verify = f"http://{self.host}/verify/{decode(made.text).payment_hash.hex()}"
        return self._answer("callback", {"status": "OK", "pr": made.text, "routes": [], "verify": verify})

    async def verify(self, request: web.Request) -> web.Response:
        """Say whether an invoice was paid (LUD-21)."""
        [invoice] = [
            text for text in self.made if decode(text).payment_hash.hex() == request.match_info["payment_hash"]
        ]
        seen = await self.wallet.look_up(decode(invoice))
        settled = seen.state == "settled"
        preimage = seen.preimage.hex() if seen.preimage else None
        return self._answer("verify", {"status": "OK", "settled": settled, "preimage": preimage, "pr": invoice})

    def pay(self, invoice: str) -> bytes:
        """Pay one of its invoices; return the preimage."""
        preimage = self.wallet.pay(invoice)
        assert hashlib.sha256(preimage).digest() == decode(invoice).payment_hash
        return preimage

    def _answer(self, step: str, honest: dict[str, Any]) -> web.Response:
        other = self.answers.get(step)
        said = other(honest) if callable(other) else other
        return said if isinstance(said, web.Response) else web.json_response(said or honest)


@asynccontextmanager
async def lnurl_service(folder: Path) -> AsyncIterator[LnurlService]:
    """Run it on loopback."""
    service = LnurlService(SimulatedLightning("regtest", folder / "address.sqlite", lambda: int(time.time())))
    routes = [
        web.get("/.well-known/lnurlp/ada", service.terms),
        web.get("/callback", service.callback),
        web.get("/verify/{payment_hash}", service.verify),
    ]
    async with on_loopback(routes) as host:
        service.host = host
        yield service

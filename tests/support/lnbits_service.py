"""What an LNbits server answers to a wallet's keys, before a simulated wallet: written after LNbits 1.6.2."""

from __future__ import annotations

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

INVOICE_KEY, ADMIN_KEY = "a1" * 16, "b2" * 16


@dataclass
class LnbitsService:
    """``answer``: what it says instead, if anything."""

    wallet: SimulatedLightning
    host: str = ""
    answer: web.Response | None = None
    made: dict[str, str] = field(default_factory=dict)

    def connection(self, key: str = INVOICE_KEY) -> str:
        """Return what its user pastes."""
        return f"http://{self.host} {key}"

    async def info(self, request: web.Request) -> web.Response:
        """Describe the wallet; only an admin key is told its id."""
        key = request.headers.get("X-Api-Key")
        if key not in (INVOICE_KEY, ADMIN_KEY):
            return web.json_response({"detail": "Wallet not found."}, status=404)
        known = {"name": "Ada's", "balance": 0}
        return self._say(known | {"id": "c3" * 16} if key == ADMIN_KEY else known)

    async def create(self, request: web.Request) -> web.Response:
        """Make an invoice."""
        asked = await request.json()
        assert asked["out"] is False
        assert request.headers["X-Api-Key"] == INVOICE_KEY
        made = await self.wallet.make_invoice(
            Sat(asked["amount"]), expiry_seconds=asked["expiry"], description=asked["memo"]
        )
        payment_hash = decode(made.text).payment_hash.hex()
        self.made[payment_hash] = made.text
        return self._say({"payment_hash": payment_hash, "bolt11": made.text}, 201)

    async def payment(self, request: web.Request) -> web.Response:
        """Say what became of a payment: to anybody, and more to the wallet's own keys."""
        payment_hash = request.match_info["payment_hash"]
        if payment_hash not in self.made:
            return web.json_response({"detail": "Payment does not exist."}, status=404)
        invoice = decode(self.made[payment_hash])
        seen = await self.wallet.look_up(invoice)
        said: dict[str, Any] = {"paid": seen.state == "settled", "status": seen.state}
        if request.headers.get("X-Api-Key") == INVOICE_KEY:
            said["details"] = {"payment_hash": payment_hash, "amount": invoice.amount_msat}
        return self._say(said)

    def _say(self, honest: dict[str, Any], status: int = 200) -> web.Response:
        return self.answer or web.json_response(honest, status=status)


@asynccontextmanager
async def lnbits_service(folder: Path) -> AsyncIterator[LnbitsService]:
    """Run it on loopback."""
    service = LnbitsService(SimulatedLightning("regtest", folder / "lnbits.sqlite", lambda: int(time.time())))
    routes = [
        web.get("/api/v1/wallet", service.info),
        web.post("/api/v1/payments", service.create),
        web.get("/api/v1/payments/{payment_hash}", service.payment),
    ]
    async with on_loopback(routes) as host:
        service.host = host
        yield service

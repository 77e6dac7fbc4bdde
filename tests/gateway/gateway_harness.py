"""A whole gateway on a real port, with real SQLite, over a simulated chain."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from sales import VerifiedOffer
from support.accounts import descriptor
from support.answers import address_in
from support.eventually import eventually

from bitcache.identifiers import b64u, claim_hash, new_secret
from bitcache.money import Sat
from gateway.compose import check_payout, init_data_folder, running
from gateway.config.load_settings import check
from gateway.config.settings import Settings
from gateway.context import GatewayContext
from gateway.server.app import listening
from wallet.chain.simulated_chain import SimulatedChain
from wallet.rails.simulated import SimulatedRail
from wallet.rails.simulated_wallet_service import SimulatedWallet

TUS = {"Tus-Resumable": "1.0.0"}
OCTETS = {"Content-Type": "application/offset+octet-stream"}


def config_in(folder: Path, **tables: dict[str, Any]) -> Path:
    """A settings file like the ``harness`` fixture's settings."""
    path = folder / "config.toml"
    plain = {
        "bitcoin": {"network": "regtest"},
        "chain": {"source": "simulated"},
        "storage": {"directory": str(folder / "data"), "min_free_bytes": 0},
    } | tables
    lines = [
        f"[{name}]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in table.items())
        for name, table in plain.items()
    ]
    path.write_text("\n".join(lines))
    return path


@dataclass
class Answer:
    """A response, read."""

    status: int
    headers: Any
    body: bytes
    json: Any


@dataclass
class Clock:
    """The time, or some seconds later."""

    ahead: int = 0

    def __call__(self) -> int:
        return int(time.time()) + self.ahead


class Calls:
    """What a test asks of a gateway."""

    url: str
    token: str
    http: aiohttp.ClientSession

    async def call(self, method: str, path: str, secret: str | None = None, **rest: Any) -> Answer:
        """One request; ``secret`` goes into the Authorization header; paths under the API need no prefix."""
        headers = dict(rest.pop("headers", {}))
        if secret is not None:
            headers["Authorization"] = f"Bearer {secret}"
        url = self.url + (path if path.startswith(("/f/", "/healthz", "//")) else f"/api/v1{path}")
        async with self.http.request(method, url, headers=headers, **rest) as got:
            body = await got.read()
            is_json = "json" in got.content_type and body
            return Answer(got.status, got.headers, body, await got.json(content_type=None) if is_json else None)

    async def announce(self, file_id: str, length: object) -> Answer:
        """tus creation."""
        named = f"file_id {base64.b64encode(file_id.encode()).decode()}"
        headers = {**TUS, "Upload-Length": str(length), "Upload-Metadata": named}
        return await self.call("POST", "/uploads", self.token, headers=headers)

    async def send(self, file_id: str, offset: int, data: Any, **headers: str) -> Answer:
        """tus core: the next bytes."""
        sent = {**TUS, **OCTETS, "Upload-Offset": str(offset), **headers}
        return await self.call("PATCH", f"/uploads/{file_id}", self.token, headers=sent, data=data)

    async def stands_at(self, file_id: str) -> int:
        """tus core: how far the upload is."""
        return int((await self.call("HEAD", f"/uploads/{file_id}", self.token, headers=TUS)).headers["Upload-Offset"])

    async def create_listing(self, file_for_sale: VerifiedOffer, **other: Any) -> Answer:
        """Put what was uploaded on sale."""
        return await self.call("POST", "/listings", self.token, json=file_for_sale.listing | other)

    async def sell(self, file_for_sale: VerifiedOffer) -> VerifiedOffer:
        """Upload and list."""
        assert (await self.announce(file_for_sale.file_id, len(file_for_sale.sealed))).status == 201
        assert (await self.send(file_for_sale.file_id, 0, file_for_sale.sealed)).status == 204
        assert (await self.create_listing(file_for_sale)).status == 201
        return file_for_sale

    async def begin(self, file_id: str, claim: str | None = None) -> tuple[str, dict[str, Any]]:
        """A claim secret and its purchase."""
        claim = claim or new_secret()
        got = await self.call("POST", f"/files/{file_id}/purchases", json={"claim_hash": b64u(claim_hash(claim))})
        assert got.status in (200, 201), got.body
        return claim, got.json

    async def lightning_invoice(self, purchase: dict[str, Any]) -> str:
        """The newest Lightning invoice, once the seller's wallet has made it."""

        async def ready() -> str | None:
            now = (await self.call("GET", f"/purchases/{purchase['purchase_id']}")).json
            request = next(way for way in reversed(now["payment_requests"]) if way["rail"] == "lightning")
            assert request["unavailable"] is None, request
            return request["destination"]

        return str(await eventually(ready))


@dataclass
class Client(Calls):
    """A gateway in another process."""

    url: str
    token: str
    http: aiohttp.ClientSession


@dataclass
class GatewayHarness(Calls):
    """A running gateway, its chain, its clock and its seller."""

    context: GatewayContext
    chain: SimulatedChain
    url: str
    token: str
    http: aiohttp.ClientSession
    clock: Clock = field(default_factory=Clock)

    async def pay(self, purchase: dict[str, Any], amount: int | None = None, *, mine: bool = True) -> dict[str, Any]:
        """Pay, and wait until the gateway shows it."""
        await self.chain.pay(address_in(purchase), Sat(amount or purchase["amount_sat"]))
        if mine:
            await self.chain.mine()
        await self.state(purchase, "settled" if mine else "processing")
        return (await self.call("GET", f"/purchases/{purchase['purchase_id']}")).json

    async def state(self, purchase: dict[str, Any], wanted: str) -> None:
        """Wait for a state."""

        async def is_there() -> bool:
            got = await self.call("GET", f"/purchases/{purchase['purchase_id']}")
            return bool(got.json["state"] == wanted)

        await eventually(is_there)


Open = Callable[..., AbstractAsyncContextManager[GatewayHarness]]


def settings_in(folder: Path, **tables: dict[str, Any]) -> Settings:
    """Settings for a test; ``tables`` add to them."""
    plain: dict[str, dict[str, Any]] = {
        "bitcoin": {"network": "regtest"},
        "chain": {"source": "simulated"},
        "server": {"port": 0},
        "storage": {"directory": folder / "data", "min_free_bytes": 0},
    }
    for name, table in tables.items():
        plain[name] = plain.get(name, {}) | table
    return check(plain)


@asynccontextmanager
async def open_harness(folder: Path, **tables: dict[str, Any]) -> AsyncIterator[GatewayHarness]:
    """A gateway with a seller who can be paid."""
    settings = settings_in(folder, **tables)
    terms = await check_payout(settings, descriptor("wpkh"))
    token = await init_data_folder(settings, "Ada", terms=terms)
    async with started(settings, SimulatedChain(), token) as harness:
        yield harness


@asynccontextmanager
async def started(
    settings: Settings, chain: SimulatedChain, token: str, ahead: int = 0, wallet: SimulatedWallet | None = None
) -> AsyncIterator[GatewayHarness]:
    """The gateway on a data folder that is set up; its clock is ``ahead`` by so many seconds.

    With ``wallet`` it has a second rail, over that service.
    """
    async with AsyncExitStack() as stack:
        clock = Clock(ahead)
        preparing = (SimulatedRail(wallet, clock),) if wallet is not None else ()
        context = await stack.enter_async_context(
            running(settings, demo_wallet=chain, clock=clock, preparing=preparing)
        )
        url = await stack.enter_async_context(listening(context))
        http = await stack.enter_async_context(aiohttp.ClientSession())
        yield GatewayHarness(context, chain, url, token, http, clock)

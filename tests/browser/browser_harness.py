"""A real gateway on a simulated chain, with a clock that tests can turn, and a website of another origin."""

from __future__ import annotations

import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from aiohttp import web
from sqlalchemy import select

from bitcache import sellers
from bitcache.money import Sat
from bitcache.sealing.metadata import Preview
from bitcache.storage.tables import invoice, payment_request, wallet_connection
from gateway.client.gateway_client import connect
from gateway.client.sell_file import FileToSell, sell
from gateway.compose import init_data_folder, running
from gateway.config.load_settings import check
from gateway.config.settings import Settings
from gateway.context import GatewayContext
from gateway.server.app import listening
from wallet.chain.simulated_chain import SimulatedChain
from wallet.lightning.simulated_lightning import SCHEME, SimulatedLightning

DESCRIPTOR = (
    "wpkh(tpubDC8msFGeGuwnKG9Upg7DM2b4DaRqg3CUZa5g8v2SRQ6K4NSkxUgd7HsL2XVWbVm39yBA4LAxysQAm397zwQSQoQgewGiYZqrA9DsP4zbQ1M"
    "/0/*)"
)
SEED = bytes(range(32))


@dataclass
class Clock:
    """The gateway's time: real, plus what a test adds."""

    ahead: int = 0

    def __call__(self) -> int:
        return int(time.time()) + self.ahead


@dataclass
class BrowserHarness:
    """The gateway and those who act beside the browser."""

    url: str
    token: str
    context: GatewayContext
    chain: SimulatedChain
    clock: Clock
    folder: Path

    async def payout(self, descriptor: str = DESCRIPTOR) -> None:
        """Say where the seller is paid."""
        async with (
            connect(self.url) as client,
            client.open("PUT", "/seller/payout", bearer=self.token, json={"descriptor": descriptor}),
        ):
            return

    async def lightning(self) -> SimulatedLightning:
        """Connect the simulated Lightning wallet; return it."""
        body = {"connection": SCHEME}
        async with (
            connect(self.url) as client,
            client.open("PUT", "/seller/connection", bearer=self.token, json=body),
        ):
            newest = await self.context.store.read(
                lambda conn: conn.scalar(select(wallet_connection.c.id).order_by(wallet_connection.c.id.desc()))
            )
        wallet = await self.context.connections.of(f"lightning:{newest}")  # type: ignore[attr-defined]
        assert isinstance(wallet, SimulatedLightning)
        return wallet

    async def invoice(self) -> str:
        """Return the newest Lightning invoice."""
        newest = select(payment_request.c.destination).where(payment_request.c.rail == "lightning")
        newest = newest.order_by(payment_request.c.id.desc())
        return str(await self.context.store.read(lambda conn: conn.scalar(newest)))

    async def sell(
        self,
        content: bytes,
        name: str = "song.flac",
        title: str = "A song",
        price: int = 2500,
        preview: Preview | None = None,
    ) -> str:
        """A file on sale; the buyer's link."""
        path = self.folder / name
        path.write_bytes(content)
        async with connect(self.url) as client:
            sold = await sell(client, self.token, SEED, FileToSell(path, price, title, preview))
        return sold.link.text()

    async def pay(self, amount: int | None = None) -> str:
        """Pay the newest invoice: what it asks, or less, or more.  Returns the transaction's id."""
        newest = (
            select(payment_request.c.destination, invoice.c.amount_sat)
            .join_from(invoice, payment_request)
            .order_by(payment_request.c.key_index.desc())
        )
        row = (await self.context.store.read(lambda conn: conn.execute(newest).all()))[0]
        return await self.chain.pay(row.destination, Sat(amount or row.amount_sat))

    async def address(self, index: int) -> str:
        """The address that was given out as number ``index``."""
        destination = select(payment_request.c.destination).where(payment_request.c.key_index == index)
        return str((await self.context.store.read(lambda conn: conn.execute(destination).all()))[0].destination)

    async def pause(self, reason: str | None) -> None:
        """Stop the seller's sales."""
        await self.context.store.write(lambda conn: sellers.pause_payout(conn, 1, reason))

    async def expire(self) -> None:
        """Let the time of open invoices run out, and the chain go past it."""
        self.clock.ahead += self.context.settings.expiry_seconds + 5
        await self.chain.mine()


@asynccontextmanager
async def gateway(
    folder: Path, *, demo: bool = False, confirmations: int = 1, public_url: str = "", sign_up: str = "closed"
) -> AsyncIterator[BrowserHarness]:
    """A gateway on a free port.  ``demo`` gives it a demo wallet."""
    settings, clock, chain = _settings(folder, confirmations, public_url, sign_up), Clock(), SimulatedChain()
    token = await init_data_folder(settings)
    async with (
        running(settings, demo_wallet=chain, clock=clock) as context,
        listening(_without_demo_wallet(context, demo)) as url,
    ):
        yield BrowserHarness(url, token, context, chain, clock, folder)


def _settings(folder: Path, confirmations: int, public_url: str, sign_up: str) -> Settings:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    return check(
        {
            "bitcoin": {"network": "regtest"},
            "chain": {"source": "simulated"},
            "server": {"port": port} | ({"public_url": public_url} if public_url else {}),
            "storage": {"directory": folder / "data", "min_free_bytes": 0},
            "accounts": {"sign_up": sign_up},
            "invoices": {"confirmations": [[0, confirmations]]},
            "log": {"level": "error"},
        }
    )


def _without_demo_wallet(context: GatewayContext, demo: bool) -> GatewayContext:
    """The simulated chain always brings a demo wallet; a gateway that is no demonstration does not show it."""
    return context if demo else replace(context, demo_wallet=None)


SCRIPT = (
    "window.heard=[];for (const name of ['bitcache:state','bitcache:unlocked'])"
    "document.addEventListener(name, ({ purchaseId, state }) => heard.push([name, { purchaseId, state }]));"
)


@asynccontextmanager
async def website(
    gateway_url: str, link: str, *, host: str = "127.0.0.1", headers: dict[str, str] | None = None, sandbox: str = ""
) -> AsyncIterator[str]:
    """A page of another origin that embeds the widget, under the strict policy that the docs promise works.

    With host "localhost" it is another site too.  ``headers`` are added to the page's; at /framed it is in a frame
    with this ``sandbox``.
    """
    policy = {"Content-Security-Policy": f"default-src 'self' {gateway_url}"}

    async def page(_: web.Request) -> web.Response:
        return web.Response(text=blog(gateway_url, link), content_type="text/html", headers=policy | (headers or {}))

    async def framed(_: web.Request) -> web.Response:
        frame = f'<iframe sandbox="{sandbox}" src="/" style="width:40rem;height:50rem"></iframe>'
        return web.Response(text=f"<!doctype html><title>A portal</title>{frame}", content_type="text/html")

    async def listen(_: web.Request) -> web.Response:
        anyone = {"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin"}
        return web.Response(text=SCRIPT, content_type="text/javascript", headers=anyone)

    async def icon(_: web.Request) -> web.Response:
        return web.Response(status=204)

    app = web.Application()
    routes = (("/", page), ("/framed", framed), ("/listen.js", listen), ("/favicon.ico", icon))
    app.add_routes([web.get(path, handler) for path, handler in routes])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://{host}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def blog(gateway_url: str, link: str) -> str:
    """The page's HTML."""
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>A blog</title><h1>A blog</h1>'
        f'<script type="module" src="{gateway_url}/bitcache-pay.js"></script>'
        '<script src="/listen.js"></script>'
        f'<bitcache-pay><a href="{link}">Buy the song</a></bitcache-pay><aside id="aside"></aside>'
    )

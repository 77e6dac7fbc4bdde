"""Connections that break, again and again: uploads and downloads go on, and lose nothing."""

from __future__ import annotations

import asyncio
import os
import random
from pathlib import Path

import pytest
from support.flaky_proxy import flaky_proxy

from bitcache.errors import BitcacheError, NotFound
from bitcache.identifiers import new_file_id
from bitcache.money import Sat
from gateway.api.models import Listings
from gateway.client import piece_size, sell_file
from gateway.client.buy_file import FinishedPurchase, PurchaseObserver, buy
from gateway.client.errors import GatewayUnreachable, NotPaidInTime
from gateway.client.gateway_client import GatewayClient, connect
from gateway.client.invoice_terms import onchain_request
from gateway.client.sell_file import FileToSell, PublishedFile, sell
from gateway.client.verified_offer import VerifiedOffer, look
from gateway.demo.demonstration import Demo

SIZE = 5 * 2**20 + 3


@pytest.fixture
def file_to_sell(tmp_path: Path) -> FileToSell:
    """Five MiB and a bit."""
    path = tmp_path / "song.flac"
    path.write_bytes(os.urandom(SIZE))
    return FileToSell(path, Sat(2500), "Song")


async def buy_through(demo: Demo, gateway: GatewayClient, offer: VerifiedOffer, folder: Path) -> FinishedPurchase:
    """Buy by way of ``gateway``; pay as soon as there is an invoice."""
    invoiced: asyncio.Queue[str] = asyncio.Queue()

    class Watching(PurchaseObserver):
        def invoice(self, purchase: object, offer: VerifiedOffer) -> None:
            invoiced.put_nowait(onchain_request(purchase).address)  # type: ignore[attr-defined]

    buying = asyncio.create_task(buy(gateway, offer, folder / "out", folder / "state", timeout=60, observer=Watching()))
    assert demo.context.demo_wallet is not None
    await demo.context.demo_wallet.pay(await asyncio.wait_for(invoiced.get(), 20), Sat(2500))
    await demo.context.demo_wallet.mine()
    return await buying


async def sell_through(demo: Demo, url: str, file_to_sell: FileToSell) -> PublishedFile:
    """Sell by way of the proxy."""
    async with connect(url) as gateway:
        return await sell(gateway, demo.token, demo.seed, file_to_sell)


async def test_an_upload_goes_on_where_it_stopped(
    demo: Demo, file_to_sell: FileToSell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(piece_size, "PIECE", 2**20)
    dice = random.Random(402)
    async with flaky_proxy(demo.gateway.base, lambda: dice.randrange(5_000, 3_000_000)) as proxy:
        sold = await sell_through(demo, proxy.url, file_to_sell)
        assert proxy.cuts > 1
    assert (await demo.gateway.call(Listings, "GET", "/listings", bearer=demo.token)).listings[
        0
    ].file_id == sold.link.file_id


async def test_a_download_goes_on_where_it_stopped(demo: Demo, file_to_sell: FileToSell, tmp_path: Path) -> None:
    sold = await sell(demo.gateway, demo.token, demo.seed, file_to_sell)
    offer = await look(demo.gateway, sold.link)
    dice = random.Random(402)
    async with (
        flaky_proxy(demo.gateway.base, lambda: dice.randrange(5_000, 2_000_000)) as proxy,
        connect(proxy.url) as gateway,
    ):
        bought = await buy_through(demo, gateway, offer, tmp_path)
        assert proxy.cuts > 1
    assert bought.path.read_bytes() == file_to_sell.path.read_bytes()


async def test_a_failed_sale_leaves_nothing_on_the_gateway(
    demo: Demo, file_to_sell: FileToSell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The keys lived in the client alone, so what it uploaded is worthless: it takes it away."""
    file_id = new_file_id()
    monkeypatch.setattr(sell_file, "new_file_id", lambda: file_id)
    asked = {"bearer": demo.token, "headers": {"Tus-Resumable": "1.0.0"}}
    changing = file_to_sell.path.open("ab")

    def change(done: int, total: int) -> None:
        changing.write(b"more")
        changing.flush()

    with pytest.raises(BitcacheError, match="changed"):
        await sell(demo.gateway, demo.token, demo.seed, file_to_sell, change)
    changing.close()
    with pytest.raises(NotFound):
        async with demo.gateway.open("HEAD", f"/uploads/{file_id}", **asked):
            pass
    assert not [path for path in demo.context.settings.storage.directory.rglob("*") if file_id in path.name]


async def test_a_gateway_that_stays_away_is_given_up(
    demo: Demo, file_to_sell: FileToSell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(piece_size, "PIECE", 2**20)
    monkeypatch.setattr("gateway.client.gateway_client.Backoff.__init__.__defaults__", (0.5,))
    left = [900_000]

    def budget() -> int:
        return left.pop() if left else 0

    async with flaky_proxy(demo.gateway.base, budget) as proxy:
        with pytest.raises(GatewayUnreachable):
            await sell_through(demo, proxy.url, file_to_sell)


async def test_an_expired_invoice_is_given_up_and_made_anew(
    demo: Demo, file_to_sell: FileToSell, tmp_path: Path
) -> None:
    """Run again after the expiry: a fresh invoice; but a late payment of the old one opens the file all the same."""
    sold = await sell(demo.gateway, demo.token, demo.seed, file_to_sell)
    offer = await look(demo.gateway, sold.link)
    with pytest.raises(NotPaidInTime):
        await buy(demo.gateway, offer, tmp_path / "out", tmp_path / "state", timeout=0.3)
    bought = await buy_through(demo, demo.gateway, offer, tmp_path)
    assert bought.sha256

"""A gateway that lies: every lie is found before anything is paid, or at the latest before the file is called whole."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path

import pytest
from aiohttp import web
from lying import changed, lying

from bitcache.errors import InvalidLink, Tampered
from bitcache.identifiers import b64u
from bitcache.money import Sat
from bitcache.sealing import manifest
from gateway.client.buy_file import PurchaseObserver, buy
from gateway.client.errors import GatewayConfused, GatewayUnreachable, NotPaidInTime
from gateway.client.gateway_client import connect
from gateway.client.invoice_terms import onchain_request
from gateway.client.saved_purchases import SavedPurchases
from gateway.client.sell_file import PublishedFile
from gateway.client.verified_offer import VerifiedOffer, look
from gateway.demo.demonstration import Demo


async def test_an_honest_one_passes(demo: Demo, sold: PublishedFile) -> None:
    async with lying(demo, lambda path, body: body) as gateway:
        offer = await look(gateway, sold.link)
    assert (offer.metadata.title, offer.manifest.price_sat) == ("Song", 2500)


async def test_another_price(demo: Demo, sold: PublishedFile) -> None:
    async with lying(demo, changed(sold.link.file_id, price_sat=9999)) as gateway:
        with pytest.raises(Tampered, match="price"):
            await look(gateway, sold.link)


async def test_a_manifest_that_the_operator_signed_itself(demo: Demo, sold: PublishedFile) -> None:
    """Only the metadata, which the operator cannot make, says whose signature is the right one."""
    offer = await look(demo.gateway, sold.link)
    seed = os.urandom(32)
    own = dataclasses.replace(offer.manifest, price_sat=9999, seller_key=manifest.seller_key(seed)).text()
    lie = changed(sold.link.file_id, manifest=own, signature=b64u(manifest.sign(own, seed)), price_sat=9999)
    async with lying(demo, lie) as gateway:
        with pytest.raises(Tampered, match="somebody else"):
            await look(gateway, sold.link)


@pytest.mark.parametrize("members", [{"signature": b64u(bytes(64))}, {"manifest": "{}"}, {"signature": "x"}])
async def test_nonsense_for_a_manifest(demo: Demo, sold: PublishedFile, members: dict[str, str]) -> None:
    async with lying(demo, changed(sold.link.file_id, **members)) as gateway:
        with pytest.raises(Tampered):
            await look(gateway, sold.link)


async def test_other_metadata(demo: Demo, sold: PublishedFile) -> None:
    """The gateway is blamed for it, not the link."""
    async with lying(demo, changed(sold.link.file_id, meta=b64u(os.urandom(200)))) as gateway:
        with pytest.raises(Tampered):
            await look(gateway, sold.link)


async def test_other_group_hashes(demo: Demo, sold: PublishedFile, tmp_path: Path) -> None:
    async with lying(demo, lambda path, body: bytes(len(body)) if path.endswith("/groups") else body) as gateway:
        offer = await look(gateway, sold.link)
        with pytest.raises(Tampered):
            await buy(gateway, offer, tmp_path / "out", tmp_path / "state", timeout=1)
    assert not (tmp_path / "state").exists(), "nothing was begun"


@pytest.mark.parametrize("answer", [b"", b"[]", b"<html>", b'{"file_id": 1}', b"{" * 100_000, b'"' + b"x" * 10**6])
async def test_no_gateway_at_all(demo: Demo, sold: PublishedFile, answer: bytes) -> None:
    async with lying(demo, lambda path, body: answer) as gateway:
        with pytest.raises(GatewayConfused):
            await look(gateway, sold.link)


async def _pay(demo: Demo, offer: VerifiedOffer, folder: Path) -> None:
    """Get an invoice, pay it, find a block."""
    addresses: list[str] = []
    observer = PurchaseObserver()
    observer.invoice = lambda purchase, offer: addresses.append(onchain_request(purchase).address)  # type: ignore[method-assign]
    with pytest.raises(NotPaidInTime):
        await buy(demo.gateway, offer, folder / "out", folder, timeout=0.2, observer=observer)
    assert demo.context.demo_wallet is not None
    await demo.context.demo_wallet.pay(addresses[0], Sat(2500))
    await demo.context.demo_wallet.mine()


@pytest.mark.parametrize("end", ["/bytes", "/share"])
async def test_other_bytes_or_another_share(demo: Demo, sold: PublishedFile, tmp_path: Path, end: str) -> None:
    offer = await look(demo.gateway, sold.link)
    await _pay(demo, offer, tmp_path)

    def lie(path: str, body: bytes) -> bytes:
        if path.endswith("/bytes") and end == "/bytes":
            return body[:-1] + bytes([body[-1] ^ 1])
        if path.endswith("/share") and end == "/share":
            return json.dumps(json.loads(body) | {"share": b64u(bytes(32))}).encode()
        return body

    async with lying(demo, lie) as gateway:
        with pytest.raises(Tampered):
            await buy(gateway, offer, tmp_path / "out", tmp_path, timeout=20)
    assert not (tmp_path / "out").exists()
    bought = await buy(demo.gateway, offer, tmp_path / "out", tmp_path, timeout=20)
    assert bought.size == 2**20 + 5


async def test_another_file_at_the_second_run(demo: Demo, sold: PublishedFile, tmp_path: Path) -> None:
    """What was being bought is pinned on the buyer's disk."""
    offer = await look(demo.gateway, sold.link)
    await _pay(demo, offer, tmp_path)
    saved = SavedPurchases.of(offer.link, tmp_path).path
    saved.write_text(saved.read_text().replace(offer.manifest.group_root.hex(), "ab" * 32))
    with pytest.raises(Tampered, match="before"):
        await buy(demo.gateway, offer, tmp_path / "out", tmp_path, timeout=1)


@pytest.mark.parametrize("address", ["gateway.example", "http://", "http://a/b", "http://u@a", "ftp://a"])
async def test_what_is_no_address(address: str) -> None:
    with pytest.raises(InvalidLink):
        async with connect(address):
            pass


async def test_nobody_there() -> None:
    async with connect("http://127.0.0.1:1") as gateway:
        with pytest.raises(GatewayUnreachable):
            await gateway.call(web.Response, "GET", "/")  # type: ignore[type-var]

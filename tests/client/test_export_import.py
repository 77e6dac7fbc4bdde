"""Everything is taken along: opened offline by what is in the archive, and sold again by another gateway."""

from __future__ import annotations

import asyncio
import csv
import json
import os
import socket
import subprocess
import sys
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import update

from bitcache import takedowns
from bitcache.account_code import new_account_code, parse, token_of
from bitcache.errors import BadInput
from bitcache.identifiers import FileId
from bitcache.money import Sat
from bitcache.sealing.file_link import Link
from bitcache.sealing.metadata import Preview
from bitcache.storage.tables import listing
from gateway.api.models import DemoPaid, Listing, Listings, Purchase
from gateway.client.buy_file import PurchaseObserver, buy
from gateway.client.errors import TargetExists
from gateway.client.export_archive import ExportReport, export_all
from gateway.client.import_archive import import_all
from gateway.client.sell_file import FileToSell, PublishedFile, sell
from gateway.client.seller_account import SellerAccount, links_of
from gateway.client.verified_offer import VerifiedOffer, look
from gateway.demo.demonstration import Demo, demonstration

CONTENT = os.urandom(3 * 16_384)  #: whole chunks: the last sealed one is empty


def nothing(done: int, total: int) -> None:
    """Nobody looks."""


class Pays(PurchaseObserver):
    """The demo wallet pays what is asked."""

    def __init__(self, demo: Demo) -> None:
        self.demo, self.tasks = demo, list[asyncio.Future[DemoPaid]]()

    def invoice(self, purchase: Purchase, offer: VerifiedOffer) -> None:
        """Pay beside it."""
        body = {"purchase_id": purchase.purchase_id}
        self.tasks.append(asyncio.ensure_future(self.demo.gateway.call(DemoPaid, "POST", "/demo/pay", json=body)))


@pytest.fixture
async def other(tmp_path: Path) -> AsyncIterator[Demo]:
    """Another gateway, with another master key."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    async with demonstration(tmp_path / "other", None, port) as running:
        yield running


async def published(demo: Demo, folder: Path, content: bytes = CONTENT, title: str = "=A song") -> PublishedFile:
    """A file on sale, with a free sample."""
    (folder / "song.flac").write_bytes(content)
    wanted = FileToSell(folder / "song.flac", Sat(2500), title, Preview("text/plain", b"la la"))
    return await sell(demo.gateway, demo.token, demo.seed, wanted)


async def exported(demo: Demo, links: list[Link], target: Path) -> ExportReport:
    """The archive of the demonstration's seller."""
    known = {FileId(link.file_id): link for link in links}
    return await export_all(demo.gateway, SellerAccount.of(demo.token), known, target, nothing, print)


async def pay(demo: Demo, link: Link, folder: Path) -> bytes:
    """What a buyer of this link gets for the demo wallet's money."""
    offer = await look(demo.gateway, link)

    folder.mkdir(exist_ok=True)
    await buy(demo.gateway, offer, folder / "bought", folder, timeout=60, observer=Pays(demo))
    return (folder / "bought").read_bytes()


def opened_by_itself(folder: Path) -> subprocess.CompletedProcess[str]:
    """What open.py says, in an empty environment."""
    command = [sys.executable, "open.py"]
    return subprocess.run(command, cwd=folder, env={}, capture_output=True, text=True, timeout=60)


async def test_what_was_exported_is_opened_by_the_archive_itself(demo: Demo, tmp_path: Path) -> None:
    """By Python with one package, in an empty environment."""
    sold = await published(demo, tmp_path)
    small = await published(demo, tmp_path, b"x", "tiny")
    unknown = await published(demo, tmp_path, b"y", "its link is lost")
    report = await exported(demo, [sold.link, small.link], tmp_path / "all.zip")
    assert (report.files, report.without_link) == (3, 1)
    assert (tmp_path / "all.zip").stat().st_mode & 0o777 == 0o600
    with zipfile.ZipFile(tmp_path / "all.zip") as archive:
        archive.extractall(tmp_path / "unpacked")
    ran = await asyncio.to_thread(opened_by_itself, tmp_path / "unpacked")
    assert ran.returncode == 0, ran.stderr
    opened = {path.name.split(" ")[0]: path.read_bytes() for path in (tmp_path / "unpacked" / "opened").iterdir()}
    assert opened == {sold.link.file_id: CONTENT, small.link.file_id: b"x"}
    assert unknown.link.file_id in ran.stdout


async def test_the_same_link_sells_at_another_gateway(demo: Demo, other: Demo, tmp_path: Path) -> None:
    """Bought before and after; importing again changes nothing."""
    sold = await published(demo, tmp_path)
    assert await pay(demo, sold.link, tmp_path / "first") == CONTENT
    paused = await published(demo, tmp_path, b"paused", "paused")
    path = f"/listings/{paused.link.file_id}"
    await demo.gateway.call(Listing, "PATCH", path, bearer=demo.token, json={"state": "paused"})
    report = await exported(demo, [sold.link], tmp_path / "all.zip")
    assert report.sales == 1
    with zipfile.ZipFile(tmp_path / "all.zip") as archive:
        [row] = csv.DictReader(archive.read("sales.csv").decode().splitlines())
        assert (row["title"], row["amount_sat"], row["file_id"]) == ("'=A song", "2500", sold.link.file_id)
        assert len(json.loads(archive.read("sales.json"))["sales"]) == 1
    for _ in range(2):
        imported = await import_all(other.gateway, other.token, tmp_path / "all.zip", nothing, print)
        by_id = {file.file_id: file for file in imported}
        assert by_id[FileId(paused.link.file_id)].link is None
        there = by_id[FileId(sold.link.file_id)].link
        assert there == Link(other.gateway.base, sold.link.file_id, sold.link.link_share)
    stopped = Link(other.gateway.base, paused.link.file_id, paused.link.link_share)
    assert (await look(other.gateway, stopped)).file.paused == "paused"
    assert there is not None
    assert await pay(other, there, tmp_path / "second") == CONTENT


async def test_limits_are_taken_along(demo: Demo, other: Demo, tmp_path: Path) -> None:
    """What is left to sell is what is sold there; what is over or sold out is paused."""
    files = [await published(demo, tmp_path, bytes([number]), f"limited {number}") for number in range(3)]
    limited, over, sold_out = files
    until = demo.context.clock() + 1_000

    async def limit(sold: PublishedFile, **limits: int) -> None:
        path = f"/listings/{sold.link.file_id}"
        await demo.gateway.call(Listing, "PATCH", path, bearer=demo.token, json=limits)

    await limit(limited, sell_until=until, most_sales=3)
    await limit(over, most_sales=2)
    await limit(sold_out, sell_until=until, most_sales=1)
    for sold in (limited, sold_out):
        await pay(demo, sold.link, tmp_path / sold.link.file_id)
    await demo.context.store.write(
        lambda conn: conn.execute(update(listing).where(listing.c.file_id == over.link.file_id).values(sell_until=5))
    )
    await exported(demo, [sold.link for sold in files], tmp_path / "all.zip")
    said: list[str] = []
    for _ in range(2):
        await import_all(other.gateway, other.token, tmp_path / "all.zip", nothing, said.append)
        seen = await other.gateway.call(Listings, "GET", "/listings", bearer=other.token)
        there = {one.file_id: (one.state, one.sell_until, one.most_sales) for one in seen.listings}
        assert there == {
            limited.link.file_id: ("on_sale", until, 2),
            over.link.file_id: ("paused", None, 2),
            sold_out.link.file_id: ("paused", until, None),
        }
    assert len([text for text in said if "is paused" in text and "sold out" in text]) == 2


async def test_what_the_operator_has_taken_down_is_left_out_and_said(demo: Demo, tmp_path: Path) -> None:
    down, kept = await published(demo, tmp_path, b"down"), await published(demo, tmp_path, b"kept")
    file_id = FileId(down.link.file_id)
    store, now = demo.context.store, demo.context.clock()
    await store.write(lambda conn: takedowns.take_down(conn, file_id, "A court said so.", now))
    said: list[str] = []
    known = {FileId(each.link.file_id): each.link for each in (down, kept)}
    account = SellerAccount.of(demo.token)
    report = await export_all(demo.gateway, account, known, tmp_path / "all.zip", nothing, said.append)
    assert (report.files, report.without_link) == (1, 0)
    assert file_id in said[0]
    assert "A court said so." in said[0]


async def test_an_import_that_broke_goes_on(demo: Demo, other: Demo, tmp_path: Path) -> None:
    sold = await published(demo, tmp_path, os.urandom(9_000_000))
    await exported(demo, [sold.link], tmp_path / "all.zip")

    def break_off(done: int, total: int) -> None:
        if done > 8_500_000:
            importing.cancel()

    importing = asyncio.create_task(import_all(other.gateway, other.token, tmp_path / "all.zip", break_off, print))
    with pytest.raises(asyncio.CancelledError):
        await importing
    seen: list[int] = []

    def note(done: int, total: int) -> None:
        seen.append(done)

    [file] = await import_all(other.gateway, other.token, tmp_path / "all.zip", note, print)
    assert file.link is not None
    assert seen[0] > 8_000_000, "what had arrived is not sent again"


async def test_what_is_no_archive_or_is_there_is_refused(demo: Demo, tmp_path: Path) -> None:
    sold = await published(demo, tmp_path)
    await exported(demo, [sold.link], tmp_path / "all.zip")
    with pytest.raises(TargetExists):
        await exported(demo, [], tmp_path / "all.zip")
    (tmp_path / "text.zip").write_text("no archive")
    packed = zipfile.ZipFile(tmp_path / "packed.zip", "w", zipfile.ZIP_DEFLATED)
    with packed, zipfile.ZipFile(tmp_path / "all.zip") as archive:
        for name in archive.namelist():
            packed.writestr(name, archive.read(name))
    with zipfile.ZipFile(tmp_path / "empty.zip", "w"):
        pass
    for name in ("text.zip", "packed.zip", "empty.zip"):
        with pytest.raises(BadInput):
            await import_all(demo.gateway, demo.token, tmp_path / name, nothing, print)
    assert not list(tmp_path.glob(".*.part"))


async def test_an_account_code_is_told_from_a_token(demo: Demo) -> None:
    code = new_account_code()
    account = SellerAccount.of(code.lower())
    assert account.token == token_of(parse(code))
    assert code not in repr(account)
    assert account.index_key is not None
    assert SellerAccount.of(demo.token) == SellerAccount(demo.token)
    assert await links_of(demo.gateway, SellerAccount.of(demo.token)) == {}

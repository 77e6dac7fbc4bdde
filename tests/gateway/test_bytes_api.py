"""The sealed bytes over HTTP: ranges, versions, HEAD; so that any download can be resumed."""

from __future__ import annotations

import asyncio
import errno

import aiohttp
import pytest
from gateway_harness import GatewayHarness
from sales import VerifiedOffer, content, file_for_sale
from support.blobs import whole_path

from bitcache.blob_store import InternalRedirect, RedirectUrl, Sending
from bitcache.identifiers import b64u
from bitcache.sealing import manifest
from gateway.config.data_folder import DataFolder

SIZE = 200_000


@pytest.fixture
async def bought(harness: GatewayHarness) -> tuple[GatewayHarness, VerifiedOffer, str]:
    """A file whose payment was seen, and the claim."""
    sold = await harness.sell(file_for_sale(content(SIZE)))
    claim, purchase = await harness.begin(sold.file_id)
    await harness.pay(purchase, mine=False)
    return harness, sold, claim


async def test_whole(bought: tuple[GatewayHarness, VerifiedOffer, str]) -> None:
    """Everything, with a strong ETag and no encoding, however much a client would like one."""
    harness, sold, claim = bought
    got = await harness.call(
        "GET", f"/files/{sold.file_id}/bytes", claim, headers={"Accept-Encoding": "gzip, deflate, br"}
    )
    assert (got.status, got.body) == (200, sold.sealed)
    assert "Content-Encoding" not in got.headers
    assert got.headers["Content-Type"] == "application/octet-stream"
    assert got.headers["Content-Disposition"].startswith("attachment")
    assert (got.headers["Accept-Ranges"], got.headers["Cache-Control"]) == ("bytes", "no-store, no-transform")
    root = manifest.parse(sold.listing["manifest"]).group_root
    assert got.headers["ETag"] == f'"{b64u(root)}"'


async def test_head(bought: tuple[GatewayHarness, VerifiedOffer, str]) -> None:
    """The same headers and no bytes; 402 without the claim."""
    harness, sold, claim = bought
    path = f"/files/{sold.file_id}/bytes"
    got = await harness.call("HEAD", path, claim)
    assert (got.status, got.body, got.headers["Content-Length"]) == (200, b"", str(len(sold.sealed)))
    assert (await harness.call("HEAD", path)).status == 402


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=100-299", 100, 299),
        ("bytes=150000-", 150_000, None),
        ("bytes=-500", -500, None),
        ("bytes=200000-999999999", 200_000, None),
        ("bytes=-999999999", 0, None),
    ],
)
async def test_ranges(
    bought: tuple[GatewayHarness, VerifiedOffer, str], asked: str, first: int, last: int | None
) -> None:
    """206 with exactly those bytes, and where they lie."""
    harness, sold, claim = bought
    size = len(sold.sealed)
    start = first % size
    stop = size if last is None else last + 1
    got = await harness.call("GET", f"/files/{sold.file_id}/bytes", claim, headers={"Range": asked})
    assert (got.status, got.body) == (206, sold.sealed[start:stop])
    assert got.headers["Content-Range"] == f"bytes {start}-{stop - 1}/{size}"
    assert got.headers["Content-Length"] == str(stop - start)


@pytest.mark.parametrize("asked", ["bytes=999999999-", "bytes=-0"])
async def test_beyond_the_end(bought: tuple[GatewayHarness, VerifiedOffer, str], asked: str) -> None:
    """416, with the size."""
    harness, sold, claim = bought
    got = await harness.call("GET", f"/files/{sold.file_id}/bytes", claim, headers={"Range": asked})
    assert (got.status, got.json["code"]) == (416, "range_not_satisfiable")
    assert got.headers["Content-Range"] == f"bytes */{len(sold.sealed)}"


@pytest.mark.parametrize("asked", ["bytes=5-2", "bytes=a-b", "bytes=-", "items=0-1", "bytes=0-1,5-9", "0-5"])
async def test_no_range(bought: tuple[GatewayHarness, VerifiedOffer, str], asked: str) -> None:
    """What is no single range is answered with everything, as the standard allows."""
    harness, sold, claim = bought
    got = await harness.call("GET", f"/files/{sold.file_id}/bytes", claim, headers={"Range": asked})
    assert (got.status, got.body) == (200, sold.sealed)


async def test_versions(bought: tuple[GatewayHarness, VerifiedOffer, str]) -> None:
    """If-Range with the ETag resumes, with another version starts over; If-None-Match saves the bytes."""
    harness, sold, claim = bought
    path = f"/files/{sold.file_id}/bytes"
    etag = (await harness.call("HEAD", path, claim)).headers["ETag"]
    same = await harness.call("GET", path, claim, headers={"Range": "bytes=5-", "If-Range": etag})
    assert (same.status, same.body) == (206, sold.sealed[5:])
    for other in ('"other"', "Wed, 21 Oct 2015 07:28:00 GMT", f"W/{etag}"):
        got = await harness.call("GET", path, claim, headers={"Range": "bytes=5-", "If-Range": other})
        assert (got.status, got.body) == (200, sold.sealed)
    known = await harness.call("GET", path, claim, headers={"If-None-Match": etag})
    assert (known.status, known.body, known.headers["ETag"]) == (304, b"", etag)


async def test_a_failing_disk_cuts_the_answer_off(
    bought: tuple[GatewayHarness, VerifiedOffer, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A buyer sees a broken download, which it resumes; never an error message as the file's bytes."""
    harness, sold, claim = bought

    async def fails(*_: object) -> None:
        raise OSError(errno.EIO, "gone")

    with monkeypatch.context() as patch:
        patch.setattr(asyncio.get_running_loop(), "sendfile", fails)
        with pytest.raises(aiohttp.ClientError):
            await harness.call("GET", f"/files/{sold.file_id}/bytes", claim)
    assert (await harness.call("GET", f"/files/{sold.file_id}/bytes", claim)).body == sold.sealed


async def test_a_missing_file_is_our_fault(bought: tuple[GatewayHarness, VerifiedOffer, str]) -> None:
    """A stored file that vanished is the operator's to find, with no path in it."""
    harness, sold, claim = bought
    data = DataFolder(harness.context.settings.storage.directory)
    whole_path(data.blobs, sold.file_id).unlink()
    got = await harness.call("GET", f"/files/{sold.file_id}/bytes", claim)
    assert (got.status, got.json["code"]) == (503, "storage")
    assert b"/" not in got.json["detail"].encode()


@pytest.mark.parametrize(
    ("sending", "status", "header", "value"),
    [
        (InternalRedirect("/sealed/x"), 200, "X-Accel-Redirect", "/sealed/x"),
        (RedirectUrl("https://store.example/x?signed"), 307, "Location", "https://store.example/x?signed"),
    ],
)
async def test_the_store_says_how_it_is_sent(
    harness: GatewayHarness, monkeypatch: pytest.MonkeyPatch, sending: Sending, status: int, header: str, value: str
) -> None:
    """By the proxy in front, or from elsewhere; only to whoever paid."""
    sold = await harness.sell(file_for_sale())
    claim, purchase = await harness.begin(sold.file_id)

    async def send(file_id: str) -> Sending:
        return sending

    monkeypatch.setattr(harness.context.blobs, "send", send)
    path = f"/files/{sold.file_id}/bytes"
    assert (await harness.call("GET", path, claim)).status == 402
    await harness.pay(purchase)
    got = await harness.call("GET", path, claim, allow_redirects=False)
    assert (got.status, got.headers[header], got.body) == (status, value, b"")

"""Uploads over HTTP: tus 1.0.0, and everything that goes wrong on the way."""

from __future__ import annotations

import asyncio
import base64
import errno
import os
import socket
from collections.abc import AsyncIterator
from email.utils import parsedate_to_datetime
from types import SimpleNamespace
from typing import Any

import pytest
from gateway_harness import OCTETS, TUS, Answer, GatewayHarness, Open
from sales import SEED, content, file_for_sale
from support.eventually import eventually

from bitcache.identifiers import FileId, b64u, new_file_id
from bitcache.sealing import manifest
from gateway.compose import maintenance


async def test_capabilities(harness: GatewayHarness) -> None:
    """OPTIONS says what this server can do, to anyone."""
    got = await harness.call("OPTIONS", "/uploads")
    assert got.status == 204
    assert (got.headers["Tus-Version"], got.headers["Tus-Extension"]) == ("1.0.0", "creation,expiration,termination")
    assert int(got.headers["Tus-Max-Size"]) > 5 * 2**30


async def test_in_pieces(harness: GatewayHarness) -> None:
    """Created, sent in two pieces, asked about in between."""
    made = file_for_sale(content(100_000))
    created = await harness.announce(made.file_id, len(made.sealed))
    assert (created.status, created.headers["Upload-Offset"]) == (201, "0")
    assert created.headers["Location"] == f"/api/v1/uploads/{made.file_id}"
    first = await harness.send(made.file_id, 0, made.sealed[:70_001])
    assert (first.status, first.headers["Upload-Offset"]) == (204, "70001")
    head = await harness.call("HEAD", f"/uploads/{made.file_id}", harness.token, headers=TUS)
    assert (head.headers["Upload-Offset"], head.headers["Upload-Length"]) == ("70001", str(len(made.sealed)))
    assert (head.headers["Tus-Resumable"], head.headers["Cache-Control"]) == ("1.0.0", "no-store")
    for answer in (created, first, head):
        kept_until = parsedate_to_datetime(answer.headers["Upload-Expires"]).timestamp()
        assert abs(kept_until - harness.clock() - 7 * 86_400) < 60
    early = await harness.create_listing(made)
    assert (early.status, early.json["code"]) == (409, "upload_incomplete")
    await harness.send(made.file_id, 70_001, made.sealed[70_001:])
    assert (await harness.create_listing(made)).status == 201


async def test_cut_off(harness: GatewayHarness) -> None:
    """What arrived before the line broke is kept, and the upload goes on from there."""
    made = file_for_sale(content(5_000_000))
    await harness.announce(made.file_id, len(made.sealed))
    host, port = harness.url.removeprefix("http://").split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    head = (
        f"PATCH /api/v1/uploads/{made.file_id} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {harness.token}\r\n"
        f"Tus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\nContent-Type: application/offset+octet-stream\r\n"
        f"Content-Length: {len(made.sealed)}\r\n\r\n"
    )
    writer.write(head.encode() + made.sealed[:3_000_000])
    await writer.drain()
    writer.transport.abort()

    async def some_arrived() -> int:
        return await harness.stands_at(made.file_id)

    arrived = await eventually(some_arrived)
    assert 0 < arrived <= 3_000_000
    arrived = await settled_offset(harness, made.file_id)
    assert (await harness.send(made.file_id, arrived, made.sealed[arrived:])).status == 204
    assert (await harness.create_listing(made)).status == 201


@pytest.mark.parametrize("size", [1, 1000, 70_000, 200_000, 400_000, 1_500_000, 3_000_000])
@pytest.mark.parametrize("declared", [True, False], ids=["length", "chunked"])
async def test_closed_at_once(harness: GatewayHarness, size: int, declared: bool) -> None:
    """Every byte that was sent before an orderly close is kept, however soon it came."""
    made = file_for_sale(content(5_000_000))
    await harness.announce(made.file_id, len(made.sealed))
    host, port = harness.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as line:
        body = f"Content-Length: {len(made.sealed)}" if declared else "Transfer-Encoding: chunked"
        head = (
            f"PATCH /api/v1/uploads/{made.file_id} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {harness.token}\r\n"
            f"Tus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\nContent-Type: application/offset+octet-stream\r\n"
            f"{body}\r\n\r\n"
        )
        sent = made.sealed[:size] if declared else b"%x\r\n%b\r\n" % (size, made.sealed[:size])
        await asyncio.to_thread(line.sendall, head.encode() + sent)

    async def all_arrived() -> bool:
        return await harness.stands_at(made.file_id) == size

    await eventually(all_arrived, 10)


async def settled_offset(harness: GatewayHarness, file_id: str) -> int:
    """Where the upload stands once nothing is being written any more."""
    before = -1
    while before != (now := await harness.stands_at(file_id)):
        before = now
        await asyncio.sleep(0.1)
    return now


async def test_larger_than_announced(harness: GatewayHarness) -> None:
    """The surplus is refused; the upload can be finished properly."""
    made = file_for_sale()
    await harness.announce(made.file_id, len(made.sealed))
    got = await harness.send(made.file_id, 0, made.sealed + b"!")
    assert (got.status, got.json["code"]) == (413, "upload_too_large")
    start = await harness.stands_at(made.file_id)
    assert (await harness.send(made.file_id, start, made.sealed[start:])).status == 204


async def test_larger_than_the_limit(open_one: Open) -> None:
    """Refused when announced, before a byte is sent."""
    async with open_one(storage={"max_file_bytes": 10_000}) as harness:
        got = await harness.announce(new_file_id(), 20_000)
        assert (got.status, got.json["code"], got.json["max_bytes"]) == (413, "upload_too_large", 10_000)


async def test_wrong_bytes(harness: GatewayHarness) -> None:
    """One flipped bit: the stored bytes are not those that the manifest signs."""
    made = file_for_sale(content(2_000_000))
    flipped = bytearray(made.sealed)
    flipped[1_500_000] ^= 1
    await harness.announce(made.file_id, len(flipped))
    await harness.send(made.file_id, 0, bytes(flipped))
    got = await harness.create_listing(made)
    assert (got.status, got.json["code"]) == (422, "upload_corrupt")
    assert (await harness.call("GET", f"/files/{made.file_id}")).status == 404
    assert (await harness.call("DELETE", f"/uploads/{made.file_id}", harness.token, headers=TUS)).status == 204
    await harness.sell(made)


async def test_two_uploads_to_one_id(harness: GatewayHarness) -> None:
    """The second is refused, while the first is open and after it is listed."""
    made = file_for_sale()
    await harness.announce(made.file_id, len(made.sealed))
    assert (await harness.announce(made.file_id, 100)).json["code"] == "upload_exists"
    await harness.send(made.file_id, 0, made.sealed)
    await harness.create_listing(made)
    assert (await harness.announce(made.file_id, 100)).status == 409


async def test_two_senders_at_once(harness: GatewayHarness) -> None:
    """Of two pieces for one offset one wins, and no byte is torn."""
    made = file_for_sale(content(400_000))
    await harness.announce(made.file_id, len(made.sealed))
    both = await asyncio.gather(*(harness.send(made.file_id, 0, made.sealed) for _ in range(2)))
    assert sorted(answer.status for answer in both) == [204, 409]
    assert (await harness.create_listing(made)).status == 201


async def test_listing_twice(harness: GatewayHarness) -> None:
    """The same request again gives the same listing; another for the same file is refused."""
    made = await harness.sell(file_for_sale())
    assert (await harness.create_listing(made)).status == 201
    dearer = made.listing["manifest"].replace('"price_sat":2500', '"price_sat":9999')
    got = await harness.create_listing(made, manifest=dearer, signature=b64u(manifest.sign(dearer, SEED)))
    assert (got.status, got.json["code"]) == (409, "upload_exists")


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"Tus-Resumable": "0.2.2"}, 412, "precondition_failed"),
        ({"Content-Type": "application/octet-stream"}, 415, "unsupported_media_type"),
        ({"Upload-Offset": "7"}, 409, "upload_offset"),
        ({"Upload-Offset": "-1"}, 400, "bad_input"),
        ({"Upload-Offset": "x"}, 400, "bad_input"),
        ({"Authorization": "Bearer " + "A" * 43}, 401, "not_signed_in"),
    ],
)
async def test_wrong_headers(harness: GatewayHarness, change: dict[str, str], status: int, code: str) -> None:
    """Each refusal has its status, and names the version spoken."""
    made = file_for_sale()
    await harness.announce(made.file_id, len(made.sealed))
    headers = {**TUS, "Content-Type": "application/offset+octet-stream", "Upload-Offset": "0"}
    signed = headers | {"Authorization": f"Bearer {harness.token}"} | change
    got = await harness.call("PATCH", f"/uploads/{made.file_id}", headers=signed, data=b"x")
    assert (got.status, got.json["code"], got.headers["Tus-Resumable"]) == (status, code, "1.0.0")
    assert await harness.stands_at(made.file_id) == 0


@pytest.mark.parametrize("length", ["", "-5", "1.5", "9" * 30, "71", "nine"])
async def test_impossible_lengths(harness: GatewayHarness, length: str) -> None:
    """No sealed file is shorter than header and tag, or has such a length."""
    assert (await harness.announce(new_file_id(), length)).status in (400, 422)


@pytest.mark.parametrize(
    "file_id", ["", "x", "../../etc/passwd", "A" * 21 + "=", "A" * 4000, b64u(bytes(15)), "é" * 22]
)
async def test_impossible_ids(harness: GatewayHarness, file_id: str) -> None:
    """Empty, enormous or misspelled ids reach neither disk nor database."""
    got = await harness.announce(file_id, 1000)
    assert (got.status, got.json["code"]) in ((400, "invalid_identifier"), (400, "bad_input"))


@pytest.mark.parametrize("metadata", ["", "file_id", "file_id !!!", "name eA==", "file_id /w=="])
async def test_impossible_metadata(harness: GatewayHarness, metadata: str) -> None:
    """Upload-Metadata must hold the id."""
    headers = {**TUS, "Upload-Length": "1000", "Upload-Metadata": metadata}
    assert (await harness.call("POST", "/uploads", harness.token, headers=headers)).status == 400


@pytest.mark.parametrize("value", [b"file_id \xc3\xa9", b"\xff", b"file_id \xff\xfe", "file_id 𝔄".encode()])
async def test_metadata_that_is_not_ascii(harness: GatewayHarness, value: bytes) -> None:
    """Refused like any other that holds no id."""
    answer = await raw_request(
        harness,
        b"POST /api/v1/uploads HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTus-Resumable: 1.0.0\r\n"
        b"Upload-Length: 1000\r\nAuthorization: Bearer %b\r\nUpload-Metadata: %b\r\n\r\n"
        % (harness.token.encode(), value),
    )
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"bad_input" in answer


async def raw_request(harness: GatewayHarness, request: bytes) -> bytes:
    """The answer to bytes that no client library would send."""
    host, port = harness.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(request)
    async with asyncio.timeout(10):
        answer = await reader.read()
    writer.close()
    return answer


@pytest.mark.parametrize(
    ("header", "value", "named"),
    [
        ("Upload-Defer-Length", "1", "creation-defer-length"),
        ("Upload-Concat", "partial", "concatenation"),
        ("Upload-Concat", "final;/api/v1/uploads/a /api/v1/uploads/b", "concatenation"),
    ],
)
async def test_extensions_that_are_not_spoken_are_named(
    harness: GatewayHarness, header: str, value: str, named: str
) -> None:
    """Whoever set up a client learns which of its features to turn off, and how."""
    made = file_for_sale()
    metadata = f"file_id {base64.b64encode(made.file_id.encode()).decode()}"
    headers = {**TUS, "Upload-Metadata": metadata, header: value}
    if header == "Upload-Concat":
        headers["Upload-Length"] = str(len(made.sealed))
    got = await harness.call("POST", "/uploads", harness.token, headers=headers)
    assert (got.status, got.json["code"]) == (400, "bad_input")
    assert named in got.json["detail"]
    assert got.json["hint"]
    assert (await harness.announce(made.file_id, len(made.sealed))).status == 201


async def test_methods_in_a_header(harness: GatewayHarness) -> None:
    """Where PATCH, HEAD and DELETE do not come through, ``X-HTTP-Method-Override`` names them (tus 1.0.0)."""
    made = file_for_sale()
    await harness.announce(made.file_id, len(made.sealed))
    path, offset = f"/uploads/{made.file_id}", {"Upload-Offset": "0", "Content-Type": OCTETS["Content-Type"]}

    async def post(method: str, **rest: Any) -> Answer:
        headers = {**TUS, "X-HTTP-Method-Override": method, **rest.pop("headers", {})}
        return await harness.call("POST", path, headers=headers, **rest)

    assert (await post("PATCH", headers=offset, data=made.sealed)).status == 401
    sent = await post("PATCH", secret=harness.token, headers=offset, data=made.sealed)
    assert (sent.status, sent.headers["Upload-Offset"]) == (204, str(len(made.sealed)))
    told = await post("head", secret=harness.token)
    assert (told.status, told.headers["Upload-Offset"]) == (200, str(len(made.sealed)))
    assert (await post("DELETE", secret=harness.token)).status == 204
    assert (await post("HEAD", secret=harness.token)).status == 404
    for method in ("GET", "PUT", ""):
        refused = await post(method, secret=harness.token)
        assert (refused.status, refused.json["code"]) == (405, "method_not_allowed")


async def test_forgetting(harness: GatewayHarness) -> None:
    """A forgotten upload is gone; a listed file cannot be forgotten."""
    made = file_for_sale()
    await harness.announce(made.file_id, len(made.sealed))
    assert (await harness.call("DELETE", f"/uploads/{made.file_id}", harness.token, headers=TUS)).status == 204
    assert (await harness.call("HEAD", f"/uploads/{made.file_id}", harness.token, headers=TUS)).status == 404
    await harness.sell(made)
    assert (await harness.call("DELETE", f"/uploads/{made.file_id}", harness.token, headers=TUS)).status == 404
    assert (await harness.call("GET", f"/files/{made.file_id}")).status == 200


async def test_a_silent_sender_is_closed(open_one: Open) -> None:
    """An upload that sends nothing more is ended; what arrived is kept."""
    async with open_one(limits={"stall_seconds": 0.3}) as harness:
        made = file_for_sale(content(50_000))
        await harness.announce(made.file_id, len(made.sealed))

        async def a_little() -> AsyncIterator[bytes]:
            yield made.sealed[:1000]
            await asyncio.sleep(5)

        got = await harness.send(made.file_id, 0, a_little())
        assert (got.status, got.json["code"]) == (408, "request_timeout")
        assert await harness.stands_at(made.file_id) == 1000


async def test_disk_full(harness: GatewayHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    """507, nothing half-stored, and the upload goes on when there is room again."""
    made = file_for_sale(content(50_000))
    await harness.announce(made.file_id, len(made.sealed))

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr("bitcache.storage.blob_directory._write", full)
        got = await harness.send(made.file_id, 0, made.sealed)
    assert (got.status, got.json["code"]) == (507, "disk_full")
    start = await harness.stands_at(made.file_id)
    assert (await harness.send(made.file_id, start, made.sealed[start:])).status == 204
    assert (await harness.create_listing(made)).status == 201


async def test_room_is_left_for_the_database(open_one: Open) -> None:
    """Uploads stop before the disk is so full that a payment could not be written."""
    async with open_one(storage={"min_free_bytes": 2**60}) as harness:
        got = await harness.announce(new_file_id(), 1000)
        assert (got.status, got.json["code"]) == (507, "disk_full")


async def test_a_body_of_unknown_length_leaves_room_too(open_one: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunked: nothing is announced, and what fits is kept."""
    async with open_one(storage={"min_free_bytes": 1000}) as harness:
        made = file_for_sale(content(5_000_000))
        await harness.announce(made.file_id, len(made.sealed))
        usage = lambda _: SimpleNamespace(free=3_000_000 - harness.context.blobs.arrived(FileId(made.file_id)).size)  # noqa: E731

        async def chunks() -> AsyncIterator[bytes]:
            for start in range(0, len(made.sealed), 100_000):
                yield made.sealed[start : start + 100_000]

        with monkeypatch.context() as patch:
            patch.setattr("bitcache.storage.blob_directory.shutil.disk_usage", usage)
            got = await harness.send(made.file_id, 0, chunks())
            assert (got.status, got.json["code"]) == (507, "disk_full")
        start = await harness.stands_at(made.file_id)
        assert 1_000_000 < start <= 2_999_000
        assert (await harness.send(made.file_id, start, made.sealed[start:])).status == 204


async def test_the_seller_s_quota_is_told_before_the_first_byte(open_one: Open) -> None:
    async with open_one(accounts={"bytes_per_seller": 2**20, "listings_per_seller": 5}) as harness:
        sold = await harness.sell(file_for_sale())
        shown = (await harness.call("GET", "/seller", harness.token)).json["quota"]
        size = len(sold.sealed)
        assert shown == {"bytes_used": size, "bytes_most": 2**20, "listings_used": 1, "listings_most": 5}
        got = await harness.announce(new_file_id(), 2**20)
        assert (got.status, got.json["code"], got.json["of"]) == (403, "quota_exceeded", "bytes")
        assert str(2**20 - size) in got.json["detail"]


async def test_so_many_at_once(open_one: Open) -> None:
    """A seller who begins uploads without end is stopped; after a week nobody counts them any more."""
    async with open_one(limits={"uploads_per_seller": 1}) as harness:
        first = new_file_id()
        assert (await harness.announce(first, 1000)).status == 201
        got = await harness.announce(new_file_id(), 1000)
        assert (got.status, got.json["code"], got.json["most"]) == (429, "too_many_uploads", 1)
        harness.clock.ahead = 7 * 86_400 - 100
        await maintenance.clear_uploads(harness.context)
        assert await harness.stands_at(first) == 0
        harness.clock.ahead = 7 * 86_400 + 100
        await maintenance.clear_uploads(harness.context)
        assert (await harness.announce(first, 1000)).status == 201

"""Request bodies that are not what they should be, or do not come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from gateway_harness import GatewayHarness, Open
from sales import file_for_sale

from bitcache.identifiers import new_file_id

JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "bad_input"),
        (b"hello", "bad_input"),
        (b"\xff\xfe", "bad_input"),
        (b"[]", "bad_input"),
        (b"null", "bad_input"),
        (b"{}", "bad_input"),
        (b"[" * 4_000, "bad_input"),
        (b'{"claim_hash": 5}', "bad_input"),
        (b'{"claim_hash": "short"}', "bad_input"),
        (b'{"claim_hash": "' + b"A" * 42 + b'B"}', "invalid_identifier"),
        (b'{"claim_hash": "' + b"A" * 43 + b'", "amount_sat": 1}', "bad_input"),
    ],
)
async def test_not_the_json_we_want(harness: GatewayHarness, body: bytes, code: str) -> None:
    """400 with a code and the member's name; what was sent is not repeated."""
    sold = await harness.sell(file_for_sale())
    got = await harness.call("POST", f"/files/{sold.file_id}/purchases", data=body, headers=JSON)
    assert (got.status, got.json["code"]) == (400, code)
    assert len(got.body) < 500


async def test_not_declared_as_json(harness: GatewayHarness) -> None:
    """A form from another site is no request."""
    got = await harness.call("POST", f"/files/{new_file_id()}/purchases", data={"claim_hash": "x"})
    assert (got.status, got.json["code"]) == (415, "unsupported_media_type")


async def test_enormous_and_announced(harness: GatewayHarness) -> None:
    """100 MB are refused by their length alone."""
    host, port = harness.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = f"POST /api/v1/listings HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {harness.token}\r\n"
    writer.write(f"{head}Content-Type: application/json\r\nContent-Length: 100000000\r\n\r\n".encode())
    assert b" 413 " in await asyncio.wait_for(reader.readline(), 5)
    writer.close()


async def test_enormous_and_not_announced(harness: GatewayHarness) -> None:
    """100 MB that come in chunks are refused once they pass the limit."""
    sent = 0

    async def chunks() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(100):
            sent += 1_000_000
            yield b" " * 1_000_000

    try:
        got = await harness.call("POST", "/listings", harness.token, data=chunks(), headers=JSON)
        assert (got.status, got.json["code"]) == (413, "body_too_large")
    except ConnectionError:
        pass  # the gateway hung up while we were still sending, as it should
    assert sent < 50_000_000


@pytest.mark.parametrize(
    ("method", "path", "limit"),
    [
        ("POST", "/files/F/purchases", 4096),
        ("POST", "/demo/pay", 4096),
        ("PUT", "/seller/payout", 40_960),
        ("POST", "/seller/payout/check", 40_960),
    ],
)
async def test_only_listings_may_be_large(harness: GatewayHarness, method: str, path: str, limit: int) -> None:
    """Announced or not, one byte more than the call can need is refused."""

    async def chunks(size: int) -> AsyncIterator[bytes]:
        yield b" " * (size - 10)
        yield b" " * 10

    path = path.replace("/F/", f"/{new_file_id()}/")
    for size, status, code in ((limit, 400, "bad_input"), (limit + 1, 413, "body_too_large")):
        for body in (b" " * size, chunks(size)):
            got = await harness.call(method, path, harness.token, data=body, headers=JSON)
            assert (got.status, got.json["code"]) == (status, code)


async def test_trickling(open_one: Open) -> None:
    """A JSON body has one deadline for all of it."""
    async with open_one(limits={"body_seconds": 0.5}) as harness:

        async def drops() -> AsyncIterator[bytes]:
            for _ in range(50):
                yield b" "
                await asyncio.sleep(0.1)

        sold = await harness.sell(file_for_sale())
        got = await harness.call("POST", f"/files/{sold.file_id}/purchases", data=drops(), headers=JSON)
        assert (got.status, got.json["code"]) == (408, "request_timeout")
        assert got.headers["Connection"] == "close"

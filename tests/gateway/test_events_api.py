"""Server-sent events: the state at once, every change, a heartbeat, and an end in order."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from gateway_harness import GatewayHarness, Open
from sales import file_for_sale
from support.answers import address_in
from support.eventually import eventually

from gateway.api import event_stream


class Stream:
    """An open stream, read event by event."""

    def __init__(self, content: Any) -> None:
        self._content = content

    async def block(self) -> str:
        """The next event or comment."""
        return str(await asyncio.wait_for(self._content.readuntil(b"\n\n"), 10), "utf-8")

    async def state(self) -> str:
        """The state in the next event."""
        name, data = (await self.block()).strip().split("\n")
        assert name == "event: purchase"
        return str(json.loads(data.removeprefix("data: "))["state"])


@asynccontextmanager
async def watching(harness: GatewayHarness, purchase: dict[str, Any]) -> AsyncIterator[Stream]:
    """A stream of one purchase."""
    async with harness.http.get(f"{harness.url}/api/v1/purchases/{purchase['purchase_id']}/events") as got:
        assert got.headers["Content-Type"].startswith("text/event-stream")
        assert got.headers["Access-Control-Allow-Origin"] == "*"
        yield Stream(got.content)


async def test_at_once_and_at_every_change(harness: GatewayHarness) -> None:
    """A buyer watches new, processing, settled; a second watcher sees the same."""
    sold = await harness.sell(file_for_sale())
    _, purchase = await harness.begin(sold.file_id)
    async with watching(harness, purchase) as watched, watching(harness, purchase) as other:
        assert await watched.state() == await other.state() == "new"
        await harness.chain.pay(address_in(purchase), purchase["amount_sat"])
        assert await watched.state() == await other.state() == "processing"
        await harness.chain.mine()
        assert await watched.state() == await other.state() == "settled"


async def test_one_that_does_not_read(harness: GatewayHarness) -> None:
    """A watcher that reads nothing keeps nobody else waiting."""
    sold = await harness.sell(file_for_sale())
    _, purchase = await harness.begin(sold.file_id)
    async with watching(harness, purchase), watching(harness, purchase) as reader:
        assert await reader.state() == "new"
        for _ in range(20):
            await harness.chain.pay(address_in(purchase), 300)
        await harness.chain.mine()
        while await reader.state() != "settled":
            pass


async def test_heartbeat(harness: GatewayHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    """A comment now and then, when nothing changes."""
    monkeypatch.setattr(event_stream, "HEARTBEAT_SECONDS", 0.1)
    sold = await harness.sell(file_for_sale())
    _, purchase = await harness.begin(sold.file_id)
    async with watching(harness, purchase) as stream:
        assert await stream.state() == "new"
        assert (await stream.block()).startswith(":")


async def test_not_without_end(open_one: Open) -> None:
    """Streams of one purchase are bounded, and free again when they close."""
    async with open_one(limits={"streams_per_purchase": 1}) as harness:
        sold = await harness.sell(file_for_sale())
        _, purchase = await harness.begin(sold.file_id)
        async with watching(harness, purchase) as stream:
            await stream.state()
            got = await harness.call("GET", f"/purchases/{purchase['purchase_id']}/events")
            assert (got.status, got.json["code"]) == (429, "too_many_streams")


async def test_not_without_end_in_all(open_one: Open) -> None:
    """Nor those of all purchases together: whoever finds no room is told when to come again, and can still ask."""
    async with open_one(limits={"streams": 1}) as harness:
        sold = await harness.sell(file_for_sale())
        (_, watched), (_, other) = [await harness.begin(sold.file_id) for _ in range(2)]
        path = f"/purchases/{other['purchase_id']}"
        async with watching(harness, watched) as stream:
            await stream.state()
            got = await harness.call("GET", f"{path}/events")
            assert (got.status, got.json["code"], got.headers["Retry-After"]) == (503, "unavailable", "30")
            assert (await harness.call("GET", path)).status == 200

        async def again() -> bool:
            async with harness.http.get(f"{harness.url}/api/v1{path}/events") as got:
                return got.status == 200

        harness.context.hub.close()  # the gateway notices that the first one went
        await eventually(again)


async def test_nobody_holds_a_place_for_ever(harness: GatewayHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream ends by itself, in order, and the next one begins with the state."""
    monkeypatch.setattr(event_stream, "HEARTBEAT_SECONDS", 0.05)
    monkeypatch.setattr(event_stream, "LONGEST_SECONDS", 0.2)
    sold = await harness.sell(file_for_sale())
    _, purchase = await harness.begin(sold.file_id)
    for _ in range(2):
        async with watching(harness, purchase) as stream:
            assert await stream.state() == "new"
            while (block := await stream.block()) != "":
                assert block.startswith(":")
    assert not harness.context.hub._listeners


async def test_shutdown_ends_streams(open_one: Open) -> None:
    """When the gateway stops, streams end at once instead of holding it up."""
    async with open_one() as harness:
        sold = await harness.sell(file_for_sale())
        _, purchase = await harness.begin(sold.file_id)
        async with watching(harness, purchase) as stream:
            await stream.state()
            harness.context.hub.close()
            assert await stream.block() == ""

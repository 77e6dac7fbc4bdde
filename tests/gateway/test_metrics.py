"""``/metrics``: off by default, never on the buyers' port, and true."""

from __future__ import annotations

import socket

import pytest
from gateway_harness import GatewayHarness, Open
from prometheus_client.parser import text_string_to_metric_families
from sales import file_for_sale
from support import sockets
from support.eventually import eventually

from bitcache.chain_errors import NodeUnreachable
from bitcache.errors import BadInput
from gateway.diagnostics import metrics
from gateway.diagnostics.metrics import BUCKETS, Metrics, Releases

Numbers = dict[tuple[str, str], float]


def parsed(text: bytes) -> Numbers:
    """By name and the value of the one label, if there is one."""
    families = text_string_to_metric_families(text.decode())
    return {
        (sample.name, "".join(sample.labels.values())): sample.value for family in families for sample in family.samples
    }


async def numbers(harness: GatewayHarness) -> Numbers:
    return parsed(await Metrics(harness.context).text())


async def test_off_by_default_and_never_on_the_buyers_port(harness: GatewayHarness) -> None:
    async with metrics.listening(harness.context) as url:
        assert url is None
    assert (await harness.call("GET", "//metrics")).status == 404


async def test_served_on_a_port_of_its_own(open_one: Open) -> None:
    async with open_one(metrics={"enabled": True, "port": 0}) as harness, metrics.listening(harness.context) as url:
        assert url is not None
        assert url.startswith("http://127.0.0.1:")
        async with harness.http.get(url) as got:
            assert got.headers["Content-Type"].startswith("text/plain; version=0.0.4")
            samples = parsed(await got.read())
        assert samples["bitcache_node_up", ""] == 1
        async with harness.http.get(harness.url + "/metrics") as got:
            assert got.status == 404


async def test_a_port_that_is_taken_is_said(open_one: Open) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        async with open_one(metrics={"enabled": True, "port": taken.getsockname()[1]}) as harness:
            with pytest.raises(BadInput, match="metrics"):
                async with metrics.listening(harness.context):
                    pass


async def test_a_sale_in_numbers(harness: GatewayHarness) -> None:
    before = await numbers(harness)
    assert before["bitcache_releases_total", ""] == 0
    sold = await harness.sell(file_for_sale(b"x" * 1000))
    await harness.begin(sold.file_id)
    claim, order = await harness.begin(sold.file_id)
    await harness.pay(order)
    got = await harness.call("GET", f"/files/{sold.file_id}/bytes", claim)
    await harness.call("GET", f"/files/{sold.file_id}/bytes", claim, headers={"Range": "bytes=10-19"})
    after = await numbers(harness)
    assert after["bitcache_invoices", "new"] == 1
    assert after["bitcache_invoices", "settled"] == 1
    assert after["bitcache_releases_total", ""] == 1
    assert after["bitcache_seen_to_settled_seconds_count", ""] == 1
    assert after["bitcache_seen_to_settled_seconds_bucket", "+Inf"] == 1
    assert after["bitcache_served_bytes_total", ""] == len(got.body) + 10
    assert after["bitcache_losses", ""] == 0
    assert after["bitcache_exposure_sat", ""] == 0
    assert after["bitcache_cursor_lag_blocks", ""] == 0


async def test_counting_goes_on_where_it_stood(harness: GatewayHarness) -> None:
    """Each scrape reads the new releases alone, and a new process reads all of them."""
    sold = await harness.sell(file_for_sale())
    releases = Releases()
    for number in range(1, 4):
        await harness.pay((await harness.begin(sold.file_id))[1])
        await harness.context.store.read(releases.read)
        assert releases.total == number
    fresh = Releases()
    await harness.context.store.read(fresh.read)
    assert fresh == releases


def test_buckets_hold_those_below_them_too() -> None:
    releases = Releases()
    for seconds in (0, 1, 2, 59, 10**6):
        releases._add(seconds)
    samples = {sample.labels["le"]: sample.value for sample in releases.metric().samples if "le" in sample.labels}
    assert (samples["1"], samples["5"], samples["60"], samples["86400"], samples["+Inf"]) == (2, 3, 4, 4, 5)
    assert len(samples) == len(BUCKETS) + 1


async def test_errors_of_the_node_are_counted_by_code(harness: GatewayHarness) -> None:
    harness.context.watcher.status.failures["node_unreachable"] += 3
    assert NodeUnreachable.code == "node_unreachable"
    assert (await numbers(harness))["bitcache_node_errors_total", "node_unreachable"] == 3


async def test_not_more_readers_than_there_can_be(open_one: Open) -> None:
    """Whoever opens connections without end holds some of them, and the gateway itself is served."""
    async with open_one(metrics={"enabled": True, "port": 0}) as harness, metrics.listening(harness.context) as url:
        assert url is not None
        port, kept = int(url.removesuffix("/metrics").rpartition(":")[2]), []
        try:
            for _ in range(60):
                kept.append(await sockets.connected(port, "127.0.0.2"))

            async def refused() -> bool:
                return sum(map(sockets.is_open, kept)) <= metrics.MOST_READERS

            await eventually(refused)
        finally:
            for sock in kept:
                sock.close()

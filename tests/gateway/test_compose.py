"""Building, starting and stopping a gateway."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from gateway_harness import Client, open_harness, settings_in
from sales import content, file_for_sale
from support.accounts import descriptor
from support.answers import address_in
from support.eventually import eventually

from bitcache.errors import DatabaseBusy, InvalidSettings, PrivateKeyRefused, SalesPaused
from bitcache.identifiers import FileId
from bitcache.sellers import active_payouts
from gateway.api.purchase_views import purchase_of_claim
from gateway.compose import check_payout, init_data_folder, running
from gateway.config.data_folder import DataFolder
from wallet.chain.simulated_chain import SimulatedChain


async def test_init_happens_once(tmp_path: Path) -> None:
    """A second init shows no second token, and changes nothing."""
    settings = settings_in(tmp_path)
    token = await init_data_folder(settings)
    assert len(token) == 43
    before = DataFolder(settings.storage.directory).master_key.read_bytes()
    with pytest.raises(InvalidSettings):
        await init_data_folder(settings)
    assert DataFolder(settings.storage.directory).master_key.read_bytes() == before


async def test_not_set_up(tmp_path: Path) -> None:
    """An empty folder is not quietly filled: the operator may have mistyped the path of the real one."""
    with pytest.raises(InvalidSettings) as caught:
        async with running(settings_in(tmp_path)):
            pass
    assert "bitcache init" in caught.value.advice
    assert not (tmp_path / "data").exists()


async def test_one_gateway_per_folder(tmp_path: Path) -> None:
    """Two would give out the same upload twice."""
    async with open_harness(tmp_path) as harness:
        with pytest.raises(DatabaseBusy):
            async with running(harness.context.settings):
                pass


async def test_payouts_are_read_as_the_gateway_does(tmp_path: Path) -> None:
    """The CLI's check, without a running gateway."""
    settings = settings_in(tmp_path)
    assert len((await check_payout(settings, descriptor("tr"))).first) == 3
    with pytest.raises(PrivateKeyRefused):
        await check_payout(settings, "wpkh(cVt4o7BGAig1UXywgGSmARhxMdzP5qvQsxKkSsc1XEkw3tDTQFpy)")


async def test_address_crosscheck_at_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the libraries disagree, that seller's sales stop with the reason; when they agree again, they go on."""
    async with open_harness(tmp_path) as harness:
        settings = harness.context.settings

    async def reason() -> str | None:
        async with running(settings, demo_wallet=SimulatedChain()) as context:
            [payout] = await context.store.read(active_payouts)
            return payout.paused

    def differs(*_: Any) -> None:
        raise SalesPaused

    with monkeypatch.context() as patch:
        patch.setattr("wallet.address_crosscheck.confirm", differs)
        assert await reason() == "sales_paused"
    assert await reason() is None


async def test_a_simulated_chain_is_never_mainnet(tmp_path: Path) -> None:
    """Somebody could send real coins to its addresses."""
    settings = settings_in(tmp_path, bitcoin={"network": "main"})
    await init_data_folder(settings)
    with pytest.raises(InvalidSettings):
        async with running(settings):
            pass


async def test_a_sale_survives_a_restart(tmp_path: Path) -> None:
    """Listed before, paid while the gateway was away, released after."""
    chain = SimulatedChain()
    async with open_harness(tmp_path) as harness:
        sold = await harness.sell(file_for_sale())
        claim, purchase = await harness.begin(sold.file_id)
        settings, chain = harness.context.settings, harness.chain
    await chain.pay(address_in(purchase), purchase["amount_sat"])
    await chain.mine()
    async with running(settings, demo_wallet=chain) as context:

        async def released() -> bool:
            return (await purchase_of_claim(context, claim)).released

        await eventually(released)


SERVE = "import asyncio, sys, pathlib; from gateway.server.app import serve; \
from gateway.config.load_settings import load; \
asyncio.run(serve(load(pathlib.Path(sys.argv[1]))))"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_stops_in_order(tmp_path: Path, number: signal.Signals) -> None:
    """A signal ends streams, keeps what arrived of an upload, and the process leaves with 0 in a few seconds."""
    settings = settings_in(tmp_path)
    token = await init_data_folder(settings, terms=await check_payout(settings, descriptor("wpkh")))
    config = tmp_path / "config.toml"
    config.write_text(
        '[bitcoin]\nnetwork = "regtest"\n[chain]\nsource = "simulated"\n[server]\nport = 0\n'
        f'[storage]\nmin_free_bytes = 0\ndirectory = "{tmp_path / "data"}"\n[log]\nformat = "json"\n'
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SERVE, str(config), stderr=asyncio.subprocess.PIPE, env=dict(os.environ)
    )
    try:
        assert process.stderr is not None
        url = await listened(process.stderr)
        async with aiohttp.ClientSession() as http:
            work = interrupted(Client(url, token, http), lambda: process.send_signal(number))
            file_id = await asyncio.wait_for(work, 30)
        assert await asyncio.wait_for(process.wait(), 20) == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    async with running(settings) as context:
        assert context.blobs.arrived(file_id).size == 300_000


async def listened(lines: asyncio.StreamReader) -> str:
    """The address in the log."""
    while True:
        line = await asyncio.wait_for(lines.readline(), 30)
        assert line, "the gateway ended"
        entry = json.loads(line)
        if entry["event"] == "listening":
            return str(entry["url"])


async def interrupted(client: Client, stop: Callable[[], None]) -> FileId:
    """A stream is open and half an upload sent when the gateway is told to stop; returns the upload's id."""
    sold = await client.sell(file_for_sale())
    _, purchase = await client.begin(sold.file_id)
    made = file_for_sale(content(500_000))
    assert (await client.announce(made.file_id, len(made.sealed))).status == 201

    async def half() -> AsyncIterator[bytes]:
        yield made.sealed[:300_000]
        await asyncio.sleep(0.3)
        stop()
        await asyncio.sleep(20)

    async with client.http.get(f"{client.url}/api/v1/purchases/{purchase['purchase_id']}/events") as stream:
        got = await client.send(made.file_id, 0, half())
        assert (got.status, got.json["code"]) == (503, "unavailable")
        assert (await stream.content.read()).startswith(b"event: purchase")
    return made.file_id

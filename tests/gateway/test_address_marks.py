"""What is said about the address journal: calmly after a crash, loudly over a restored backup."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from gateway_harness import settings_in, started
from structlog.testing import capture_logs
from support.accounts import descriptor

from bitcache.address_journal import AddressJournal
from bitcache.errors import DiskFull
from gateway.compose import check_payout, init_data_folder
from gateway.compose.start_gateway import MOST_RESERVED
from gateway.config.data_folder import DataFolder
from gateway.config.settings import Settings
from wallet.chain.simulated_chain import SimulatedChain


async def opened(folder: Path) -> tuple[Settings, str]:
    """A data folder with a seller who can be paid, and the seller's token."""
    settings = settings_in(folder)
    return settings, await init_data_folder(settings, "Ada", terms=await check_payout(settings, descriptor("wpkh")))


async def said(settings: Settings, token: str) -> list[Any]:
    """What one run logs about addresses."""
    with capture_logs() as lines:
        async with started(settings, SimulatedChain(), token):
            pass
    return [line for line in lines if line["event"].startswith("addresses_")]


@pytest.mark.parametrize(("ahead", "level"), [(MOST_RESERVED, "warning"), (MOST_RESERVED + 1, "error")])
async def test_how_loudly_it_is_said(tmp_path: Path, ahead: int, level: str) -> None:
    settings, token = await opened(tmp_path)
    async with started(settings, SimulatedChain(), token) as harness:
        payout = await harness.call("GET", "/seller", token)
        assert payout.json["payout"]["next_index"] == 0
        account = await harness.context.store.read(
            lambda conn: conn.exec_driver_sql("SELECT account FROM payout").scalar()
        )
        rail = harness.context.rails.deriving
    journal = DataFolder(settings.storage.directory).addresses
    AddressJournal.open(journal).reserve(rail, account, ahead - 1)
    [line] = await said(settings, token)
    assert (line["event"], line["log_level"], line["count"]) == ("addresses_skipped", level, ahead)
    assert await said(settings, token) == [], "once"


async def test_a_full_disk_at_the_end_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings, token = await opened(tmp_path)

    def full(self: AddressJournal, conn: object, rail: object) -> None:
        raise DiskFull("the disk that holds the address journal is full")

    with monkeypatch.context() as patch:
        patch.setattr(AddressJournal, "close", full)
        [line] = await said(settings, token)
    assert (line["event"], line["log_level"], line["code"]) == ("addresses_not_closed", "warning", "disk_full")
    assert await said(settings, token) == []

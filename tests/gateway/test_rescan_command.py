"""``bitcache rescan``, as an operator runs it, on a simulated chain that lies in the data folder."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from gateway_harness import open_harness, settings_in
from sales import file_for_sale
from support.eventually import eventually
from typer.testing import CliRunner

from bitcache.errors import DatabaseBusy
from gateway.cli.main import app
from gateway.compose import rescan_payments
from gateway.config.data_folder import DataFolder
from gateway.context import GatewayContext


def rescan(folder: Path, *options: str) -> tuple[int, Any, str]:
    """Exit code, JSON and what people see."""
    config = folder / "config.toml"
    config.write_text(
        f'[bitcoin]\nnetwork = "regtest"\n[chain]\nsource = "simulated"\n[storage]\ndirectory = "{folder / "data"}"\n'
    )
    got = CliRunner().invoke(app, ["rescan", "--config", str(config), "--json", *options])
    lines = got.stdout.strip().splitlines()
    return got.exit_code, json.loads(lines[-1]) if lines else None, got.stderr


@pytest.fixture
async def closed(tmp_path: Path) -> Path:
    """A gateway that sold something, was stopped, and whose ledger then lost the payment."""
    async with open_harness(tmp_path) as harness:
        sold = await harness.sell(file_for_sale())
        _, order = await harness.begin(sold.file_id)
        await harness.pay(order)
        await harness.chain.mine(5)
        await eventually(lambda: is_at(harness.context, 6))
        harness.chain._path = DataFolder(tmp_path / "data").simulated_chain
        harness.chain.notify()
    return tmp_path


async def is_at(context: GatewayContext, height: int) -> bool:
    """Whether the watcher has processed the block at ``height``."""
    cursor = context.watcher.status.cursor
    return cursor is not None and cursor.height == height


def damage(folder: Path) -> None:
    with sqlite3.connect(DataFolder(folder / "data").database) as conn:
        conn.execute("delete from payment")


def test_a_dry_run_tells_and_apply_corrects(closed: Path) -> None:
    code, report, _ = rescan(closed, "--from", "1")
    assert (code, report["differences"], report["applied"]) == (0, [], False)
    damage(closed)
    for _ in range(2):
        code, report, told = rescan(closed, "--from", "1")
        assert code == 0
        assert [difference["kind"] for difference in report["differences"]] == ["missing"]
        assert "Nothing was changed" in told
    code, again, told = rescan(closed, "--from", "1", "--apply")
    assert (code, again["applied"], again["differences"]) == (0, True, report["differences"])
    assert "Corrected" in told
    assert rescan(closed, "--from", "1")[1]["differences"] == []


def test_a_block_of_another_chain_below_the_given_height(closed: Path) -> None:
    """It begins there, and says so; the height that was given is kept where it can be."""
    with sqlite3.connect(DataFolder(closed / "data").database) as conn:
        conn.execute("update block set hash = 'dead' where height = 4")
    code, report, told = rescan(closed, "--from", "4")
    assert (code, report["from"], "not" in told) == (0, 4, False)
    code, report, told = rescan(closed, "--from", "6", "--apply")
    assert (code, report["from"], report["to"]) == (0, 4, 6)
    assert "Read from block 4 on, not 6" in told
    code, report, told = rescan(closed, "--from", "6")
    assert (code, report["from"], "from block 6 to 6" in told) == (0, 6, True)


def test_a_height_above_the_chain(closed: Path) -> None:
    code, report, _ = rescan(closed, "--from", "4000")
    assert (code, report["error"]["code"]) == (3, "bad_input")


async def test_not_beside_a_running_gateway(tmp_path: Path) -> None:
    async with open_harness(tmp_path) as harness:
        with pytest.raises(DatabaseBusy):
            await rescan_payments(settings_in(tmp_path), 1, apply=False, progress=print, demo_wallet=harness.chain)

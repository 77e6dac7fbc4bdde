"""An older database is put back under a running business: no address is given out twice, no payment is missed."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from gateway_harness import GatewayHarness, settings_in, started
from sales import file_for_sale
from sqlalchemy import Connection, func, select
from support.accounts import descriptor
from support.answers import address_in
from support.eventually import eventually
from support.watcher_harness import FailingChain

from bitcache import address_journal
from bitcache.chain_errors import NodeUnreachable
from bitcache.errors import DatabaseUnusable
from bitcache.identifiers import b64u, claim_hash, new_secret
from bitcache.money import Sat
from bitcache.storage.tables import grant
from gateway.compose import check_payout, init_data_folder, rescan_payments, resume_sales
from gateway.config import restored_backup
from gateway.config.data_folder import DataFolder
from gateway.diagnostics.doctor import examine
from gateway.diagnostics.findings import Level
from gateway.live import sales_readiness
from wallet.account import Account
from wallet.chain.simulated_chain import SimulatedChain


def copied(source: Path, target: Path) -> None:
    """What ``sqlite3 .backup`` does."""
    with sqlite3.connect(source) as database, sqlite3.connect(target) as copy:
        database.backup(copy)


async def test_backup_sell_more_restore(tmp_path: Path) -> None:
    """The old cursor is only further back: what was paid since the backup is found by scanning forward."""
    settings, chain = settings_in(tmp_path), SimulatedChain()
    folder = DataFolder(settings.storage.directory)
    token = await init_data_folder(settings, "Ada", terms=await check_payout(settings, descriptor("wpkh")))
    async with started(settings, chain, token) as harness:
        sold = await harness.sell(file_for_sale())
        known = [(await harness.begin(sold.file_id))[1] for _ in range(3)]
        await harness.pay(known[0])
        await asyncio.to_thread(copied, folder.database, tmp_path / "backup")
        forgotten = [(await harness.begin(sold.file_id))[1] for _ in range(7)]
        await harness.pay(known[1])
        await harness.pay(forgotten[0])
    for name in ("", "-wal", "-shm"):
        folder.database.with_name(folder.database.name + name).unlink(missing_ok=True)
    await asyncio.to_thread(copied, tmp_path / "backup", folder.database)
    await chain.pay(address_in(known[2]), Sat(known[2]["amount_sat"]))
    await chain.mine()
    async with started(settings, chain, token) as harness:
        for purchase in known:
            await harness.state(purchase, "settled")
        fresh = [(await harness.begin(sold.file_id))[1] for _ in range(4)]
        before = {address_in(purchase) for purchase in known + forgotten}
        assert not before & {address_in(purchase) for purchase in fresh}
        left_out = await harness.context.store.read(address_journal.all_skipped)
        assert [(skipped_range.first, skipped_range.end) for skipped_range in left_out] == [(3, 10)]
        await harness.pay(fresh[0])


class Backup:
    """A gateway's data folder, saved while it runs, and put back: database and journal, equally old."""

    def __init__(self, folder: Path, chain: SimulatedChain) -> None:
        settings = settings_in(folder, invoices={"cap_per_buyer": 1_000, "wallet_gap_limit": 100})
        self.settings, self.chain, self.kept = settings, chain, folder / "backup"
        self.data = DataFolder(self.settings.storage.directory)
        self.token = ""

    async def begin(self) -> None:
        """A seller who can be paid."""
        self.token = await init_data_folder(
            self.settings, "Ada", terms=await check_payout(self.settings, descriptor("wpkh"))
        )

    def save(self) -> None:
        """As a nightly tar does, or a snapshot of the whole machine."""
        self.kept.mkdir()
        copied(self.data.database, self.kept / "database")
        for path in (self.data.addresses, self.data.last_run):
            shutil.copy(path, self.kept)

    def restore(self) -> None:
        """Nothing of what came after is left in the folder."""
        for name in ("", "-wal", "-shm"):
            self.data.database.with_name(self.data.database.name + name).unlink(missing_ok=True)
        copied(self.kept / "database", self.data.database)
        for path in (self.data.addresses, self.data.last_run):
            path.unlink(missing_ok=True)
            shutil.copy(self.kept / path.name, path)


@pytest.fixture
async def backup(tmp_path: Path) -> Backup:
    made = Backup(tmp_path, SimulatedChain())
    await made.begin()
    return made


def reboot(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What lay in memory is gone."""
    memory = folder / f"memory {len(list(folder.glob('memory*')))}"
    memory.mkdir()
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(memory))


async def sell_22(harness: GatewayHarness, file_id: str) -> list[dict[str, Any]]:
    """To so many buyers at once."""
    async with asyncio.TaskGroup() as group:
        asked = [group.create_task(harness.begin(file_id)) for _ in range(22)]
    return [task.result()[1] for task in asked]


async def forgotten_sales(backup: Backup) -> tuple[str, list[dict[str, Any]]]:
    """Three invoices, a backup, and 22 more that it does not know."""
    async with started(backup.settings, backup.chain, backup.token) as harness:
        sold = await harness.sell(file_for_sale())
        for _ in range(3):
            await harness.begin(sold.file_id)
        backup.save()
        return sold.file_id, await sell_22(harness, sold.file_id)


async def expect_nothing_unpaid(backup: Backup, forgotten: list[dict[str, Any]], fresh: list[dict[str, Any]]) -> None:
    """Forgotten buyers pay what they were shown: nobody else gets a file for it, now or after a rescan."""
    assert not {address_in(purchase) for purchase in forgotten} & {address_in(purchase) for purchase in fresh}
    async with started(backup.settings, backup.chain, backup.token) as harness:
        for purchase in forgotten:
            await backup.chain.pay(address_in(purchase), Sat(purchase["amount_sat"]))
        await backup.chain.mine(3)
        await eventually(lambda: _is_at(harness, backup.chain))
        assert await harness.context.store.read(_grants) == 0
    report = await rescan_payments(backup.settings, 1, apply=True, progress=lambda *_: None, demo_wallet=backup.chain)
    assert {difference.kind for difference in report.differences} <= {"forgotten"}
    async with started(backup.settings, backup.chain, backup.token) as harness:
        assert await harness.context.store.read(_grants) == 0


async def _is_at(harness: GatewayHarness, chain: SimulatedChain) -> bool:
    return harness.context.watcher.status.cursor == await chain.tip()


def _grants(conn: Connection) -> int:
    return conn.scalar(select(func.count()).select_from(grant)) or 0


async def test_a_journal_as_old_as_the_database(backup: Backup) -> None:
    """Put back on a machine that was not restarted since: its memory knows better."""
    file_id, forgotten = await forgotten_sales(backup)
    backup.restore()
    async with started(backup.settings, backup.chain, backup.token) as harness:
        fresh = await sell_22(harness, file_id)
    await expect_nothing_unpaid(backup, forgotten, fresh)


async def test_a_snapshot_of_the_machine_put_back_hours_later(
    backup: Backup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody can know which addresses were shown: nothing is sold until the operator has answered, which stays so."""
    file_id, forgotten = await forgotten_sales(backup)
    backup.restore()
    reboot(tmp_path, monkeypatch)
    for _ in range(2):
        async with started(backup.settings, backup.chain, backup.token, ahead=2 * 3600) as harness:
            await expect_closed(harness, file_id, "restored")
            assert (await harness.call("GET", f"/files/{file_id}")).json["paused"] == "restored"
    findings = await examine(_config(tmp_path))
    assert "restored" in {finding.code for finding in findings if finding.level is Level.PROBLEM}
    assert len(await resume_sales(backup.settings, restored=True, demo_wallet=backup.chain)) == 1
    async with started(backup.settings, backup.chain, backup.token) as harness:
        fresh = await sell_22(harness, file_id)
    await expect_nothing_unpaid(backup, forgotten, fresh)


async def test_a_backup_without_the_record_of_the_last_run(
    backup: Backup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Put together from what is worth saving, in a new folder: however young it is, the operator is asked."""
    file_id, _ = await forgotten_sales(backup)
    backup.restore()
    backup.data.last_run.unlink()
    reboot(tmp_path, monkeypatch)
    async with started(backup.settings, backup.chain, backup.token) as harness:
        await expect_closed(harness, file_id, "restored")


async def test_a_payment_to_an_address_that_was_never_given_out_stops_no_sale(
    backup: Backup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Anybody can pay to any address of a seller's wallet: it is passed by; sales go on, after a restart too."""
    reboot(tmp_path, monkeypatch)
    _, beyond = Account(descriptor("wpkh"), "regtest").derive(7)
    async with started(backup.settings, backup.chain, backup.token) as harness:
        file_id = (await harness.sell(file_for_sale())).file_id
        await backup.chain.pay(beyond, Sat(330))
        await eventually(lambda: harness.context.store.read(address_journal.all_skipped))
        await harness.begin(file_id)
    reboot(tmp_path, monkeypatch)
    async with started(backup.settings, backup.chain, backup.token) as harness:
        await harness.begin(file_id)


async def test_another_machine(backup: Backup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A nightly copy of the folder, taken to a new machine; or the folder itself, which the operator says."""
    file_id, _ = await forgotten_sales(backup)
    reboot(tmp_path, monkeypatch)
    monkeypatch.setattr(restored_backup, "machine", lambda: "another")
    async with started(backup.settings, backup.chain, backup.token) as harness:
        await expect_closed(harness, file_id, "restored")
    assert await resume_sales(backup.settings, restored=False, demo_wallet=backup.chain) == []
    async with started(backup.settings, backup.chain, backup.token) as harness:
        assert await sell_22(harness, file_id)


async def test_a_payment_beyond_what_the_database_knows(
    backup: Backup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Found in a block that is caught up on: the account goes on after it, and the restored backup is noticed."""
    file_id, forgotten = await forgotten_sales(backup)
    backup.restore()
    reboot(tmp_path, monkeypatch)
    await backup.chain.pay(address_in(forgotten[16]), Sat(2_500))
    await backup.chain.mine()
    await backup.chain.pay(address_in(forgotten[18]), Sat(2_500))
    async with started(backup.settings, backup.chain, backup.token) as harness:
        await expect_closed(harness, file_id, "restored")
        left_out = await harness.context.store.read(address_journal.all_skipped)
    assert [(skipped_range.first, skipped_range.end) for skipped_range in left_out][-1][1] == 22, (
        "after the one that waits for a block"
    )


async def test_a_used_database_without_its_journal(backup: Backup, tmp_path: Path) -> None:
    file_id, forgotten = await forgotten_sales(backup)
    backup.restore()
    backup.data.addresses.unlink()
    with pytest.raises(DatabaseUnusable, match=r"addresses\.journal") as caught:
        async with started(backup.settings, backup.chain, backup.token):
            pass
    assert "bitcache resume-sales --restored" in caught.value.advice
    with pytest.raises(DatabaseUnusable):
        await rescan_payments(backup.settings, 1, apply=True, progress=lambda *_: None, demo_wallet=backup.chain)
    findings = await examine(_config(tmp_path))
    assert "no_journal" in {finding.code for finding in findings if finding.level is Level.PROBLEM}
    await resume_sales(backup.settings, restored=True, demo_wallet=backup.chain)
    async with started(backup.settings, backup.chain, backup.token) as harness:
        fresh = await sell_22(harness, file_id)
    await expect_nothing_unpaid(backup, forgotten, fresh)


async def test_nothing_is_sold_before_the_chain_is_known(backup: Backup, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not at the start; a claim that bought before is answered; once known, a lost node stops nothing."""
    monkeypatch.setattr(sales_readiness, "PATIENCE_SECONDS", 0.1)
    chain = backup.chain = FailingChain()
    async with started(backup.settings, chain, backup.token) as harness:
        sold = await harness.sell(file_for_sale())
        claim, order = await harness.begin(sold.file_id)
        chain.fails = NodeUnreachable("away")
        await harness.begin(sold.file_id)
    async with started(backup.settings, chain, backup.token) as harness:
        await expect_closed(harness, sold.file_id, "catching_up")
        assert address_in((await harness.begin(sold.file_id, claim))[1]) == address_in(order)
        chain.fails, chain.behind = None, True
        await expect_closed(harness, sold.file_id, "catching_up")
        chain.behind = False
        await eventually(lambda: _sells(harness))
        await harness.begin(sold.file_id)


async def _sells(harness: GatewayHarness) -> bool:
    return bool((await harness.call("GET", "/healthz")).json["sales"]["ok"])


async def expect_closed(harness: GatewayHarness, file_id: str, reason: str) -> None:
    """Buyers are told, and /healthz says why."""
    await eventually(lambda: _is_closed(harness, reason))
    got = await harness.call("POST", f"/files/{file_id}/purchases", json={"claim_hash": b64u(claim_hash(new_secret()))})
    assert (got.status, got.json["code"], got.json["reason"]) == (409, "sales_paused", reason)
    assert (await harness.call("GET", "/healthz")).status == 503


async def _is_closed(harness: GatewayHarness, reason: str) -> bool:
    return bool((await harness.call("GET", "/healthz")).json["sales"] == {"ok": False, "error": reason})


def _config(folder: Path) -> Path:
    """A settings file for the same folder."""
    config = folder / "config.toml"
    config.write_text(
        f'[bitcoin]\nnetwork = "regtest"\n[chain]\nsource = "simulated"\n[storage]\ndirectory = "{folder / "data"}"\n'
    )
    return config


@pytest.mark.parametrize(
    ("ended", "hours", "in_memory", "trusted"),
    [
        (True, 30, False, True),  # a day's maintenance
        (True, 60, False, False),
        (False, 0.9, False, True),  # a power cut
        (False, 2, False, False),
        (False, 2, True, True),  # a crash: the machine was not restarted
        (True, 1_000, True, True),
    ],
)
def test_what_is_trusted(ended: bool, hours: float, in_memory: bool, trusted: bool) -> None:
    last, now = (
        restored_backup.RestoreCheck(1_800_000_000, ended, restored_backup.machine()),
        1_800_000_000 + int(hours * 3600),
    )
    why = restored_backup.doubt(last, 0, now, in_memory=in_memory)
    assert (why is None) == trusted
    assert restored_backup.doubt(last, now - 60, now, in_memory=in_memory) is None, (
        "the database knows the chain up to now"
    )
    asked = restored_backup.RestoreCheck(now, True, restored_backup.machine(), "a doubt")
    assert restored_backup.doubt(asked, now, now, in_memory=True) == "a doubt", "until it is answered"

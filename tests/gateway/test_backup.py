"""A backup while the gateway sells, and the way back to a gateway that releases what was paid for."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest
from gateway_harness import GatewayHarness, settings_in, started
from sales import file_for_sale
from support.accounts import descriptor

from bitcache.errors import InvalidSettings, StorageError, WrongKey
from bitcache.master_key import MasterKey
from gateway.compose import check_payout, init_data_folder, maintenance, resume_sales
from gateway.config.backup import REPORT, back_up, check
from gateway.config.data_folder import DataFolder
from gateway.config.restore import restore
from gateway.config.settings import Settings
from wallet.chain.simulated_chain import SimulatedChain

NOW = 1_795_000_000


def nothing(done: int, total: int) -> None:
    """Nobody looks."""


class Business:
    """A gateway that sells, and a place for its backups."""

    def __init__(self, folder: Path) -> None:
        self.settings, self.chain, self.target = settings_in(folder / "first"), SimulatedChain(), folder / "backups"
        self.data, self.token = DataFolder(self.settings.storage.directory), ""

    async def begin(self) -> None:
        terms = await check_payout(self.settings, descriptor("wpkh"))
        self.token = await init_data_folder(self.settings, "Ada", terms=terms)

    def save(self, at: int = NOW, *, with_master_key: bool = False) -> Path:
        return back_up(self.data, Path("none"), self.target, at, nothing, with_master_key=with_master_key)[0]


@pytest.fixture
async def business(tmp_path: Path) -> Business:
    (tmp_path / "first").mkdir()
    made = Business(tmp_path)
    await made.begin()
    return made


async def bought(harness: GatewayHarness, content: bytes) -> tuple[str, str]:
    """A file that was sold, and its buyer's claim."""
    sold = await harness.sell(file_for_sale(content))
    claim, purchase = await harness.begin(sold.file_id)
    await harness.pay(purchase)
    await harness.state(purchase, "settled")
    return sold.file_id, claim


async def test_what_was_paid_is_released_by_the_restored_gateway(business: Business, tmp_path: Path) -> None:
    async with started(business.settings, business.chain, business.token) as harness:
        file_id, claim = await bought(harness, b"a song")
        backup = business.save()
        sealed = (await harness.call("GET", f"/files/{file_id}/bytes", claim)).body
        later, _ = await bought(harness, b"sold after the backup")
    assert check(backup).files == 1
    assert not (backup / "master.key").exists()
    elsewhere = elsewhere_in(tmp_path)
    data = DataFolder(elsewhere.storage.directory)
    _, has_journal = restore(backup, data, NOW, nothing, master_key=business.data.master_key, replace=False)
    assert not has_journal
    await resume_sales(elsewhere, restored=True, demo_wallet=business.chain)
    async with started(elsewhere, business.chain, business.token) as harness:
        assert (await harness.call("GET", f"/files/{file_id}/bytes", claim)).body == sealed
        assert (await harness.call("GET", "/share", claim)).status == 200
        assert (await harness.call("GET", f"/files/{later}")).status == 404
        await bought(harness, b"sold by the restored one")


def elsewhere_in(folder: Path) -> Settings:
    """The settings of another machine."""
    (folder / "second").mkdir()
    return settings_in(folder / "second")


async def test_files_that_the_backup_before_has_are_linked(business: Business) -> None:
    async with started(business.settings, business.chain, business.token) as harness:
        await bought(harness, b"a song")
        first = business.save()
        await bought(harness, b"another")
        second = business.save(NOW + 1)
    links = [path.stat().st_nlink for path in sorted(second.glob("files/objects/*/*"))]
    assert sorted(links) == [1, 2]
    shutil.rmtree(first)
    assert check(second).files == 2


async def test_a_deleted_file_that_goes_meanwhile_stops_no_backup(
    business: Business, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with started(business.settings, business.chain, business.token) as harness:
        sold = await harness.sell(file_for_sale())
        await harness.call("DELETE", f"/listings/{sold.file_id}", harness.token)
        before = business.data.database.read_bytes()
        assert before
        harness.clock.ahead = 31 * 86_400
        await maintenance.remove_deleted(harness.context)
    with sqlite3.connect(business.data.database) as conn:
        [at] = conn.execute("select removed_at from listing").fetchone()
    assert at is not None

    def snapshot_of_before(source: Path, target: Path) -> None:
        copy_database(source, target)
        with sqlite3.connect(target) as conn:
            conn.execute("update listing set removed_at = null")

    from gateway.config import backup as module

    copy_database = module._copy_database
    monkeypatch.setattr(module, "_copy_database", snapshot_of_before)
    assert check(business.save()).files == 0


async def test_what_is_missing_or_damaged_is_no_backup(business: Business) -> None:
    """It appears whole or not at all."""
    async with started(business.settings, business.chain, business.token) as harness:
        sold = await harness.sell(file_for_sale())
        good = business.save()
    [path] = business.data.blobs.glob(f"objects/*/{sold.file_id}")
    shutil.rmtree(good)
    path.rename(path.with_name("away"))
    with pytest.raises(StorageError, match="is missing"):
        business.save()
    assert list(business.target.iterdir()) == []
    path.with_name("away").rename(path)
    whole = business.save()
    [saved] = whole.glob(f"files/objects/*/{sold.file_id}")
    saved.write_bytes(saved.read_bytes()[:-1])
    with pytest.raises(StorageError, match="lacks the file"):
        check(whole)
    database = whole / "bitcache.sqlite3"
    saved_bytes = database.read_bytes()
    database.write_bytes(saved_bytes[:4096] + bytes(len(saved_bytes) - 4096))
    with pytest.raises(StorageError, match="damaged"):
        check(whole)
    (whole / REPORT).unlink()
    with pytest.raises(StorageError, match="no backup"):
        check(whole)


async def test_the_way_back_asks_before_it_replaces(business: Business, tmp_path: Path) -> None:
    """Another master key, none at all, a database that is there: said before anything is changed."""
    async with started(business.settings, business.chain, business.token) as harness:
        await harness.sell(file_for_sale())
        backup = business.save()
    empty = DataFolder(tmp_path / "empty")
    with pytest.raises(InvalidSettings, match="master key"):
        restore(backup, empty, NOW, nothing, master_key=None, replace=False)
    MasterKey.create(tmp_path / "other.key")
    with pytest.raises(WrongKey):
        restore(backup, empty, NOW, nothing, master_key=tmp_path / "other.key", replace=False)
    assert not empty.database.exists()
    assert not empty.master_key.exists()
    with pytest.raises(InvalidSettings, match="there is a database"):
        restore(backup, business.data, NOW, nothing, master_key=None, replace=False)
    journal = business.data.addresses.read_bytes()
    restore(backup, business.data, NOW, nothing, master_key=None, replace=True)
    aside = list(business.data.root.glob("bitcache.sqlite3.before-restore-*"))
    assert len(aside) >= 1
    assert business.data.addresses.read_bytes() == journal
    with_key = business.save(NOW + 1, with_master_key=True)
    restore(with_key, DataFolder(tmp_path / "new"), NOW, nothing, master_key=None, replace=False)
    assert (tmp_path / "new" / "master.key").stat().st_mode & 0o777 == 0o600

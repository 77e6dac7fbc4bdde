"""Two libraries derive the same addresses, and the second one keeps its hands off the machine."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.accounts import BIP86_XPUB, TPUB, descriptor

from bitcache.errors import InvalidDescriptor, SalesPaused
from wallet import address_crosscheck
from wallet.bitcoinlib_import import bitcoinlib
from wallet.descriptors import TYPES, read
from wallet.networks import NETWORKS

QUIET = """
import logging
from concurrent.futures import ThreadPoolExecutor
from support.accounts import BIP84_ZPUB
from wallet import address_crosscheck
from wallet.descriptors import read
with ThreadPoolExecutor(8) as pool:
    list(pool.map(lambda _: address_crosscheck.confirm(read(BIP84_ZPUB, "main")), range(8)))
assert logging.getLogger().handlers == [], "a handler on the root logger"
"""


@pytest.mark.parametrize("script_type", TYPES)
@pytest.mark.parametrize("network", [name for name in NETWORKS if name != "main"])
def test_both_agree_on_test_networks(network: str, script_type: str) -> None:
    address_crosscheck.confirm(read(TPUB, network, script_type), count=20)


@pytest.mark.parametrize("script_type", TYPES)
def test_both_agree_on_the_main_network(script_type: str) -> None:
    address_crosscheck.confirm(read(BIP86_XPUB, "main", script_type), count=20)


def test_origin_and_path_do_not_confuse_it() -> None:
    address_crosscheck.confirm(read(descriptor("tr", f"[deadbeef/86h/1h/0h]{TPUB}/3/1/*"), "regtest"))


def test_a_difference_stops_sales(monkeypatch: pytest.MonkeyPatch) -> None:
    account = read(TPUB, "regtest", "wpkh")
    other = read(TPUB, "regtest", "tr")
    monkeypatch.setattr(address_crosscheck, "derive", lambda _text, _network, index: other.derive(index))
    with pytest.raises(SalesPaused, match="different addresses") as raised:
        address_crosscheck.confirm(account)
    assert TPUB[5:20] not in str(raised.value)


def test_a_difference_in_the_third_address_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    account = read(TPUB, "regtest", "wpkh")
    monkeypatch.setattr(
        address_crosscheck, "derive", lambda _text, _network, index: account.derive(index + 1 if index == 2 else index)
    )
    with pytest.raises(SalesPaused):
        address_crosscheck.confirm(account)


def test_only_canonical_descriptors_are_compared() -> None:
    with pytest.raises(InvalidDescriptor):
        address_crosscheck.derive(descriptor("wpkh"), "regtest", 0)


def test_why_its_own_taproot_addresses_are_not_used() -> None:
    """If this fails bitcoinlib has learned BIP341, and our own tweak may go."""
    key = bitcoinlib().keys.HDKey.from_wif(BIP86_XPUB, network="bitcoin").key_for_path("0/0")
    theirs = key.address(script_type="p2tr", encoding="bech32")
    assert theirs != read(BIP86_XPUB, "main", "tr").address(0)


def test_nothing_is_written_and_no_log_handler_stays(tmp_path: Path) -> None:
    """In a process of its own, from many threads at once: bitcoinlib writes when it is imported."""
    root = Path(__file__).parents[2]
    environment = {
        **{name: value for name, value in os.environ.items() if name != "BCL_DATA_DIR"},
        "HOME": str(tmp_path / "home"),
        "TMPDIR": str(tmp_path / "tmp"),
        "PYTHONPATH": f"{root}:{root / 'tests'}",
    }
    for folder in ("home", "tmp"):
        (tmp_path / folder).mkdir()
    subprocess.run([sys.executable, "-c", QUIET], env=environment, cwd=tmp_path, check=True)
    assert [str(path) for path in tmp_path.rglob("*") if path.name not in ("home", "tmp")] == []


def test_nothing_on_the_machine_need_be_writable() -> None:
    """As a service under ``ProtectSystem=strict``: every file system is read-only, ``/tmp`` too."""
    read_only = "mount --make-rprivate / && mount -o remount,bind,ro / && mount -t tmpfs -o ro none /tmp && exec"
    if subprocess.run(["unshare", "--mount", "--map-root-user", "true"], capture_output=True, check=False).returncode:
        pytest.skip("unshare --mount is not allowed here")
    root = Path(__file__).parents[2]
    environment = {**os.environ, "HOME": "/nonexistent", "PYTHONPATH": f"{root}:{root / 'tests'}"}
    environment.pop("TMPDIR", None)
    environment.pop("BCL_DATA_DIR", None)
    command = f'{read_only} {sys.executable} -c "$CODE"'
    done = subprocess.run(
        ["unshare", "--mount", "--map-root-user", "sh", "-c", command],
        env={**environment, "CODE": QUIET},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr

"""The private Lightning wallets: what is said when one does not come up.  That they pay is in test_nwc_electrum.py."""

from __future__ import annotations

import stat
import time
from pathlib import Path

import pytest

from bitcache.chain_errors import WalletRefused, WalletUnreachable
from wallet.free_ports import free_ports
from wallet.lightning.electrum.electrum_daemon import ElectrumDaemon
from wallet.lightning.electrum.wait_until import listens, wait_until


def daemon(program: str, folder: Path) -> ElectrumDaemon:
    """One that runs this program."""
    return ElectrumDaemon(Path(program), folder, free_ports(1)[0], {"oneserver": True})


async def test_one_that_ends_by_itself_is_noticed_at_once(tmp_path: Path) -> None:
    began = time.monotonic()
    with pytest.raises(WalletUnreachable, match="has ended by itself"):
        await daemon("/bin/false", tmp_path / "wallet").start()
    assert time.monotonic() - began < 10


async def test_its_password_is_for_its_owner_alone(tmp_path: Path) -> None:
    daemon("/bin/false", tmp_path / "wallet")
    assert stat.S_IMODE((tmp_path / "wallet" / "regtest" / "config").stat().st_mode) == 0o600


async def test_one_that_is_not_there_does_not_answer(tmp_path: Path) -> None:
    wallet = daemon("/bin/false", tmp_path / "wallet")
    with pytest.raises(WalletUnreachable, match="does not answer"):
        await wallet.call("version")
    await wallet.stop()


async def test_waiting_ends_with_the_last_reason() -> None:
    async def never() -> bool:
        raise WalletRefused("still asleep")

    with pytest.raises(WalletUnreachable, match=r"the wallet is not ready after 0 s: still asleep"):
        await wait_until("the wallet", never, seconds=0.3)


async def test_nobody_listens_at_a_free_port() -> None:
    with pytest.raises(OSError, match="Connect"):
        await listens(free_ports(1)[0])

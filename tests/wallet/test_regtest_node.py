"""The private node: it keeps to itself, keeps its chain, and never outlives the process that made it."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.eventually import eventually

from bitcache.chain_errors import NodeUnreachable
from bitcache.money import Sat
from wallet.chain.bitcoind_executable import SCRIPT, NoBitcoind, find_bitcoind
from wallet.chain.regtest_node import START_HEIGHT, WALLET, RegtestNode

ROOT = Path(__file__).parents[2]
MAKER = """
import asyncio, sys
from pathlib import Path
from wallet.chain.regtest_node import RegtestNode
async def main():
    node = await RegtestNode.start(Path(sys.argv[1]))
    print(node.pid, flush=True)
    await asyncio.sleep(600)
asyncio.run(main())
"""


def alive(pid: int) -> bool:
    """Whether a process exists."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.node
async def test_a_kept_node_starts_again_quickly_with_its_coins(bitcoind: Path, tmp_path: Path) -> None:
    node = await RegtestNode.start(tmp_path / "node", bitcoind)
    address = await node.address()
    await node.mine()
    await node.stop()
    assert not node.cookie.exists(), "it ended in good order"
    began = time.monotonic()
    node = await RegtestNode.start(tmp_path / "node", bitcoind)
    assert time.monotonic() - began < 5
    assert await node.rpc("getblockcount") == START_HEIGHT + 1
    await node.pay(address, Sat(1_000))
    await node.stop()


@pytest.mark.node
async def test_its_mempool_takes_a_payment_of_any_lock_time_that_its_wallet_chooses(regtest: RegtestNode) -> None:
    """Bitcoin Core's wallet picks one up to 99 blocks back, now and then; Bitcoin Knots takes 21 for spam."""
    destination = {await regtest.address(): "0.001"}
    height = await regtest.rpc("getblockcount")
    for lock_time in range(height - 99, height + 1):
        raw = await regtest.rpc("createrawtransaction", [], [destination], lock_time)
        funded = await regtest.rpc("fundrawtransaction", raw, wallet=WALLET)
        signed = await regtest.rpc("signrawtransactionwithwallet", funded["hex"], wallet=WALLET)
        (verdict,) = await regtest.rpc("testmempoolaccept", [signed["hex"]])
        assert verdict["allowed"], (lock_time, verdict)


@pytest.mark.node
async def test_a_temporary_node_leaves_nothing(bitcoind: Path) -> None:
    node = await RegtestNode.start(bitcoind=bitcoind)
    pid = node.pid
    await node.stop()
    await node.stop()
    assert not node.datadir.exists()
    assert not alive(pid)


@pytest.mark.node
async def test_nothing_is_written_at_home(bitcoind: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither by looking for the program nor by running it: people may have a node of their own there."""
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("XDG_CACHE_HOME", os.environ.get("XDG_CACHE_HOME", str(Path.home() / ".cache")))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    find_bitcoind(fetch=False)
    node = await RegtestNode.start(tmp_path / "node", bitcoind)
    await node.stop()
    assert list((tmp_path / "home").iterdir()) == []


@pytest.mark.node
async def test_two_nodes_live_side_by_side(regtest: RegtestNode, own_regtest: RegtestNode) -> None:
    assert regtest.url != own_regtest.url
    assert await regtest.rpc("getconnectioncount") == await own_regtest.rpc("getconnectioncount") == 0


@pytest.mark.node
async def test_it_ends_when_its_maker_is_killed(bitcoind: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "BITCOIND": str(bitcoind)}
    command = [sys.executable, "-c", MAKER, str(tmp_path / "node")]
    maker = await asyncio.create_subprocess_exec(*command, env=environment, stdout=subprocess.PIPE)
    assert maker.stdout
    pid = int(await maker.stdout.readline())
    assert alive(pid)
    maker.kill()
    await maker.wait()

    async def gone() -> bool:
        return not alive(pid)

    await eventually(gone)


async def test_a_program_that_is_no_node_is_noticed(tmp_path: Path) -> None:
    began = time.monotonic()
    with pytest.raises(NodeUnreachable, match="did not start"):
        await RegtestNode.start(tmp_path, Path("/bin/false"))
    assert time.monotonic() - began < 10


def test_bitcoind_from_the_environment_comes_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "bitcoind"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("BITCOIND", str(program))
    assert find_bitcoind(fetch=False) == program


def test_the_path_comes_second(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "bitcoind"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.delenv("BITCOIND", raising=False)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert find_bitcoind(fetch=False) == program


def test_no_bitcoind_is_said_with_the_way_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BITCOIND", str(tmp_path / "nowhere"))
    with pytest.raises(NoBitcoind, match="BITCOIND"):
        find_bitcoind()
    monkeypatch.delenv("BITCOIND")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", _path_without_bitcoind())
    with pytest.raises(NoBitcoind, match="set BITCOIND="):
        find_bitcoind(fetch=False)


def _path_without_bitcoind() -> str:
    folders = os.environ["PATH"].split(":")
    return ":".join(folder for folder in folders if not (Path(folder) / "bitcoind").exists())


def test_the_script_names_no_host() -> None:
    assert "://" not in SCRIPT.read_text()

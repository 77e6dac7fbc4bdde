"""``bitcache init`` takes the node that answers on this machine, and says so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from bitcache.errors import NodeAuthFailed
from gateway.cli.main import app
from gateway.compose import chains
from gateway.settings import Settings, load
from wallet.chain.discover import FoundNode


def init(
    folder: Path, monkeypatch: pytest.MonkeyPatch, found: list[FoundNode], *options: str
) -> tuple[Settings, Any, str]:
    """Settings, JSON and what people see, after an init on a machine with these nodes."""

    async def discover() -> list[FoundNode]:
        return found

    monkeypatch.setattr(chains, "discover", discover)
    config = folder / "config.toml"
    got = CliRunner().invoke(app, ["init", "--config", str(config), "--json", *options])
    assert got.exit_code == 0, got.stderr
    return load(config, {}), json.loads(got.stdout.strip().splitlines()[-1]), got.stderr


def test_a_node_in_an_unusual_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cookie = Path("/var/lib/bitcoind/.cookie")
    node = FoundNode("main", "http://127.0.0.1:8332", cookie, 900_000)
    settings, report, told = init(tmp_path, monkeypatch, [node])
    assert settings.chain.rpc_cookie == cookie
    assert settings.chain.source == "bitcoind"
    assert report["node"] == node.url
    assert "at block 900000" in told


def test_a_node_where_it_usually_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cookie = Path.home() / ".bitcoin" / "signet" / ".cookie"
    node = FoundNode("signet", "http://127.0.0.1:38332", cookie, 200_000)
    settings, _, told = init(tmp_path, monkeypatch, [node], "--network", "signet")
    assert settings.chain.rpc_cookie is None
    assert "at block 200000" in told


def test_a_node_that_lets_nobody_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    node = FoundNode("main", "http://127.0.0.1:8332", None, error=NodeAuthFailed("the node refuses us"))
    settings, _, told = init(tmp_path, monkeypatch, [node])
    assert settings.chain.source == "bitcoind"
    assert "chain.rpc_cookie" in told


def test_real_money_is_never_swapped_for_a_test_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    node = FoundNode("regtest", "http://127.0.0.1:18443", None, 101)
    settings, report, told = init(tmp_path, monkeypatch, [node])
    assert settings.bitcoin.network == "main"
    assert report["node"] is None
    assert "--network regtest" in told


def test_no_node_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings, report, told = init(tmp_path, monkeypatch, [])
    assert report["node"] is None
    assert settings.chain.source in ("bitcoind", "light")
    assert "Start Bitcoin Core" in told or "light client" in told

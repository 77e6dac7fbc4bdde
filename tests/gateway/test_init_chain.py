"""``bitcache init`` takes the node that answers on this machine, and says so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from bitcache.chain_errors import NodeAuthFailed
from gateway.cli.main import app
from gateway.compose import chain_selection
from gateway.config.load_settings import load
from gateway.config.settings import Settings
from wallet.chain.discover_local_nodes import FoundNode


def init(
    folder: Path, monkeypatch: pytest.MonkeyPatch, nodes: list[FoundNode], *options: str
) -> tuple[Settings, Any, str]:
    """Settings, JSON and what people see, after an init on a machine with these nodes."""

    async def discover() -> list[FoundNode]:
        return nodes

    monkeypatch.setattr(chain_selection, "discover", discover)
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


def refused(folder: Path, monkeypatch: pytest.MonkeyPatch, nodes: list[FoundNode], *options: str) -> str:
    """What people see when init refuses on a machine with these nodes; it leaves nothing behind."""

    async def discover() -> list[FoundNode]:
        return nodes

    monkeypatch.setattr(chain_selection, "discover", discover)
    got = CliRunner().invoke(app, ["init", "--config", str(folder / "config.toml"), *options])
    assert got.exit_code == 3, got.stdout
    assert list(folder.iterdir()) == []
    return " ".join(got.stderr.split())


def test_real_money_is_never_swapped_for_a_test_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    node = FoundNode("regtest", "http://127.0.0.1:18443", None, 101)
    assert "--network regtest" in refused(tmp_path, monkeypatch, [node])


def test_real_money_is_not_trusted_to_strangers_unasked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a node on the main network the light client is a choice that somebody makes, told what is at stake."""
    told = refused(tmp_path, monkeypatch, [])
    assert "no Bitcoin node answers" in told
    assert "bitcache init --chain light" in told
    assert "without paying" in told
    assert "is not known" in refused(tmp_path, monkeypatch, [], "--chain", "trust-me")


@pytest.mark.parametrize("network", ["main", "signet"])
def test_the_light_client_when_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, network: str) -> None:
    settings, report, told = init(tmp_path, monkeypatch, [], "--chain", "light", "--network", network)
    assert (settings.chain.source, report["node"]) == ("light", None)
    assert "without paying" in " ".join(told.split())


def test_the_light_client_on_a_test_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings, _, told = init(tmp_path, monkeypatch, [], "--network", "signet")
    assert settings.chain.source == "light"
    assert "light client" in told


def test_a_node_that_is_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings, _, told = init(tmp_path, monkeypatch, [], "--chain", "bitcoind")
    assert settings.chain.source == "bitcoind"
    assert "chain.rpc_url" in told


def test_a_chain_that_the_file_contradicts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "config.toml"
    config.write_text('[chain]\nsource = "bitcoind"\n')
    got = CliRunner().invoke(app, ["init", "--config", str(config), "--chain", "light"])
    assert got.exit_code == 3
    assert "another chain" in got.stderr

"""Settings: one table feeds the loader, the example file and the docs."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from bitcache.errors import InvalidSettings
from gateway.config import settings_text
from gateway.config.load_settings import check, load
from gateway.config.settings import Settings, names


@pytest.mark.parametrize("path", settings_text.files(), ids=lambda path: path.name)
def test_generated_files_are_current(path: Path) -> None:
    """Whoever changes a setting runs ``python -m gateway.config.settings_text --write``."""
    assert path.read_text(encoding="utf-8") == settings_text.files()[path]


def test_example_is_the_defaults() -> None:
    """Each line of the example, uncommented, is valid TOML and gives the default or is an example."""
    lines = settings_text.example().splitlines()
    active = [line.removeprefix("# ") if " = " in line and line.startswith("# ") else line for line in lines]
    defaults = [line for line in active if not line.endswith("# an example: not set by default")]
    assert check(tomllib.loads("\n".join(defaults))) == Settings()
    assert check(tomllib.loads("\n".join(active))) != Settings()


def test_every_setting_says_why() -> None:
    """The docs list every setting with a description."""
    assert "server.port" in names()
    for name in names():
        row = next(line for line in settings_text.docs().splitlines() if line.startswith(f"| `{name}` |"))
        assert len(row.split("|")[3].strip()) > 20


def test_environment_wins(tmp_path: Path) -> None:
    """The order is environment, file, default; empty variables count as not set."""
    path = tmp_path / "config.toml"
    path.write_text('[server]\nport = 1\nhost = "::1"\n')
    environ = {
        "BITCACHE_SERVER__PORT": "8403",
        "BITCACHE_SERVER__HOST": "",
        "BITCACHE_INVOICES__CONFIRMATIONS": "[[0, 2]]",
        "BITCACHE_STORAGE__DIRECTORY": "/srv/b",
        "BITCACHE_TOKEN": "no setting: the CLI's",
    }
    loaded = load(path, environ)
    assert (loaded.server.port, loaded.server.host) == (8403, "::1")
    assert loaded.invoices.confirmations == ((0, 2),)
    assert loaded.storage.directory == Path("/srv/b")
    assert loaded.public_url == "http://[::1]:8403"


@pytest.mark.parametrize(
    ("tables", "hint"),
    [
        ({"server": {"prot": 1}}, "server.port"),
        ({"sever": {"port": 1}}, "server.port"),
        ({"port": 1}, "server.port"),
        ({"invoices": {"expiry": 1}}, "invoices.expiry_seconds"),
    ],
)
def test_unknown_names_the_nearest(tables: dict[str, Any], hint: str) -> None:
    """A typing error is refused and answered with what was probably meant."""
    with pytest.raises(InvalidSettings) as caught:
        check(tables)
    assert hint in caught.value.advice


@pytest.mark.parametrize(
    "tables",
    [
        {"bitcoin": {"network": "mainnet"}},
        {"server": {"port": 70_000}},
        {"server": {"public_url": "gateway.example"}},
        {"server": {"public_url": "https://gateway.example/shop"}},
        {"server": {"trusted_proxies": ["nginx"]}},
        {"invoices": {"confirmations": []}},
        {"invoices": {"confirmations": [[5, 1]]}},
        {"invoices": {"confirmations": [[0, 0]]}},
        {"invoices": {"confirmations": [[0, 2], [0, 1]]}},
        {"server": "here"},
    ],
)
def test_nonsense_is_refused(tables: dict[str, Any]) -> None:
    """Invalid values are refused, by the name of the setting."""
    with pytest.raises(InvalidSettings) as caught:
        check(tables)
    assert "." in caught.value.details["setting"] or caught.value.details["setting"] in tables


def test_the_light_client_sees_payments_in_blocks_alone() -> None:
    """So invoices live a day unless the operator says otherwise, and nothing can be released before a block."""
    assert check({}).expiry_seconds == 3_600
    assert check({"chain": {"source": "light"}}).expiry_seconds == 86_400
    assert check({"chain": {"source": "light"}, "invoices": {"expiry_seconds": 600}}).expiry_seconds == 600
    with pytest.raises(InvalidSettings, match="light client") as refused:
        check({"chain": {"source": "light"}, "invoices": {"zero_conf_below_sat": 1_000, "zero_conf_budget_sat": 9}})
    assert refused.value.details["setting"] == "invoices.zero_conf_below_sat"


def test_a_light_client_names_as_many_peers_as_must_agree() -> None:
    """Else it would wait for ever; naming one twice does not help."""
    light = {"source": "light", "light_peers": ["one:8333"]}
    assert check({"chain": light | {"light_connections": 1}}).highest_price_sat == 10_000_000
    assert check({"chain": light | {"light_peers": ["one:8333", "two:8333"]}}).chain.light_connections == 2
    assert check({}).highest_price_sat is None
    for peers in (["one:8333"], ["one:8333", "one:8333"]):
        with pytest.raises(InvalidSettings, match="1 named, of which 2 must agree") as refused:
            check({"chain": light | {"light_peers": peers}})
        assert refused.value.details["setting"] == "chain.light_peers"


def test_a_password_is_never_shown() -> None:
    """Neither by repr nor by an error."""
    password = "correct horse"
    assert password not in repr(check({"chain": {"rpc_password": password}}))
    with pytest.raises(InvalidSettings) as caught:
        check({"chain": {"rpc_password": [password]}})
    assert password not in str(caught.value)


@pytest.mark.parametrize("text", ["[server", "\xff"])
def test_not_toml(tmp_path: Path, text: str) -> None:
    """A broken file is named as such."""
    path = tmp_path / "config.toml"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(InvalidSettings):
        load(path, {})


SECRET = "hunter2"


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("chain.rpc_url", "127.0.0.1:8332", "http://"),
        ("chain.rpc_url", "bitcoind", "http://"),
        ("chain.rpc_url", "ftp://bitcoind:8332", "http://"),
        ("chain.rpc_url", "http://", "http://127.0.0.1:8332"),
        ("chain.rpc_url", f"http://me:{SECRET}/x@127.0.0.1:8332", "chain.rpc_password"),
        ("chain.rpc_url", f"http://me:{SECRET}#x@127.0.0.1:8332", "chain.rpc_password"),
        ("chain.rpc_url", f"http://me:{SECRET}?x@127.0.0.1:8332", "chain.rpc_password"),
        ("chain.rpc_url", f"http://me:{SECRET}@x@127.0.0.1:8332", "chain.rpc_password"),
        ("chain.rpc_url", f"http://me:{SECRET}@127.0.0.1:99999", "65535"),
        ("chain.rpc_url", "http://127.0.0.1:port", "65535"),
        ("chain.rpc_url", "http://127.0.0.1:0", "http://127.0.0.1:8332"),
        ("chain.rpc_url", "http://[::1:8332", "http://127.0.0.1:8332"),
        ("chain.rpc_url", "http://bitcoin d:8332", "http://127.0.0.1:8332"),
        ("chain.rpc_user", f"me:{SECRET}", "colon"),
        ("chain.zmq_rawtx", "127.0.0.1:28332", "tcp://"),
        ("chain.zmq_rawtx", "tcp://127.0.0.1", "host:port"),
        ("chain.zmq_rawtx", "tcp://127.0.0.1:99999", "65535"),
        ("chain.zmq_rawtx", "tcp://*:28332", "machine"),
        ("server.public_url", "https://gateway.example:99999", "65535"),
        ("server.public_url", "https://gateway.example/shop", "without a path"),
        ("server.public_url", "https://me@gateway.example", "without a path"),
    ],
)
def test_an_address_that_is_none_is_named_and_not_quoted(name: str, text: str, said: str) -> None:
    section, key = name.split(".")
    with pytest.raises(InvalidSettings) as raised:
        check({section: {key: text}})
    assert raised.value.details["setting"] == name
    assert said in str(raised.value)
    assert SECRET not in f"{raised.value!r} {raised.value.advice} {raised.value.__cause__!r}"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("chain.rpc_url", "http://me:hunter%2F2@127.0.0.1:8332"),
        ("chain.rpc_url", "http://[::1]:8332"),
        ("chain.rpc_url", "https://node.example/bitcoin"),
        ("chain.rpc_url", "http://bitcoind:8332/"),
        ("chain.zmq_rawtx", "tcp://127.0.0.1:28332"),
        ("chain.zmq_rawtx", "tcp://[::1]:28332"),
        ("chain.zmq_rawtx", "tcp://bitcoind:28332"),
        ("chain.zmq_rawtx", "ipc:///run/bitcoind/rawtx"),
        ("server.public_url", "https://gateway.example:8443/"),
    ],
)
def test_an_address_that_is_one_is_taken(name: str, text: str) -> None:
    section, key = name.split(".")
    assert getattr(getattr(check({section: {key: text}}), section), key) == text.rstrip("/") or text.endswith("8332/")

"""A gateway for all tests here, a person with an empty home, and a file on sale."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.cli import CliGateway, OnSale, Person, open_cli_gateway


@pytest.fixture(scope="session")
def cli_gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CliGateway]:
    """``bitcache init`` and ``bitcache serve`` in a process of their own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with open_cli_gateway(tmp_path_factory.mktemp("gateway"), port) as opened:
        yield opened


@pytest.fixture
def person(tmp_path: Path) -> Person:
    """Somebody with an empty home folder."""
    home = tmp_path / "home"
    home.mkdir()
    return Person(home)


@pytest.fixture
def on_sale(cli_gateway: CliGateway, tmp_path: Path) -> OnSale:
    """Three MiB and a bit, listed by ``bitcache sell``."""
    home = tmp_path / "seller"
    home.mkdir()
    content = os.urandom(3 * 2**20 + 77)
    (home / "song.flac").write_bytes(content)
    sold = Person(home).run(
        "sell", "song.flac", "--price", "2500", "--gateway", cli_gateway.url, "--json", BITCACHE_TOKEN=cli_gateway.token
    )
    assert sold.code == 0, sold.err
    return OnSale(sold.json["link"], content, cli_gateway)

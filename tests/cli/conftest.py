"""A gateway for all tests here, a person with an empty home, and a file on sale."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.cli import OnSale, Person, Shop, open_shop


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """``bitcache init`` and ``bitcache serve`` in a process of their own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with open_shop(tmp_path_factory.mktemp("shop"), port) as opened:
        yield opened


@pytest.fixture
def person(tmp_path: Path) -> Person:
    """Somebody with an empty home folder."""
    home = tmp_path / "home"
    home.mkdir()
    return Person(home)


@pytest.fixture
def on_sale(shop: Shop, tmp_path: Path) -> OnSale:
    """Three MiB and a bit, listed by ``bitcache sell``."""
    home = tmp_path / "seller"
    home.mkdir()
    content = os.urandom(3 * 2**20 + 77)
    (home / "song.flac").write_bytes(content)
    sold = Person(home).run(
        "sell", "song.flac", "--price", "2500", "--gateway", shop.url, "--json", BITCACHE_TOKEN=shop.token
    )
    assert sold.code == 0, sold.err
    return OnSale(sold.json["link"], content, shop)

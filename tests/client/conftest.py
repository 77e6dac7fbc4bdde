"""A demonstration in this process, on the simulated chain."""

from __future__ import annotations

import os
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bitcache.money import Sat
from gateway.client.sell_file import FileToSell, PublishedFile, sell
from gateway.demo.demonstration import Demo, demonstration


@pytest.fixture
async def demo(tmp_path: Path) -> AsyncIterator[Demo]:
    """A gateway, its seller and its demo wallet."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    async with demonstration(tmp_path / "demo", None, port) as running:
        yield running


@pytest.fixture
async def sold(demo: Demo, tmp_path: Path) -> PublishedFile:
    """A file on sale."""
    path = tmp_path / "song.flac"
    path.write_bytes(os.urandom(2**20 + 5))
    return await sell(demo.gateway, demo.token, demo.seed, FileToSell(path, Sat(2500), "Song"))

"""A demonstration in this process, on the simulated chain."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.demo import Demo, demonstration


@pytest.fixture
async def demo(tmp_path: Path) -> AsyncIterator[Demo]:
    """A gateway, its seller and its purse."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    async with demonstration(tmp_path / "demo", None, port) as running:
        yield running

"""Fixtures: a whole gateway on a real port, with real SQLite, over a simulated chain (see gateway_harness.py)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from gateway_harness import GatewayHarness, Open, open_harness


@pytest.fixture
async def harness(tmp_path: Path) -> AsyncIterator[GatewayHarness]:
    """A gateway with a seller, with the default settings."""
    async with open_harness(tmp_path) as opened:
        yield opened


@pytest.fixture
def open_one(tmp_path: Path) -> Open:
    """Opens a gateway with settings of the test's own."""
    return lambda **tables: open_harness(tmp_path, **tables)

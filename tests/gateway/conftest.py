"""Fixtures: a whole gateway on a real port, with real SQLite, over a simulated chain (see shop.py)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from shop import Open, Shop, open_shop


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    """A gateway with a seller, with the default settings."""
    async with open_shop(tmp_path) as opened:
        yield opened


@pytest.fixture
def open_one(tmp_path: Path) -> Open:
    """Opens a gateway with settings of the test's own."""
    return lambda **tables: open_shop(tmp_path, **tables)

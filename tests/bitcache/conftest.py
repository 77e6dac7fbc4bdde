"""Fixtures for the core's tests: a market, and a disk that is soon full."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.market import Market
from support.small_disk import SmallDisk, mount_small_disk

from bitcache.storage.database import Store


@pytest.fixture
async def market(store: Store, tmp_path: Path) -> Market:
    """One seller who can be paid."""
    return await Market.open(store, tmp_path / "blobs")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """A folder that takes about 1 MiB."""
    with mount_small_disk(tmp_path / "small") as disk:
        yield disk

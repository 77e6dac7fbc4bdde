"""Waiting for something to become true, instead of sleeping."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


async def eventually(ask: Callable[[], Awaitable[T]], seconds: float = 20.0) -> T:
    """The first true answer; fails after ``seconds``."""
    deadline = time.monotonic() + seconds
    while not (answer := await ask()):
        assert time.monotonic() < deadline, f"did not happen within {seconds} s; last answer: {answer!r}"
        await asyncio.sleep(0.02)
    return answer

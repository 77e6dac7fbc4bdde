"""The gateway's clock, which can be wrong, and every time that it ever showed."""

from __future__ import annotations

import math
import os
import time
from pathlib import Path

#: Seconds that may pass between the harness's look at the clock and the gateway's.
CLOCK_READING = 2


class GatewayClock:
    """Real time and an offset, in a file that the gateway reads; what was shown when is remembered."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.offset = 0
        self._since: list[tuple[float, float, int]] = []  # (not shown before, surely shown from, offset)
        self.set(0)

    def set(self, offset: int) -> None:
        """Be wrong by ``offset`` seconds from now on."""
        before = time.time()
        fresh = self._file.with_suffix(".new")
        fresh.write_text(str(offset))
        os.replace(fresh, self._file)  # noqa: PTH105
        self.offset = offset
        self._since.append((before, time.time(), offset))

    def now(self) -> int:
        """What it shows."""
        return int(time.time()) + self.offset

    def showed(self, moment: int, begin: float, end: float) -> bool:
        """Whether it can have shown ``moment`` at some real time from ``begin`` to ``end`` (both Unix seconds)."""
        stops = [later[1] for later in self._since[1:]] + [math.inf]
        for (start, _, offset), stop in zip(self._since, stops, strict=True):
            earliest, latest = max(start, begin), min(stop, end)
            if earliest <= latest and int(earliest) + offset <= moment <= latest + offset + CLOCK_READING:
                return True
        return False

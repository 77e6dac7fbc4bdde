"""A wallet service for demonstrations and tests: its payments stand in memory, or in a file that outlives its readers.

Whoever pays appends a line; whoever reads adds up all lines.  So it can be in another process than the gateway, as a
real wallet service is, and is not harmed when the gateway is killed.
"""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import Any

from bitcache.money import Sat


class SimulatedWallet:
    """``pay``, ``confirm`` and ``cancel`` are its buyers; ``set_down`` is its operator."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._lines: list[str] = []

    def pay(self, destination: str, amount: Sat, *, final: bool = True) -> str:
        """Pay to a destination; return the payment's reference."""
        reference = secrets.token_hex(16)
        self._append({"pay": reference, "to": destination, "sat": int(amount), "final": final})
        return reference

    def confirm(self, reference: str) -> None:
        """Make a payment final."""
        self._append({"confirm": reference})

    def cancel(self, reference: str) -> None:
        """Take back a payment, unless it is final."""
        self._append({"cancel": reference})

    def set_down(self, down: bool) -> None:
        """Answer nobody, or everybody again."""
        self._append({"down": down})

    def read(self) -> WalletState:
        """Return what all lines add up to."""
        state = WalletState()
        for line in self._all():
            state.apply(json.loads(line))
        return state

    def _append(self, entry: dict[str, Any]) -> None:
        line = json.dumps(entry)
        if self._path is None:
            self._lines.append(line)
            return
        with self._path.open("a") as file:  # one short write: readers see all of a line or nothing
            file.write(f"{line}\n")

    def _all(self) -> list[str]:
        if self._path is None:
            return self._lines
        text = self._path.read_text() if self._path.exists() else ""
        return text[: text.rfind("\n") + 1].splitlines()


class WalletState:
    """What the wallet says: payments with their destinations by reference, those taken back, whether it is down."""

    def __init__(self) -> None:
        self.payments: dict[str, tuple[str, Sat, bool]] = {}
        self.cancelled: set[str] = set()
        self.down = False

    def apply(self, entry: dict[str, Any]) -> None:
        """Add one line."""
        if "pay" in entry:
            self.payments[entry["pay"]] = (entry["to"], Sat(entry["sat"]), entry["final"])
        elif "confirm" in entry and entry["confirm"] in self.payments:
            destination, amount, _ = self.payments[entry["confirm"]]
            self.payments[entry["confirm"]] = (destination, amount, True)
        elif "cancel" in entry and not self.payments.get(entry["cancel"], ("", Sat(0), True))[2]:
            del self.payments[entry["cancel"]]
            self.cancelled.add(entry["cancel"])
        elif "down" in entry:
            self.down = entry["down"]

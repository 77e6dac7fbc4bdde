"""A real Nostr relay on this machine: rust-nostr's LocalRelay, in a Python of its own."""

from __future__ import annotations

from pathlib import Path

from wallet.guarded_process import GuardedProcess
from wallet.lightning.electrum.wait_until import listens, wait_until

#: Without a limit of its own it refuses the 61st event in a minute.
NOTES_A_MINUTE = 1_000_000
#: Not a module of ours, because its library is not one that a gateway needs.
SCRIPT = """
import asyncio, sys
from nostr_sdk import LocalRelayBuilder, RateLimit

async def main(port, notes):
    limit = RateLimit(max_reqs=500, notes_per_minute=notes)
    relay = LocalRelayBuilder().addr("127.0.0.1").port(port).rate_limit(limit).build()  # it ends when nothing names it
    await relay.run()
    await asyncio.Event().wait()

asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
"""


class PrivateRelay:
    """One relay, to be killed and started again on its port."""

    def __init__(self, python: Path, port: int) -> None:
        self._python, self.port = python, port
        self._process: GuardedProcess | None = None

    @property
    def url(self) -> str:
        """Where it is reached."""
        return f"ws://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Serve; what was published before is forgotten."""
        self._process = GuardedProcess([self._python, "-c", SCRIPT, str(self.port), str(NOTES_A_MINUTE)])
        await wait_until("the Nostr relay", lambda: listens(self.port), self._process)

    def kill(self) -> None:
        """End it without a word to anybody."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()

"""Programs that end when this process does, however this process ends: for demonstrations and tests."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

STOP_SECONDS = 20.0

#: Runs the program, ends when it has ended, and ends it when our end of the pipe closes, even if we are killed; or by
#: the signal that we write there.
GUARD = """
exec 3<&0
"$@" </dev/null & program=$!
(read -r how <&3; kill "-${how:-TERM}" "$program") & reader=$!
wait "$program"
kill "$reader"
"""


class GuardedProcess:
    """One program, started; ``environment`` is added to ours, ``log`` takes what it prints.

    It is not ours, and is given no variable of ours: one may be a wallet that can spend.
    """

    def __init__(
        self, command: Sequence[str | Path], environment: Mapping[str, str] | None = None, log: Path | None = None
    ) -> None:
        with (log or Path(os.devnull)).open("ab") as output:
            self._guard = subprocess.Popen(
                ["/bin/sh", "-c", GUARD, "sh", *map(str, command)],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                start_new_session=True,
                env={**_foreign_environment(), **(environment or {})},
            )

    @property
    def ended(self) -> bool:
        """Whether it has ended."""
        return self._guard.poll() is not None

    def end(self) -> None:
        """Ask it to end, and kill it when it does not; returns when it has ended."""
        if self._guard.stdin:
            self._guard.stdin.close()
        try:
            self._guard.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._guard.pid, signal.SIGKILL)  # the session is its own
            self._guard.wait()

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        with contextlib.suppress(BrokenPipeError), self._guard.stdin or contextlib.nullcontext() as pipe:
            if pipe:
                pipe.write(b"KILL\n")
        self._guard.wait(STOP_SECONDS)


def _foreign_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("BITCACHE_")}

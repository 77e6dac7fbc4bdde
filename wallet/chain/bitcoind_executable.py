"""Finds a bitcoind to run, or fetches one into the user's cache (see ``get_bitcoind.sh``)."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

SCRIPT = Path(__file__).with_name("get_bitcoind.sh")
FETCH_SECONDS = 600


class NoBitcoind(Exception):
    """There is none and none could be fetched; the message says why."""


def find_bitcoind(*, fetch: bool = True) -> Path:
    """Return the program: $BITCOIND, then PATH, then the cache, then (if ``fetch``) Debian's; raise NoBitcoind."""
    script = ["sh" if shutil.which("bash") is None else "bash", str(SCRIPT)]
    options = [] if fetch else ["--no-fetch"]
    try:
        done = subprocess.run(
            script + options, capture_output=True, text=True, timeout=FETCH_SECONDS, check=False, env=_environment()
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoBitcoind(f"looking for bitcoind failed: {type(error).__name__}") from error
    if done.returncode:
        raise NoBitcoind((done.stderr.strip().splitlines() or ["no bitcoind"])[-1])
    return Path(done.stdout.strip().splitlines()[-1]) / "bitcoind"


def _environment() -> dict[str, str]:
    """Return ours, with the words of tools in English: the script reads them."""
    return {**os.environ, "LC_ALL": "C"}

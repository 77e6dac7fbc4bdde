"""Finds a bitcoind to run, or fetches one into the user's cache (see ``get_bitcoind.sh``)."""

from __future__ import annotations

from pathlib import Path

from wallet.fetched_program import CannotFetch, folder_from

SCRIPT = Path(__file__).with_name("get_bitcoind.sh")


class NoBitcoind(CannotFetch):
    """There is none and none could be fetched; the message says why."""


def find_bitcoind(*, fetch: bool = True) -> Path:
    """Return the program: $BITCOIND, then PATH, then the cache, then (if ``fetch``) Debian's; raise NoBitcoind."""
    try:
        return folder_from(SCRIPT, *([] if fetch else ["--no-fetch"])) / "bitcoind"
    except CannotFetch as reason:
        raise NoBitcoind(str(reason)) from reason

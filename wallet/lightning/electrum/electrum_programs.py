"""Finds what runs Lightning wallets, or fetches it into the user's cache (see ``get_electrum.sh``)."""

from __future__ import annotations

from pathlib import Path

from wallet.fetched_program import CannotFetch, folder_from

SCRIPT = Path(__file__).with_name("get_electrum.sh")


class NoElectrum(CannotFetch):
    """There is none and none could be fetched; the message says why."""


def find_electrum() -> Path:
    """Return the folder with the programs: the cache's, else fetched into it; raise NoElectrum."""
    try:
        return folder_from(SCRIPT)
    except CannotFetch as reason:
        raise NoElectrum(str(reason)) from reason

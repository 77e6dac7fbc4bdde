"""What ``bitcache doctor`` says: a finding per thing looked at, in plain words, with a hint if something is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bitcache.errors import BitcacheError


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    NOTE = "note"  #: worth knowing
    WARNING = "warning"  #: will hurt some day, or hurts a little now
    PROBLEM = "problem"  #: sales, payments or secrets are in danger


@dataclass(frozen=True, slots=True)
class Finding:
    """``area``: settings, data, database, node, sellers, lightning, ledger or web.  Programs read ``code``."""

    area: str
    level: Level
    code: str
    text: str
    hint: str = ""


def ok(area: str, code: str, text: str) -> Finding:
    """Return a finding that all is well."""
    return Finding(area, Level.OK, code, text)


def note(area: str, code: str, text: str, hint: str = "") -> Finding:
    """Return a finding that is worth knowing."""
    return Finding(area, Level.NOTE, code, text, hint)


def warning(area: str, code: str, text: str, hint: str) -> Finding:
    """To be looked at."""
    return Finding(area, Level.WARNING, code, text, hint)


def problem(area: str, code: str, text: str, hint: str) -> Finding:
    """To be mended."""
    return Finding(area, Level.PROBLEM, code, text, hint)


def failed(area: str, error: BitcacheError) -> Finding:
    """Return an error of ours as a finding."""
    return problem(area, error.code, str(error), error.advice)

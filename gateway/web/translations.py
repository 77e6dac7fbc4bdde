"""The words people read: one flat JSON file per language, used by the templates and, inside the page, by JavaScript.

A key that counts has a form for each plural (``….one``, ``….other``) and a value ``n``.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

LANGUAGES = ("en", "de", "es", "fr")  #: the first one is the fallback
NAMES = {"en": "English", "de": "Deutsch", "es": "Español", "fr": "Français"}

_FOLDER = Path(__file__).parent / "translations"
_UNITS = ("size.b", "size.kb", "size.mb", "size.gb", "size.tb")
_RANGE = re.compile(r"\s*([A-Za-z]{1,8})(?:-[A-Za-z0-9-]+)?\s*(?:;\s*q=([01](?:\.\d{0,3})?))?\s*")


@dataclass(frozen=True)
class Translations:
    """One language's words."""

    language: str
    table: dict[str, str] = field(repr=False)

    def __call__(self, key: str, **values: str | int) -> str:
        """Return the text for ``key``; a missing one shows itself, and a test finds it."""
        if "n" in values:
            key = f"{key}.{self._plural(int(values['n']))}"
        text = self.table.get(key, key)
        return re.sub(r"\{(\w+)\}", lambda hole: str(values.get(hole[1], hole[0])), text)

    def error(self, code: str, reason: str | None = None) -> str:
        """Return the sentence for an error code, of its own for some reasons."""
        general = self.table.get(f"error.{code}", self.table["error.unexpected"])
        return self.table.get(f"error.{code}.{reason}", general)

    def sat(self, amount: int) -> str:
        """``2 500 sat``, with spaces that do not break."""
        return f"{grouped(amount)}\u00a0sat"

    def size(self, count: int) -> str:
        """``31.4 MB``."""
        value, unit = float(count), 0
        while value >= 999.5 and unit < len(_UNITS) - 1:
            value, unit = value / 1000, unit + 1
        digits = 0 if unit == 0 or value >= 99.95 else 1
        text = f"{value:.{digits}f}".removesuffix(".0")
        return self(_UNITS[unit], value=text.replace(".", "." if self.language == "en" else ","))

    def moment(self, time: int) -> str:
        """``2027-05-03, 14:00 UTC``: without JavaScript nobody knows the reader's time zone."""
        return f"{datetime.fromtimestamp(time, UTC):%Y-%m-%d, %H:%M} UTC"

    def _plural(self, count: int) -> str:
        return "one" if count == 1 or (count == 0 and self.language == "fr") else "other"


def grouped(amount: int) -> str:
    """``2 500`` with narrow no-break spaces."""
    return f"{amount:,}".replace(",", "\u202f")


@cache
def words(language: str) -> Translations:
    """Return the words of one of LANGUAGES."""
    return Translations(language, json.loads((_FOLDER / f"{language}.json").read_text("utf-8")))


def preferred(accept_language: str) -> Translations:
    """Return the words that an ``Accept-Language`` header asks for."""
    purchase_requests = [_RANGE.fullmatch(part) for part in accept_language.split(",")[:20]]
    ranked = sorted((m for m in purchase_requests if m), key=lambda m: -float(m[2] or 1))
    known = [m[1].lower() for m in ranked if m[1].lower() in LANGUAGES and float(m[2] or 1) > 0]
    return words(known[0] if known else LANGUAGES[0])

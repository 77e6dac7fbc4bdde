"""Which browser the tests drive, and with which flags."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome")
#: What ``tests/support/prepare.sh`` found ($CHROMIUM), else the first of those names on the path.
CHROMIUM = Path(os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), "chromium"))
ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

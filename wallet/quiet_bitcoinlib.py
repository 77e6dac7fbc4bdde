"""bitcoinlib, imported without its habits.

Importing it makes ``~/.bitcoinlib``, copies files there and keeps a log file open in it.  Here it is
imported on first use (half a second) with its data directory pointed at a temporary one that is
removed again, and its log handler is closed.  Its deprecated functions (``subkey_for_path``) install
a handler on the root logger: do not call them.
"""

from __future__ import annotations

import logging
import os
import tempfile
import threading
import warnings
from functools import cache
from typing import Any, NamedTuple

_once = threading.Lock()


class Library(NamedTuple):
    """The modules of bitcoinlib that are used."""

    keys: Any
    encoding: Any


def bitcoinlib() -> Library:
    """Its modules; nothing of theirs stays on the disk.  From any thread."""
    with _once:
        return _import()


@cache
def _import() -> Library:
    before = os.environ.get("BCL_DATA_DIR")
    with tempfile.TemporaryDirectory(prefix="bitcache-") as folder:
        os.environ["BCL_DATA_DIR"] = folder
        try:
            with warnings.catch_warnings(action="ignore"):  # it uses old names of SQLAlchemy's
                from bitcoinlib import encoding, keys  # only here, where its data directory is elsewhere
        finally:
            os.environ.pop("BCL_DATA_DIR")
            if before is not None:
                os.environ["BCL_DATA_DIR"] = before
        _close_log_file()
    return Library(keys, encoding)


def _close_log_file() -> None:
    log = logging.getLogger("bitcoinlib")
    for handler in list(log.handlers):
        log.removeHandler(handler)
        handler.close()
    log.addHandler(logging.NullHandler())
    log.propagate = False  # its complaints quote keys

"""bitcoinlib, imported without its habits: it reads its own tables, and writes nothing anywhere.

Importing it makes ``~/.bitcoinlib``, copies files there and keeps a log file open in it, which a service that may
write to its data folder alone cannot do.  Both happen in the last lines of one module, ``bitcoinlib.config.config``:
that module is loaded without them, with the installed package's own ``data`` folder as its data folder.  The import
takes half a second, so it waits for the first use.  Its deprecated functions (``subkey_for_path``) install a handler
on the root logger: do not call them.
"""

from __future__ import annotations

import ast
import logging
import sys
import threading
import warnings
from collections.abc import Sequence
from functools import cache
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

_SETTINGS_MODULE = "bitcoinlib.config.config"
#: Called in its last lines: they make its folders and copy its files.
_WRITERS = ("read_config", "initialize_lib")

_once = threading.Lock()


class Library(NamedTuple):
    """The modules of bitcoinlib that are used."""

    keys: Any
    encoding: Any


def bitcoinlib() -> Library:
    """Return its modules.  From any thread."""
    with _once:
        return _import()


@cache
def _import() -> Library:
    finder = _Finder()
    sys.meta_path.insert(0, finder)
    try:
        with warnings.catch_warnings(action="ignore"):  # it uses old names of SQLAlchemy's
            from bitcoinlib import encoding, keys  # only here, where its settings are read without writing
    finally:
        sys.meta_path.remove(finder)
    _silence()
    return Library(keys, encoding)


def _silence() -> None:
    log = logging.getLogger("bitcoinlib")
    log.addHandler(logging.NullHandler())
    log.propagate = False  # its complaints quote keys


class _Finder(MetaPathFinder):
    """Finds the one module that would write."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != _SETTINGS_MODULE:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is None or spec.origin is None:
            return None
        return ModuleSpec(fullname, _SettingsLoader(Path(spec.origin)), origin=spec.origin)


class _SettingsLoader(Loader):
    """Loads bitcoinlib's settings as they stand in the source."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def exec_module(self, module: ModuleType) -> None:
        """Run the module without its writers; raise ImportError when they are not where they used to be."""
        module.__file__ = str(self._path)
        tree = ast.parse(self._path.read_text(encoding="utf-8"), str(self._path))
        kept = [statement for statement in tree.body if not _calls_writer(statement)]
        if len(tree.body) - len(kept) != len(_WRITERS):
            raise ImportError("this version of bitcoinlib sets itself up in another way", name=_SETTINGS_MODULE)
        tree.body = kept
        exec(compile(tree, str(self._path), "exec"), module.__dict__)  # noqa: S102 -- the installed package's own code
        module.__dict__["BCL_DATA_DIR"] = module.__dict__["BCL_INSTALL_DIR"] / "data"
        module.__dict__["ENABLE_BITCOINLIB_LOGGING"] = False


def _calls_writer(statement: ast.stmt) -> bool:
    call = statement.value if isinstance(statement, ast.Expr) else None
    return isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in _WRITERS

"""What is SQLite's alone stands in one module, so that a store on another database replaces that one."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DIALECT = ROOT / "bitcache" / "storage" / "sqlite_only_sql.py"
#: What the driver itself and the tables' partial indexes need beside it.
MODULES = sorted(
    path
    for package in ("bitcache", "gateway", "wallet")
    for path in (ROOT / package).rglob("*.py")
    if "migrations" not in path.parts and path != DIALECT
)
WORDS = ("sqlalchemy.dialects.sqlite", "json_each", "PRAGMA ", "rowid", ".total_changes", "on_conflict")


def found_in(source: str) -> list[str]:
    """What of SQLite's own a module's source has, its docstrings apart."""
    tree = ast.parse(source)
    docs = {ast.get_docstring(node, clean=False) for node in ast.walk(tree) if isinstance(node, ast.Module)}
    plain = ast.unparse(tree)
    for doc in docs - {None}:
        plain = plain.replace(str(doc), "")
    words = [word for word in WORDS if word in plain]
    greatest = [
        "max of two values"
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("func.max", "func.min") and len(node.args) > 1
    ]
    return words + greatest


def test_it_is_found_where_it_is() -> None:
    """Of the words, and of ``max`` with two values."""
    assert set(found_in(DIALECT.read_text())) == {*WORDS, "max of two values"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_it_stands_nowhere_else(path: Path) -> None:
    assert found_in(path.read_text()) == []

"""Docstrings of functions say what to do: "Return …", "Raise …", "Record …" (CONTRIBUTING.md)."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parent.parent
#: How descriptions begin, which say what something is and not what it does.
DESCRIBING = {
    "The",
    "What",
    "A",
    "An",
    "Whether",
    "How",
    "Every",
    "Where",
    "Those",
    "These",
    "One",
    "All",
    "Everything",
    "Which",
    "Why",
    "Who",
    "It",
    "Raises",
    "Returns",
}


def functions() -> list[tuple[str, str]]:
    """Return where each function of the three packages is, and the first word of its docstring."""
    named = []
    for package in ("bitcache", "gateway", "wallet"):
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not is_property(node):
                    words = (ast.get_docstring(node) or "").split()
                    if words:
                        named.append((f"{path.relative_to(ROOT)}: {node.name}", words[0]))
    return named


def is_property(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Return whether it reads as a value, so that its docstring says what that is."""
    return any("property" in ast.unparse(decorator) for decorator in node.decorator_list)


def test_docstrings_are_imperative() -> None:
    every = functions()
    assert len(every) > 800
    assert [where for where, word in every if word in DESCRIBING] == []

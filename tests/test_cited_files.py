"""A file that a comment or docstring cites by its path exists."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = ("bench", "bitcache", "gateway", "tests", "wallet")
CITED = re.compile(r"(?<![\w/.:@<>*{-])(?:[\w.-]+/)+[\w.-]+\.(?:py|js|md)\b")
BITCOIN_CORE = {"share/rpcauth/rpcauth.py", "doc/JSON-RPC-interface.md"}


def python_prose(source: str) -> Iterator[str]:
    """Yield the comments and docstrings of a Python file."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.string
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield ast.get_docstring(node) or ""


def javascript_prose(source: str) -> Iterator[str]:
    """Yield the comments of a JavaScript file, without the types that they import."""
    for comment in re.findall(r"/\*.*?\*/|(?:^|\s)//[^\n]*", source, re.DOTALL):
        yield re.sub(r"import\([^)]*\)", "", comment)


def missing(path: Path, root: Path) -> set[str]:
    """Return the paths cited in a file that exist neither from its folder nor from one above it, up to the root."""
    prose = (python_prose if path.suffix == ".py" else javascript_prose)(path.read_text())
    folders = [folder for folder in path.parents if folder.is_relative_to(root)]
    cited = {name for text in prose for name in CITED.findall(text)} - BITCOIN_CORE
    return {name for name in cited if not any((folder / name).exists() for folder in folders)}


@pytest.mark.parametrize(
    ("name", "text"),
    [("a.py", "# {}\n"), ("a.py", '"""{}"""\n'), ("a.js", "// {}\n"), ("a.js", "/**\n * {}\n */\n")],
)
def test_a_missing_file_is_noticed(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "here.md").touch()
    (tmp_path / name).write_text(text.format("See docs/here.md, and docs/gone.md."))
    assert missing(tmp_path / name, tmp_path) == {"docs/gone.md"}


@pytest.mark.parametrize("folder", FOLDERS)
def test_cited_files_exist(folder: str) -> None:
    sources = [path for suffix in ("py", "js") for path in (ROOT / folder).rglob(f"*.{suffix}")]
    sources = [path for path in sources if "node_modules" not in path.parts]
    assert sources
    problems = {str(path.relative_to(ROOT)): missing(path, ROOT) for path in sources}
    assert {path: names for path, names in problems.items() if names} == {}

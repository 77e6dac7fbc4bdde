"""Each package opens with a guide, and a newcomer finds every module in one."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
GUIDES = [
    "bitcache",
    "wallet",
    "wallet/chain",
    "wallet/chain/light",
    "wallet/lightning",
    "wallet/lightning/electrum",
    "wallet/rails",
    "wallet/lightning/nwc",
    "gateway",
    "gateway/api",
    "gateway/cli",
    "gateway/client",
    "gateway/compose",
    "gateway/config",
    "gateway/demo",
    "gateway/diagnostics",
    "gateway/live",
    "gateway/server",
    "gateway/web",
]


@pytest.mark.parametrize("package", GUIDES)
def test_the_guide_names_every_module_once_and_nothing_else(package: str) -> None:
    """By file name; names with a folder before them are of other packages, and must exist."""
    folder = ROOT / package
    guide = ast.get_docstring(ast.parse((folder / "__init__.py").read_text())) or ""
    named = re.findall(r"(?<![\w./])((?:[\w-]+/)*[\w-]+\.py)\b", guide)
    modules = {path.name for path in folder.glob("*.py")} - {"__init__.py"}
    here = Counter(name for name in named if "/" not in name)
    assert here == Counter(modules)
    assert [name for name in named if "/" in name and not (folder / name).exists() and not (ROOT / name).exists()] == []

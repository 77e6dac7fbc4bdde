"""Each package opens with a guide, and a newcomer finds every module in one."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
GUIDES = [
    "bitcache",
    "wallet",
    "wallet/chain",
    "wallet/chain/light",
    "gateway",
    "gateway/api",
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
def test_the_guide_names_every_module(package: str) -> None:
    """By file name, or, where the guide lists names alone, by module name."""
    folder = ROOT / package
    guide = ast.get_docstring(ast.parse((folder / "__init__.py").read_text())) or ""
    names = {path.name for path in folder.glob("*.py")} - {"__init__.py"}
    assert {name for name in names if name not in guide and name.removesuffix(".py") not in guide} == set()

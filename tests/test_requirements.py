"""What a gateway needs is declared, and pinned apart from what only its tests need."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import distribution, packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
OURS = ("bitcache", "wallet", "gateway")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
DECLARED = [Requirement(requirement) for requirement in PROJECT["dependencies"]]
BUILD, DEV = ([Requirement(line) for line in PROJECT["optional-dependencies"][extra]] for extra in ("build", "dev"))
GATEWAY_LOCK, DEV_LOCK = "requirements.lock", "requirements-dev.lock"


def text(lock: str) -> str:
    return (ROOT / lock).read_text(encoding="utf-8")


def pinned(lock: str) -> set[str]:
    return set(re.findall(r"^([a-z0-9-]+)==", text(lock), re.M))


def needed(requirements: list[Requirement]) -> set[str]:
    """These and all that they need here, by the metadata of what is installed."""
    reached: set[str] = set()
    todo = [(requirement, "") for requirement in requirements]
    done: set[tuple[str, str]] = set()
    while todo:
        requirement, extra = todo.pop()
        if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
            continue
        name = canonicalize_name(requirement.name)
        reached.add(name)
        for wanted in {"", *requirement.extras} - {seen for named, seen in done if named == name}:
            done.add((name, wanted))
            todo += [(Requirement(requirement), wanted) for requirement in distribution(name).requires or []]
    return reached


def imported() -> Iterator[str]:
    """Top-level names of every module that the packages import, also inside functions."""
    for package in OURS:
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import):
                    yield from (alias.name.split(".")[0] for alias in node.names)
                elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    yield node.module.split(".")[0]


def test_what_is_imported_is_declared() -> None:
    """Not only there because something else, or a test tool, brings it along."""
    foreign = {
        module for module in imported() if module not in (*OURS, "__future__") and module not in sys.stdlib_module_names
    }
    providers = packages_distributions()
    declared = {canonicalize_name(requirement.name) for requirement in DECLARED}
    undeclared = {
        module for module in foreign if not declared & {canonicalize_name(by) for by in providers.get(module, [])}
    }
    assert undeclared == set()


def test_the_gateways_lock_holds_what_it_needs_and_no_more() -> None:
    """The builder included, because an installation by hash fetches nothing else."""
    everything, here = pinned(GATEWAY_LOCK), needed(DECLARED + BUILD)
    assert here - everything == set(), "missing: run make lock"
    only_elsewhere = {"colorama", "ecdsa", "six"}  # on Windows
    assert everything - here - only_elsewhere == set()


def test_the_tests_lock_holds_the_rest() -> None:
    assert pinned(GATEWAY_LOCK) & pinned(DEV_LOCK) == set()
    assert {canonicalize_name(requirement.name) for requirement in DEV} <= pinned(DEV_LOCK)
    assert needed(DEV) <= pinned(GATEWAY_LOCK) | pinned(DEV_LOCK)


@pytest.mark.parametrize("lock", [GATEWAY_LOCK, DEV_LOCK])
def test_every_package_is_pinned_by_hash_and_no_address_is_named(lock: str) -> None:
    entries = re.split(r"\n(?=\S)", text(lock).strip())
    assert all(re.match(r"[a-z0-9-]+==\S+ .*\n    --hash=sha256:[0-9a-f]{64}", entry) for entry in entries)
    assert "://" not in text(lock)
    assert "-index" not in text(lock)

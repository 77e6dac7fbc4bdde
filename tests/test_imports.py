"""Holds the import rules of docs/architecture.md by reading every module's syntax tree."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from importlib import import_module
from pathlib import Path

import pytest

from bitcache.errors import BitcacheError

ROOT = Path(__file__).parent.parent
COMPOSE = Path("gateway/compose")

#: package: what no module of it may import
FORBIDDEN = {
    "bitcache": {"wallet", "gateway", "aiohttp"},
    "wallet": {"gateway"},
    "gateway": {"wallet"},
}


def imported(source: str, package: str) -> Iterator[str]:
    """The full names that a module in ``package`` imports, wherever in it, also by a literal at run time."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                yield from (name.name for name in names)
            case ast.ImportFrom(module=module, names=names, level=level):
                above = package.split(".")[: len(package.split(".")) - level + 1] if level else []
                base = ".".join([*above, *([module] if module else [])])
                yield from (f"{base}.{name.name}" for name in names)
            case ast.Call(func=ast.Name(id="__import__" | "import_module"), args=[ast.Constant(value=str(name)), *_]):
                yield name
            case ast.Call(func=ast.Attribute(attr="import_module"), args=[ast.Constant(value=str(name)), *_]):
                yield name


def modules() -> list[Path]:
    """Every Python file of the three packages."""
    return sorted(path.relative_to(ROOT) for package in FORBIDDEN for path in (ROOT / package).rglob("*.py"))


def violations(path: Path, source: str) -> list[str]:
    """What this module imports against the rules."""
    forbidden = set() if path.parent == COMPOSE else FORBIDDEN[path.parts[0]]
    names = imported(source, ".".join(path.parent.parts))
    return [f"{path} imports {name}" for name in names if name.partition(".")[0] in forbidden]


def test_every_module_keeps_to_its_layer() -> None:
    """The core knows neither neighbour; the wallet knows the core; only compose/ knows all."""
    assert [violation for path in modules() for violation in violations(path, (ROOT / path).read_text())] == []


def test_settlement_knows_amounts_and_time_alone() -> None:
    """So that no rail, table or clock can ever decide what is paid."""
    source = (ROOT / "bitcache/settlement.py").read_text()
    ours = {name for name in imported(source, "bitcache") if name.startswith("bitcache")}
    assert ours == {"bitcache.money.Sat", "bitcache.money.total"}


def test_no_modules_import_each_other_in_a_circle() -> None:
    """What is imported when a module loads; an import inside a function may point back."""
    names = {".".join(path.with_suffix("").parts).removesuffix(".__init__"): path for path in modules()}
    graph = {name: {other for other in _imports(path) if other in names} for name, path in names.items()}
    assert len(graph["gateway.compose.start_gateway"]) > 10
    TopologicalSorter(graph).prepare()  # raises CycleError, which names the circle


def _imports(path: Path) -> Iterator[str]:
    """The modules that a module imports at its top."""
    for node in ast.parse((ROOT / path).read_text()).body:
        if isinstance(node, ast.ImportFrom) and node.module:
            package = ROOT / Path(*node.module.split("."))
            for alias in node.names:
                inside = (package / f"{alias.name}.py").exists() or (package / alias.name / "__init__.py").exists()
                yield f"{node.module}.{alias.name}" if inside else node.module


def test_the_packages_are_there() -> None:
    """A rule about nothing would hold too easily."""
    assert {path.parts[0] for path in modules()} == set(FORBIDDEN)
    assert any(
        name.startswith("wallet.")
        for name in imported((ROOT / COMPOSE / "start_gateway.py").read_text(), "gateway.compose")
    )


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("bitcache/a.py", "import wallet.watcher"),
        ("bitcache/a.py", "from gateway import app"),
        ("bitcache/storage/a.py", "def f():\n    import aiohttp.web as web"),
        ("bitcache/storage/a.py", "if TYPE_CHECKING:\n    from wallet.watcher import Watcher"),
        ("bitcache/a.py", "import importlib\nimportlib.import_module('gateway.server.app')"),
        ("bitcache/a.py", "__import__('wallet')"),
        ("wallet/a.py", "from gateway.live.hub import Hub"),
        ("gateway/server/app.py", "from wallet import watcher"),
        ("gateway/cli/compose.py", "from wallet import watcher"),
    ],
)
def test_the_reader_sees_every_kind_of_import(path: str, source: str) -> None:
    """Each of these breaks a rule."""
    assert len(violations(Path(path), source)) == 1


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("bitcache/a.py", "from bitcache import ledger"),
        ("bitcache/a.py", "from . import wallet"),
        ("bitcache/storage/a.py", "from .. import gateway"),
        ("wallet/a.py", "from bitcache.chain_types import Payment"),
        ("gateway/compose/start_gateway.py", "from wallet.watcher import Watcher"),
        ("gateway/server/app.py", "import aiohttp"),
    ],
)
def test_the_reader_allows_what_is_allowed(path: str, source: str) -> None:
    """A module of ours may be called like a forbidden package."""
    assert violations(Path(path), source) == []


def test_every_error_stands_in_the_tree() -> None:
    """Errors with a code are defined where their tree is drawn, so that one page and one table know all of them."""
    kept = ("errors", "account_errors", "listing_errors", "chain_errors")
    homes = {*(f"bitcache.{name}" for name in kept), "gateway.client.errors"}
    for path in modules():
        if "migrations" not in path.parts:
            import_module(".".join(path.with_suffix("").parts).removesuffix(".__init__"))
    elsewhere = [kind for kind in below(BitcacheError) if kind.__module__ not in homes and is_ours(kind)]
    assert elsewhere == []


def below(kind: type[BitcacheError]) -> Iterator[type[BitcacheError]]:
    """Every class that derives from it."""
    for child in kind.__subclasses__():
        yield child
        yield from below(child)


def is_ours(kind: type[BitcacheError]) -> bool:
    """Tests derive errors of their own."""
    return kind.__module__.split(".")[0] in FORBIDDEN

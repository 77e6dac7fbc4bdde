"""One table of the calls that a node must take: what the code calls, what doctor tries, what the docs list."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from wallet.chain.node_calls import CALLS, table, whitelist
from wallet.chain.node_checkup import _trials

ROOT = Path(__file__).parent.parent.parent
#: Whoever speaks to the seller's own node.  (regtest_node.py is a node for demonstrations, with a wallet.)
CALLERS = ["bitcoind_source.py", "mempool_payments.py", "spent_inputs.py", "node_checkup.py", "discover_local_nodes.py"]
METHODS = {call.method for call in CALLS}


def called(path: Path) -> Iterator[str]:
    """The literal first arguments of ``call(…)`` and ``_call(…)``, and the tuples of ``batch(…)``."""
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        if node.func.attr in ("call", "_call") and isinstance(node.args[0], ast.Constant):
            yield node.args[0].value
        if node.func.attr == "batch":
            for inner in ast.walk(node):
                if isinstance(inner, ast.Tuple) and inner.elts and isinstance(inner.elts[0], ast.Constant):
                    yield inner.elts[0].value


def test_the_table_holds_what_the_code_calls_and_no_more() -> None:
    methods = {method for name in CALLERS for method in called(ROOT / "wallet" / "chain" / name)}
    assert methods == METHODS


def test_doctor_tries_each() -> None:
    assert set(_trials(None)) == METHODS


@pytest.mark.parametrize("text", [table(), whitelist()], ids=["table", "line for bitcoin.conf"])
def test_the_docs_list_them(text: str) -> None:
    assert text in (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")

"""docs/errors.md lists every code with what it really answers."""

from __future__ import annotations

import re
import subprocess
import sys

from gateway.cli.error_docs import PAGE, page


def test_the_page_is_up_to_date() -> None:
    """In a process of its own: what other tests define is no error of ours."""
    done = subprocess.run([sys.executable, "-m", "gateway.cli.error_docs"], check=False)
    assert done.returncode == 0, "run: python -m gateway.cli.error_docs --write"


def test_every_code_stands_once() -> None:
    """Two classes with one code could not be told apart."""
    codes = re.findall(r"^\| `(\w+)` \|", page(), re.MULTILINE)
    assert "sealed_wrongly" in codes
    assert {code for code in codes if codes.count(code) > 1} <= {"not_found"}, "of a listing, and of HTTP itself"
    assert PAGE.exists()

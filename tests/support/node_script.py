"""Clients from npm, run by Node in a process of their own: what is asked goes in on stdin, since it holds secrets."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

JS = Path(__file__).parents[1] / "js"


def said_by(script: str, package: str, asked: dict[str, Any], *options: str) -> dict[str, Any]:
    """What a script under tests/js, which needs that npm package, prints; skip where it cannot run."""
    node = os.environ.get("NODE") or shutil.which("node")
    if not node or not (JS / "node_modules" / package).is_dir():
        pytest.skip("no node, or npm ci has not run in tests/js")
    done = subprocess.run(
        [node, *options, JS / script], input=json.dumps(asked), capture_output=True, text=True, timeout=90, check=False
    )
    assert done.returncode == 0, done.stderr
    said: dict[str, Any] = json.loads(done.stdout)
    return said

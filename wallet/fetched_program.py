"""Programs that a script beside us finds or fetches into the user's cache."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

FETCH_SECONDS = 600


class CannotFetch(Exception):
    """There is none and none could be fetched; the message says why."""


def folder_from(script: Path, *options: str) -> Path:
    """Return the folder that the script prints; raise CannotFetch with the reason that it gives."""
    name = script.stem.removeprefix("get_")
    try:
        done = subprocess.run(
            ["sh" if shutil.which("bash") is None else "bash", str(script), *options],
            capture_output=True,
            text=True,
            timeout=FETCH_SECONDS,
            check=False,
            env={**os.environ, "LC_ALL": "C"},  # the script reads the words of tools
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CannotFetch(f"looking for {name} failed: {type(error).__name__}") from error
    if done.returncode:
        raise CannotFetch((done.stderr.strip().splitlines() or [f"no {name}"])[-1])
    return Path(done.stdout.strip().splitlines()[-1])

"""Programs for demonstrations and tests end when they are told to, and when whoever started them is gone."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.eventually import eventually

from wallet import guarded_process
from wallet.guarded_process import GuardedProcess

STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('on', flush=True); time.sleep(60)"
#: Writes its process id, and goes on.
PLAIN = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"


def alive(pid: int) -> bool:
    """Return whether it runs; one that ended and was not waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def started(script: str) -> subprocess.Popen[bytes]:
    """Run a script of Python in the project's folder."""
    return subprocess.Popen([sys.executable, "-c", script], cwd=Path(__file__).parents[2])


async def printed(log: Path) -> str:
    """Return what it has written, once it has written something."""

    async def text() -> str:
        return log.read_text() if log.exists() else ""

    return await eventually(text)


@pytest.mark.parametrize("how", ["end", "kill"])
async def test_when_that_returns_it_has_ended(tmp_path: Path, how: str) -> None:
    """So that its port is free for the next one."""
    process = GuardedProcess([sys.executable, "-c", PLAIN], log=tmp_path / "log")
    pid = int(await printed(tmp_path / "log"))
    assert not process.ended
    getattr(process, how)()
    assert not Path(f"/proc/{pid}").exists()
    assert process.ended


async def test_one_that_does_not_listen_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guarded_process, "STOP_SECONDS", 0.3)
    process = GuardedProcess([sys.executable, "-c", STUBBORN], log=tmp_path / "log")
    await printed(tmp_path / "log")
    began = time.monotonic()
    process.end()
    assert process.ended
    assert time.monotonic() - began < 5


async def test_it_is_given_no_secret_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BITCACHE_NWC", "a secret")
    monkeypatch.setenv("ANOTHER", "kept")
    process = GuardedProcess(["env"], {"OWN": "added"}, tmp_path / "log")

    async def ended() -> bool:
        return process.ended

    await eventually(ended)
    shown = (tmp_path / "log").read_text()
    assert "a secret" not in shown
    assert {"ANOTHER=kept", "OWN=added"} <= set(shown.splitlines())


async def test_one_that_ended_by_itself_is_noticed(tmp_path: Path) -> None:
    process = GuardedProcess(["true"])

    async def ended() -> bool:
        return process.ended

    await eventually(ended)
    process.kill()
    process.end()


async def test_it_ends_when_its_owner_is_killed(tmp_path: Path) -> None:
    log = tmp_path / "log"
    owner_script = (
        "import sys, time; from pathlib import Path; from wallet.guarded_process import GuardedProcess\n"
        f"process = GuardedProcess([sys.executable, '-c', {PLAIN!r}], log=Path({str(log)!r}))\ntime.sleep(60)"
    )
    owner = started(owner_script)
    pid = int(await printed(log))
    assert alive(pid)
    owner.kill()
    owner.wait()

    async def gone() -> bool:
        return not alive(pid)

    await eventually(gone)

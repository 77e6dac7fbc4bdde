"""``deploy/bitcache.service``: systemd understands it, and the gateway runs with what it leaves writable."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support.cli import TPUB, Person, answers, wait_until
from support.ports import free_port

UNIT = Path(__file__).parents[2] / "deploy" / "bitcache.service"
#: What ``ProtectSystem=strict`` and ``StateDirectory=`` make of a machine: one writable folder, ``$DATA``.
STRICT = 'mount --make-rprivate / && mount --bind "$DATA" "$DATA" && mount -o remount,bind,ro / && exec "$@"'


@pytest.fixture
def strictly(tmp_path: Path) -> tuple[str, ...]:
    """A command that runs another with everything read-only but ``$DATA``."""
    enter = ("unshare", "--mount", "--map-root-user")
    if shutil.which("unshare") is None or subprocess.run([*enter, "true"], check=False).returncode:
        pytest.skip("unshare --mount is not allowed here")
    return (*enter, "sh", "-c", STRICT, "sh")


def test_systemd_understands_it(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("no systemd-analyze")
    copy = tmp_path / UNIT.name
    text = UNIT.read_text()
    started = re.search(r"^ExecStart=(\S+)", text, re.MULTILINE)
    assert started is not None
    text = text.replace(started[1], sys.executable).replace("User=bitcache", "User=daemon")
    copy.write_text(text)
    done = subprocess.run(["systemd-analyze", "verify", copy], capture_output=True, text=True, check=False)
    assert (done.returncode, [line for line in done.stderr.splitlines() if UNIT.name in line]) == (0, []), done.stderr


def test_the_data_folder_is_all_that_is_written(tmp_path: Path, strictly: tuple[str, ...]) -> None:
    """With a payout, whose addresses two libraries derive at every start."""
    data, port = tmp_path / "data", free_port()
    config = tmp_path / "config.toml"
    config.write_text(
        f'[bitcoin]\nnetwork = "regtest"\n[chain]\nsource = "simulated"\n[server]\nport = {port}\n'
        f'[storage]\ndirectory = "{data}"\nmin_free_bytes = 0\n'
    )
    person = Person(tmp_path)
    made = person.run("init", "--descriptor", f"wpkh({TPUB}/0/*)", "--json")
    assert made.code == 0, made.err
    environment = person.environment(DATA=str(data), TMPDIR="", HOME="/nonexistent")
    command = [*strictly, sys.executable, "-m", "gateway.cli.main"]
    serve = subprocess.Popen([*command, "serve", "--config", config], env=environment, stderr=subprocess.PIPE)
    try:
        wait_until(lambda: serve.poll() is not None or answers(f"http://127.0.0.1:{port}"), 30)
        assert serve.poll() is None, serve.stderr and serve.stderr.read().decode()
        doctor = subprocess.run(
            [*command, "doctor", "--config", config, "--json"],
            env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert "Traceback" not in doctor.stderr
        assert '"ok"' in doctor.stdout
    finally:
        serve.send_signal(signal.SIGTERM)
        assert serve.wait(20) == 0

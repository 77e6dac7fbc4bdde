"""Runs ``bitcache`` as people do: a process, its exit code, its two outputs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError

BITCACHE = (sys.executable, "-m", "gateway.cli.main")
TPUB = "tpubDC8msFGeGuwnKG9Upg7DM2b4DaRqg3CUZa5g8v2SRQ6K4NSkxUgd7HsL2XVWbVm39yBA4LAxysQAm397zwQSQoQgewGiYZqrA9DsP4zbQ1M"


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The object on the last line of stdout."""
        report = json.loads(self.out.splitlines()[-1])
        assert isinstance(report, dict)
        return report


@dataclass(frozen=True)
class Person:
    """Somebody's machine: a home folder, in which commands run."""

    home: Path

    def environment(self, **more: str) -> dict[str, str]:
        """Ours, without what would point elsewhere."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("BITCACHE_", "XDG_"))}
        own = {"HOME": str(self.home), "TMPDIR": str(self.home), "XDG_CACHE_HOME": _cache(), "COLUMNS": "200"}
        return {**kept, **own, **more}

    def run(self, *arguments: str | Path, stdin: str = "", timeout: float = 60, **environment: str) -> Done:
        """A command, to its end."""
        done = subprocess.run(
            [*BITCACHE, *map(str, arguments)],
            cwd=self.home,
            env=self.environment(**environment),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    @contextmanager
    def running(
        self, *arguments: str | Path, log: Path | None = None, **environment: str
    ) -> Iterator[subprocess.Popen[str]]:
        """A command that goes on by itself; killed at the end if it still lives.

        ``log`` takes its stderr: a pipe that nobody reads is full after 64 KiB, and whoever writes to it stands still.
        """
        with nullcontext(subprocess.PIPE) if log is None else log.open("w") as errors:
            process = subprocess.Popen(
                [*BITCACHE, *map(str, arguments)],
                cwd=self.home,
                env=self.environment(PYTHONUNBUFFERED="1", **environment),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        try:
            yield process
        finally:
            process.kill()
            process.communicate()


@dataclass(frozen=True)
class CliGateway:
    """A gateway that runs in ``folder``, its seller's token, and the demo wallet of its simulated chain."""

    url: str
    token: str
    folder: Path

    def pay(self, purchase_id: str, amount: int | None = None) -> None:
        """Let the demo wallet pay."""
        body = {"purchase_id": purchase_id} | ({} if amount is None else {"amount_sat": amount})
        self._post("/api/v1/demo/pay", body)

    def purchase_of(self, person: Person) -> str | None:
        """The purchase that the newest claim on somebody's disk belongs to, once there is one."""
        for path in (person.home / ".local" / "state" / "bitcache" / "purchases").glob("*.json"):
            claim = json.loads(path.read_text())["claims"][-1:]
            if claim:
                return self._purchase_id(claim[0])
        return None

    def pay_for(self, person: Person) -> None:
        """Pay what somebody's running ``buy`` waits for."""
        wait_until(lambda: self.purchase_of(person))
        self.pay(str(self.purchase_of(person)))

    def _purchase_id(self, claim: str) -> str | None:
        request = urllib.request.Request(f"{self.url}/api/v1/claim", headers={"Authorization": f"Bearer {claim}"})
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return str(json.load(answer)["purchase_id"])
        except HTTPError:
            return None

    def _post(self, path: str, body: dict[str, Any]) -> None:
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert answer.status == 202


@dataclass(frozen=True)
class OnSale:
    """A file on sale, known from both sides."""

    link: str
    content: bytes
    cli_gateway: CliGateway


@contextmanager
def open_cli_gateway(home: Path, port: int, **environment: str) -> Iterator[CliGateway]:
    """``init`` and ``serve``, on a simulated chain."""
    seller = Person(home)
    (home / "config.toml").write_text(
        f'[bitcoin]\nnetwork = "regtest"\n[chain]\nsource = "simulated"\n[server]\nport = {port}\n'
        f'[storage]\ndirectory = "{home}/data"\nmin_free_bytes = 0\n'
    )
    made = seller.run("init", "--descriptor", f"wpkh({TPUB}/0/*)", "--json", **environment)
    assert made.code == 0, made.err
    with seller.running("serve", log=home / "serve.log", **environment) as process:
        url = f"http://127.0.0.1:{port}"
        wait_until(lambda: answers(url), 30)
        yield CliGateway(url, made.json["token"], home)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


def answers(url: str) -> bool:
    """Whether a gateway is there."""
    try:
        with urllib.request.urlopen(f"{url}/healthz", timeout=2) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False


def wait_until(ask: Any, seconds: float = 20) -> None:
    """Until ``ask()`` is true."""
    deadline = time.monotonic() + seconds
    while not ask():
        assert time.monotonic() < deadline, f"did not happen within {seconds} s"
        time.sleep(0.05)


def _cache() -> str:
    """Where a fetched bitcoind lies: the real one, whatever HOME is."""
    return os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")

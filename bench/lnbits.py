"""The peer: LNbits 1.6.2 with its FakeWallet and SQLite, installed into .cache when it is asked for (--peers)."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from bench.load import ask, request

VENV = Path(__file__).parent.parent / ".cache" / "lnbits"
#: A plain install resolves bitstring 5, with which it does not start.
PACKAGES = ("lnbits==1.6.2", "bitstring<5")
PORT = 15_055
START_SECONDS = 120

_wanted = False


def want() -> None:
    """Measure it too."""
    global _wanted
    _wanted = True


def wanted() -> bool:
    """Whether it was asked for."""
    return _wanted


@dataclass
class Peer:
    """A running LNbits with one account."""

    port: int
    key: str
    made: list[str] = field(default_factory=list)

    def invoices(self, count: int) -> list[bytes]:
        """Requests for invoices, as its own pages make them."""
        body = json.dumps({"out": False, "amount": 100, "unit": "sat", "memo": "bench", "expiry": 3600})
        return [request("POST", "/api/v1/payments", body, X_Api_Key=self.key)] * count

    def questions(self, count: int) -> list[bytes]:
        """Requests for one invoice's state."""
        if not self.made:
            self.made.append(str(json.loads(ask(self.port, self.invoices(1)[0]))["payment_hash"]))
        return [request("GET", f"/api/v1/payments/{self.made[0]}")] * count


@contextmanager
def serving() -> Iterator[Peer]:
    """LNbits, while the context lasts."""
    if not (VENV / "bin" / "lnbits").exists():
        subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)
        subprocess.run([str(VENV / "bin" / "pip"), "install", "--quiet", "--quiet", *PACKAGES], check=True)
    with tempfile.TemporaryDirectory(prefix="lnbits-bench-") as folder, _rates() as rates:
        [package] = VENV.glob("lib/python3*/site-packages/lnbits")
        (Path(folder) / "lnbits").symlink_to(package)  # it looks for its static files in the working directory
        environment = os.environ | {
            "LNBITS_DATA_FOLDER": f"{folder}/data",
            "LNBITS_EXTENSIONS_PATH": f"{folder}/extensions",
            "LNBITS_BACKEND_WALLET_CLASS": "FakeWallet",
            "FAKE_WALLET_SECRET": "ToTheMoon1",
            "LNBITS_ADMIN_UI": "false",
            "LNBITS_ALLOW_NEW_ACCOUNTS": "true",
            "AUTH_HTTPS_ONLY": "false",
            "LNBITS_RATE_LIMIT_NO": "1000000",
            "LNBITS_RATE_LIMIT_UNIT": "second",
            "DEBUG": "false",
            "ENABLE_LOG_TO_FILE": "false",
            "LNBITS_EXTENSIONS_DEFAULT_INSTALL": "",
            "LNBITS_PRICE_AGGREGATOR_URL": rates,
        }
        for name in ("data", "extensions"):
            (Path(folder) / name).mkdir()
        process = subprocess.Popen(
            [str(VENV / "bin" / "lnbits"), "--host", "127.0.0.1", "--port", str(PORT)],
            cwd=folder,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            yield Peer(PORT, _account())
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(20)


def _account() -> str:
    deadline = time.monotonic() + START_SECONDS
    asked = urllib.request.Request(
        f"http://127.0.0.1:{PORT}/api/v1/account", b'{"name":"bench"}', {"Content-Type": "application/json"}
    )
    while True:
        try:
            with urllib.request.urlopen(asked, timeout=10) as answer:
                return str(json.load(answer)["inkey"])
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)


@contextmanager
def _rates() -> Iterator[str]:
    """An exchange rate at hand: it asks for one now and then, and waits for the answer."""

    class Rates(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = b'{"rates": {"median": 100000.0}}'
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Rates)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()

"""The Lightning wallet and its relay, two processes to kill and start again, and what the wallet's own records say."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from coincurve import PrivateKey

from chaos.gateway import free_port
from chaos.gateway_process import ROOT, clock_of
from chaos.lightning_service import make_tables
from chaos.reference import InWallet
from wallet.lightning.bolt11_invoice import decode
from wallet.lightning.simulated_lightning import SimulatedLightning

FOLDER = Path(__file__).parent


class ChaosLightning:
    """``relay`` and ``service`` are None while they are dead; the file outlives both."""

    def __init__(self, folder: Path, clock_file: Path) -> None:
        """Only when the gateway listens: each takes the lowest free port."""
        self.file, self._log = folder / "lightning.sqlite", (folder / "lightning.log").open("w")
        make_tables(self.file)
        self._node = SimulatedLightning("regtest", self.file, clock_of(clock_file))
        self._port, wallet, client = free_port(), PrivateKey(), PrivateKey()
        url = f"ws://127.0.0.1:{self._port}/"
        name = wallet.public_key.format()[1:].hex()
        self.connection = f"nostr+walletconnect://{name}?relay={url}&secret={client.secret.hex()}"
        self._service_arguments = (self.file, clock_file, url, wallet.secret.hex(), client.secret.hex())
        self.relay: subprocess.Popen[bytes] | None = None
        self.service: subprocess.Popen[bytes] | None = None
        self._purchases: dict[str, str] = {}
        self.start()

    @property
    def is_up(self) -> bool:
        """Whether it can answer."""
        return self.relay is not None and self.service is not None

    def start(self) -> None:
        """What is dead comes back."""
        self.relay = self.relay or self._run("lightning_relay.py", self._port)
        self.service = self.service or self._run("lightning_service.py", *self._service_arguments)

    def kill_relay(self) -> None:
        """SIGKILL."""
        self.relay = _kill(self.relay)

    def kill_service(self) -> None:
        """SIGKILL."""
        self.service = _kill(self.service)

    def close(self) -> None:
        """End both."""
        self.kill_relay()
        self.kill_service()
        self._log.close()

    # Its records

    def pay(self, purchase_id: str, invoice: str, how: str | None) -> bytes:
        """Pay it, and have it notified like that; the preimage; raises WalletRefused when it has expired."""
        payment_hash = decode(invoice).payment_hash
        self._purchases[payment_hash.hex()] = purchase_id
        preimage = self._node.pay(invoice)
        if how is not None:
            self.say(payment_hash, how)
        return preimage

    def say(self, payment_hash: bytes, how: str) -> None:
        """Have something notified, paid or not."""
        self._write("INSERT INTO say (hash, how) VALUES (?, ?)", (payment_hash, how))

    def report_as_failed(self, payment_hash: bytes) -> None:
        """Whoever looks it up is told that it failed."""
        self._write("INSERT OR IGNORE INTO failed VALUES (?)", (payment_hash,))

    def payments(self) -> dict[str, list[InWallet]]:
        """Everything that was paid, by purchase: exactly what was asked for, and final."""
        with closing(sqlite3.connect(self.file, timeout=10)) as db:
            rows = db.execute("SELECT hash, msat FROM invoice JOIN made USING (hash) WHERE paid_at IS NOT NULL")
            paid = rows.fetchall()
        payments: dict[str, list[InWallet]] = {}
        for payment_hash, msat in paid:
            owner = self._purchases[payment_hash.hex()]
            payments.setdefault(owner, []).append(InWallet(payment_hash.hex(), msat // 1000, True))
        return payments

    def _write(self, statement: str, values: tuple[object, ...]) -> None:
        with closing(sqlite3.connect(self.file, timeout=10)) as db, db:
            db.execute(statement, values)

    def _run(self, program: str, *arguments: object) -> subprocess.Popen[bytes]:
        command = [sys.executable, str(FOLDER / program), *map(str, arguments)]
        return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=self._log, stderr=self._log)


def _kill(process: subprocess.Popen[bytes] | None) -> None:
    if process is not None:
        process.kill()
        process.wait(10)
        assert process.stdin is not None
        process.stdin.close()

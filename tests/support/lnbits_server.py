"""A real LNbits server on loopback, funded by a Lightning wallet over Nostr Wallet Connect."""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from support.eventually import eventually

from wallet.free_ports import free_ports
from wallet.guarded_process import GuardedProcess

SCRIPT = Path(__file__).with_name("get_lnbits.sh")
START_SECONDS = 60.0


@dataclass(frozen=True)
class LnbitsServer:
    """What it is asked by its users, beside what our wallet asks."""

    host: str
    http: aiohttp.ClientSession

    async def account(self, name: str) -> dict[str, Any]:
        """Make an account; return its wallet with both keys."""
        async with self.http.post(f"{self.host}/api/v1/account", json={"name": name}) as got:
            assert got.status == 200, await got.text()
            wallet: dict[str, Any] = await got.json()
            return wallet

    async def told_anybody(self, payment_hash: str) -> dict[str, Any]:
        """Return what it says of a payment to those who have no key."""
        async with self.http.get(f"{self.host}/api/v1/payments/{payment_hash}") as got:
            assert got.status == 200, await got.text()
            said: dict[str, Any] = await got.json()
            return said


def lnbits_program() -> Path:
    """Return the folder of a Python that has it, fetched if need be; skip the test where it cannot be had."""
    done = subprocess.run([SCRIPT], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(done.stderr.strip().splitlines()[-1])
    return Path(done.stdout.strip())


@asynccontextmanager
async def lnbits_server(program: Path, folder: Path, funding: str) -> AsyncIterator[LnbitsServer]:
    """Run it in ``folder``; ``funding`` is the connection to the wallet behind it."""
    [port], data = free_ports(1), folder / "lnbits"
    data.mkdir()
    environment = {
        "LNBITS_ADMIN_UI": "false",
        "LNBITS_BACKEND_WALLET_CLASS": "NWCWallet",
        "NWC_PAIRING_URL": funding,
        "LNBITS_DATA_FOLDER": str(data),
        "LNBITS_EXTENSIONS_PATH": str(data),
        # It would fetch them from the internet.
        "LNBITS_EXTENSIONS_MANIFESTS": "[]",
        "LNBITS_WASM_EXTENSIONS_MANIFESTS": "[]",
        "LNBITS_EXTENSIONS_DEFAULT_INSTALL": "[]",
        "LNBITS_EXCHANGE_RATE_PROVIDERS": "[]",
        "HOME": str(data),
    }
    # It starts from its own folder only, and its own command leaves a process behind.
    [packages] = (program / "lib").glob("python3*/site-packages")
    serve = f"cd '{packages}' && exec '{program}/bin/python' -m uvicorn lnbits.__main__:app --port {port}"
    process = GuardedProcess(["/bin/sh", "-c", serve], environment, data / "log")
    try:
        async with aiohttp.ClientSession() as http:
            server = LnbitsServer(f"http://127.0.0.1:{port}", http)
            await eventually(lambda: _answers(server, process), START_SECONDS)
            yield server
    finally:
        process.end()


async def _answers(server: LnbitsServer, process: GuardedProcess) -> bool:
    assert not process.ended, "LNbits has ended by itself"
    try:
        async with server.http.get(f"{server.host}/api/v1/health") as got:
            return got.status == 200
    except aiohttp.ClientError:
        return False

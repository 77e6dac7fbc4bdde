"""One Electrum daemon with one wallet, asked by JSON-RPC: its command line takes seconds for each question."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp

from bitcache.chain_errors import WalletError, WalletRefused, WalletUnreachable
from wallet.guarded_process import GuardedProcess
from wallet.lightning.electrum.wait_until import HINT, wait_until

CALL_SECONDS = 90
USER = "bitcache"


class ElectrumDaemon:
    """From :meth:`start` to :meth:`stop`; everything of it lies in ``folder``.  Any event loop may ask it."""

    def __init__(self, program: Path, folder: Path, port: int, settings: Mapping[str, Any]) -> None:
        """``settings`` are written before the first start: without them it would dial public servers and relays."""
        self._program, self._folder = program, folder
        self._url, self._password = f"http://127.0.0.1:{port}", secrets.token_hex(16)
        self._process: GuardedProcess | None = None
        rpc = {
            "rpcsock": "tcp",
            "rpchost": "127.0.0.1",
            "rpcport": port,
            "rpcuser": USER,
            "rpcpassword": self._password,
        }
        path = folder / "regtest"
        path.mkdir(parents=True)
        (path / "config").write_text(json.dumps({**settings, **rpc}))
        (path / "config").chmod(0o600)

    async def start(self) -> None:
        """Run the daemon, its wallet loaded, made if there is none."""
        self._process = GuardedProcess(
            [self._program, "--regtest", "-D", self._folder, "daemon"],
            {"HOME": str(self._folder)},
            self._folder / "daemon.log",
        )
        await wait_until("the Electrum wallet", self._loaded, self._process)

    async def stop(self) -> None:
        """End the daemon in order, at the latest by force."""
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(WalletError):
            await self.call("stop")
        await asyncio.to_thread(process.end)

    async def call(self, method: str, **params: Any) -> Any:
        """Return what it answers; raise WalletRefused, WalletUnreachable."""
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        limit = aiohttp.ClientTimeout(CALL_SECONDS)
        headers = {"Authorization": aiohttp.encode_basic_auth(USER, self._password)}
        try:
            async with (
                aiohttp.ClientSession(headers=headers, timeout=limit) as session,
                session.post(self._url, json=body) as got,
            ):
                answer = await got.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise WalletUnreachable(f"Electrum does not answer: {type(error).__name__}", hint=HINT) from None
        if not isinstance(answer, dict) or answer.get("error"):
            raise WalletRefused(f"Electrum refuses {method}: {_reason(answer)}", hint=HINT)
        return answer["result"]

    async def pay(self, invoice: str) -> bytes:
        """Pay an invoice; return the preimage; raise WalletRefused when it was not paid."""
        paid = await self.call("lnpay", invoice=invoice)
        if not paid["success"]:
            raise WalletRefused("Electrum could not pay this invoice", hint=HINT)
        return bytes.fromhex(paid["preimage"])

    async def _loaded(self) -> bool:
        if not (self._folder / "regtest" / "wallets" / "default_wallet").exists():
            await self.call("create")
        await self.call("load_wallet")
        return True


def _reason(answer: Any) -> str:
    error = answer.get("error") if isinstance(answer, dict) else None
    return str(error.get("message") if isinstance(error, dict) else error)

"""Two hundred strangers ask for invoices and pay nothing: are a hundred buyers served, and how soon?

    python -m bench.invoice_attack [--work] [--seconds 10]

A hundred attackers have a /64 each of one IPv6 /48, a hundred have IPv4 addresses of networks that have nothing in
common.  With ``--work`` they do the proof of work that is asked for.  They begin alone; then the buyers come, all at
once, half of them customers of the attackers' IPv6 provider, and ask as a buyer's program does.  Everything runs on
this machine, so the buyers' work is done beside the attackers'.  Prints one JSON object.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import Any

import aiohttp

from bench.bench_gateway import DESCRIPTOR, resident_mb
from bitcache.identifiers import b64u, claim_hash, new_secret
from bitcache.money import Sat
from bitcache.proof_of_work import solve
from gateway.client.gateway_client import connect
from gateway.client.sell_file import FileToSell, sell
from gateway.compose import check_payout, init_data_folder, running
from gateway.config.load_settings import check
from gateway.config.settings import Log
from gateway.diagnostics import logs
from gateway.server.app import listening
from wallet.chain.simulated_chain import SimulatedChain

BUYERS, ATTACKERS = 100, 200
IN_TIME_SECONDS = 5.0
GIVE_UP_SECONDS = 60.0


def attackers() -> list[str]:
    """Half in one IPv6 /48, half all over IPv4."""
    half = ATTACKERS // 2
    return [f"2001:db8:7:{n:x}::1" for n in range(half)] + [f"45.{n}.7.1" for n in range(half)]


def buyers() -> list[str]:
    """Strangers to each other; half have the provider that the attackers' /48 belongs to."""
    half = BUYERS // 2
    return [f"2001:db8:{0x100 + n:x}::5" for n in range(half)] + [f"90.{n}.3.2" for n in range(half)]


class Crowd:
    """People behind one proxy, which says where each request is from."""

    def __init__(self, http: aiohttp.ClientSession, url: str, threads: int) -> None:
        self._http, self._url = http, url
        self._threads = ThreadPoolExecutor(threads)
        self.answers: Counter[str] = Counter()
        self.most_bits = 0

    async def ask(self, address: str, body: dict[str, Any]) -> dict[str, Any]:
        """One request; what was answered is counted."""
        async with self._http.post(self._url, json=body, headers={"X-Forwarded-For": address}) as got:
            answer: dict[str, Any] = await got.json(content_type=None)
        self.answers[answer.get("code", "invoice")] += 1
        return answer

    async def solution(self, asked: dict[str, Any]) -> dict[str, Any]:
        """What solves a challenge."""
        self.most_bits = max(self.most_bits, asked["bits"])
        work = partial(solve, asked["challenge"], asked["bits"])
        return {
            "challenge": asked["challenge"],
            "nonce": await asyncio.get_running_loop().run_in_executor(self._threads, work),
        }

    async def attack(self, address: str, *, work: bool) -> None:
        """For ever: a new claim, an invoice, nothing paid."""
        while True:
            body: dict[str, Any] = {"claim_hash": b64u(claim_hash(new_secret()))}
            answer = await self.ask(address, body)
            if work and answer.get("code") == "proof_of_work":
                await self.ask(address, body | {"proof_of_work": await self.solution(answer)})
            await asyncio.sleep(0.2)

    async def buy(self, address: str) -> float | None:
        """Seconds until there is an invoice; None when it takes too long."""
        began, body = time.monotonic(), {"claim_hash": b64u(claim_hash(new_secret()))}
        while time.monotonic() - began < GIVE_UP_SECONDS:
            answer = await self.ask(address, body)
            if "purchase_id" in answer:
                return time.monotonic() - began
            if answer["code"] == "proof_of_work":
                body["proof_of_work"] = await self.solution(answer)
            else:
                await asyncio.sleep(min(5, answer.get("retry_after", 1)))
        return None


async def run(url: str, *, work: bool, seconds: float) -> dict[str, Any]:
    """The attack alone for so many seconds, then with the buyers."""
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as http:
        bad, good = Crowd(http, url, 2), Crowd(http, url, BUYERS)
        tasks = [asyncio.create_task(bad.attack(address, work=work)) for address in attackers()]
        await asyncio.sleep(seconds)
        before = bad.answers["invoice"]
        waits = await asyncio.gather(*[good.buy(address) for address in buyers()])
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    served = sorted(wait for wait in waits if wait is not None)
    return {
        "attackers_work": work,
        "attackers_invoices_before": before,
        "attackers_invoices": bad.answers["invoice"],
        "attackers_most_bits": bad.most_bits,
        "buyers_served": len(served),
        f"buyers_served_in_{IN_TIME_SECONDS:.0f}_s": sum(wait <= IN_TIME_SECONDS for wait in served),
        "buyers_median_s": round(served[len(served) // 2], 2) if served else None,
        "buyers_slowest_s": round(served[-1], 2) if served else None,
        "buyers_most_bits": good.most_bits,
    }


@contextmanager
def gateway() -> Iterator[tuple[str, Pipe]]:
    """Where invoices are asked for at a gateway with the usual settings, in a process of its own."""
    ours, theirs = get_context("spawn").Pipe()
    process = get_context("spawn").Process(target=_main, args=(theirs,), daemon=True)
    process.start()
    try:
        yield ours.recv(), ours
    finally:
        ours.send(None)
        process.join(30)


def _main(pipe: Pipe) -> None:
    with tempfile.TemporaryDirectory(prefix="bitcache-bench-") as folder:
        logs.configure(Log(level="error"))
        asyncio.run(_serve(Path(folder), pipe))


async def _serve(folder: Path, pipe: Pipe) -> None:
    settings = check(
        {
            "bitcoin": {"network": "regtest"},
            "server": {"port": 0, "trusted_proxies": ["127.0.0.1"]},
            "storage": {"directory": folder / "data", "min_free_bytes": 0},
        }
    )
    token = await init_data_folder(settings, terms=await check_payout(settings, DESCRIPTOR))
    (folder / "file.bin").write_bytes(os.urandom(1000))
    async with running(settings, demo_wallet=SimulatedChain()) as context, listening(context) as url:
        async with connect(url) as client:
            sold = await sell(client, token, os.urandom(32), FileToSell(folder / "file.bin", Sat(2_500), "file.bin"))
        pipe.send(f"{url}/api/v1/files/{sold.link.file_id}/purchases")
        while await asyncio.to_thread(pipe.recv) is not None:
            pipe.send(resident_mb())


def main() -> None:
    """Run it and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", action="store_true", help="the attackers do the proof of work")
    parser.add_argument("--seconds", type=float, default=10, help="for how long they are alone")
    options = parser.parse_args()
    with gateway() as (url, pipe):
        result = asyncio.run(run(url, work=options.work, seconds=options.seconds))
        pipe.send("memory")
        print(json.dumps(result | {"gateway_mb": round(pipe.recv())}, indent=1))


if __name__ == "__main__":
    main()

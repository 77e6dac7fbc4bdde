"""A rush of new sellers: how many sign up a second over 64 connections, and how long buyers wait meanwhile.

    python -m bench.sign_ups

Each comes from an address of its own, as a proxy would say; fewer than those from which on each costs work.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

from bench.bench_gateway import NO_QUOTAS
from bench.load import Answers, Load, request, send
from bitcache.identifiers import new_secret
from bitcache.money import Sat
from gateway.api.models import Payout
from gateway.client.gateway_client import connect
from gateway.client.sell_file import FileToSell, sell
from gateway.compose import init_data_folder, private_chain, running
from gateway.config.load_settings import check
from gateway.config.settings import Log
from gateway.diagnostics import logs
from gateway.server.app import listening

ROUNDS, SIGN_UPS, BUYERS, LOOKS = 3, 1_500, 8, 4_000


def _main(pipe: Connection) -> None:
    logs.configure(Log(level="error"))
    with tempfile.TemporaryDirectory(prefix="bitcache-bench-") as folder:
        asyncio.run(_serve(Path(folder), pipe))


async def _serve(folder: Path, pipe: Connection) -> None:
    (folder / "file.bin").write_bytes(os.urandom(1_000))
    settings = check(
        {
            "bitcoin": {"network": "regtest"},
            "server": {"port": 0, "trusted_proxies": ["127.0.0.1"]},
            "storage": {"directory": folder / "data", "min_free_bytes": 0},
            "accounts": {"sign_up": "open"},
            "invoices": NO_QUOTAS,
        }
    )
    token = await init_data_folder(settings)
    async with (
        private_chain(folder, None) as chain,
        running(settings, demo_wallet=chain.demo_wallet) as context,
        listening(context) as url,
        connect(url) as gateway,
    ):
        await gateway.call(Payout, "PUT", "/seller/payout", bearer=token, json={"descriptor": chain.descriptor})
        sold = await sell(gateway, token, os.urandom(32), FileToSell(folder / "file.bin", Sat(2500), "file.bin"))
        pipe.send((int(url.rpartition(":")[2]), sold.link.file_id))
        await asyncio.to_thread(pipe.recv)


@contextmanager
def _serving() -> Iterator[tuple[int, str]]:
    ours, theirs = get_context("spawn").Pipe()
    process = get_context("spawn").Process(target=_main, args=(theirs,), daemon=True)
    process.start()
    try:
        yield ours.recv()
    finally:
        ours.send("stop")
        process.join(10)


def _sign_up() -> bytes:
    address = ".".join(str(random.randint(11, 223)) for _ in range(4))
    body = json.dumps({"token": new_secret(), "name": "Ada"})
    return request("POST", "/api/v1/accounts", body, X_Forwarded_For=address)


def _look(file_id: str) -> bytes:
    return request("GET", f"/api/v1/files/{file_id}")


def _round() -> tuple[Answers, Answers, Answers]:
    """Buyers alone, then the rush with buyers beside it."""
    with _serving() as (port, file_id), get_context("spawn").Pool(2) as pool:
        looks = Load(port, [_look(file_id)] * LOOKS, connections=BUYERS)
        quiet = pool.apply(send, (looks,))
        beside = pool.apply_async(send, (looks,))
        rush = pool.apply(send, (Load(port, [_sign_up() for _ in range(SIGN_UPS)], connections=64, expect=201),))
        return quiet, beside.get(), rush


def main() -> None:
    """Print the medians of the rounds."""
    rounds = [_round() for _ in range(ROUNDS)]
    rates = [rush.rate for _, _, rush in rounds]
    print(f"signup.per_s            {statistics.median(rates):.0f}   {[round(rate) for rate in rates]}")
    for name, place in (("buyers alone", 0), ("buyers meanwhile", 1)):
        p99 = statistics.median(answers[place].quantile(0.99) for answers in rounds)
        print(f"{name:<16} p99    {p99:.0f} ms over {BUYERS} connections")


if __name__ == "__main__":
    main()

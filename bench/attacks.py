"""What one stranger's machine can do to a gateway: run against it, and say what it cost and whether others were served.

    python -m bench.attacks [FOLDER OF A GATEWAY'S SOURCE]

Starts `bitcache serve` on a simulated chain, with 1 024 open files as many systems allow, and prints one JSON object.
The stranger comes from 127.0.0.2, everybody else from 127.0.9.9.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.ports import free_port

TPUB = "tpubDC8msFGeGuwnKG9Upg7DM2b4DaRqg3CUZa5g8v2SRQ6K4NSkxUgd7HsL2XVWbVm39yBA4LAxysQAm397zwQSQoQgewGiYZqrA9DsP4zbQ1M"
STRANGER, OTHER = "127.0.0.2", "127.0.9.9"
OPEN_FILES = 1024

Attack = Callable[[int], Awaitable[tuple[dict[str, Any], list[socket.socket]]]]


@contextmanager
def gateway(root: Path, folder: Path) -> Iterator[tuple[int, int, Path]]:
    """Port, process id and log file of a gateway that runs."""
    port, log = free_port(), folder / "log"
    (folder / "config.toml").write_text(
        f'[bitcoin]\nnetwork = "regtest"\n[chain]\nsource = "simulated"\n[server]\nport = {port}\n'
        f'[storage]\ndirectory = "{folder}/data"\nmin_free_bytes = 0\n'
    )
    command = [sys.executable, "-m", "gateway.cli.main"]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    subprocess.run(
        [*command, "init", "--descriptor", f"wpkh({TPUB}/0/*)"],
        cwd=folder, env=environment, check=True, capture_output=True,
    )  # fmt: skip
    with log.open("w") as errors:
        process = subprocess.Popen(
            [*command, "serve"],
            cwd=folder, env=environment, stderr=errors,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, OPEN_FILES)),
        )  # fmt: skip
    try:
        _wait_until_served(port)
        yield port, process.pid, log
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()


async def connections(port: int) -> tuple[dict[str, Any], list[socket.socket]]:
    """1 024 connections that send nothing."""
    held = [await _connect(port, STRANGER) for _ in range(1024)]
    await asyncio.sleep(3)
    kept = sum(not _closed(sock) for sock in held)
    return {"connections_held": kept}, held


async def unread(port: int) -> tuple[dict[str, Any], list[socket.socket]]:
    """200 requests for the program's source, of whose answers not a byte is read."""
    await asyncio.to_thread(_fetch, port, "/source.tar.gz")  # packed once
    held = []
    for _ in range(200):
        sock = await _connect(port, STRANGER, receive=4096)
        with contextlib.suppress(OSError):
            await asyncio.get_running_loop().sock_sendall(sock, b"GET /source.tar.gz HTTP/1.1\r\nHost: x\r\n\r\n")
        held.append(sock)
    looks = []
    for _ in range(12):
        await asyncio.sleep(0.5)
        looks.append(_unsent(port))
    await asyncio.sleep(45)
    most = max(looks, key=len)
    return {
        "unread_answers": len(most),
        "kernel_bytes_each": max((max(look, default=0) for look in looks), default=0),
        "kernel_bytes_in_all": max(sum(look) for look in looks),
        "unread_after_45_s": len(_unsent(port)),
    }, held


async def run(root: Path) -> dict[str, Any]:
    """Every attack, each on a fresh gateway."""
    results: dict[str, Any] = {}
    for attack in (connections, unread):
        with tempfile.TemporaryDirectory() as folder, gateway(root, Path(folder)) as (port, pid, log):
            result, held = await attack(port)
            before = log.stat().st_size
            waits = [await asyncio.to_thread(_served_in, port) for _ in range(5)]
            await asyncio.sleep(10)
            results[attack.__name__] = result | {
                "others_served_ms": [wait if wait is None else round(wait * 1000) for wait in waits],
                "log_bytes": log.stat().st_size,
                "log_bytes_per_second": round((log.stat().st_size - before) / 10),
                "memory_mb": _memory(pid) // 2**20,
            }
            for sock in held:
                sock.close()
    return results


async def _connect(port: int, address: str, receive: int | None = None) -> socket.socket:
    sock = socket.socket()
    sock.setblocking(False)
    if receive:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
    sock.bind((address, 0))
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(2):
            await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", port))
    return sock


def _fetch(port: int, path: str) -> None:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=60) as answer:
        answer.read()


def _closed(sock: socket.socket) -> bool:
    try:
        return sock.recv(1, socket.MSG_PEEK) is not None
    except BlockingIOError:
        return False
    except OSError:
        return True


def _served_in(port: int) -> float | None:
    """Seconds until somebody else got a page; None when they did not within ten."""
    began = time.monotonic()
    try:
        with socket.create_connection(("127.0.0.1", port), 10, (OTHER, 0)) as sock:
            sock.settimeout(10)
            sock.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            return time.monotonic() - began if sock.recv(20).startswith(b"HTTP/1.1 200") else None
    except OSError:
        return None


def _unsent(port: int) -> list[int]:
    """Bytes that the kernel holds for each connection of the gateway whose reader does not read."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    queues = [int(row[4].split(":")[0], 16) for row in rows if row[1].endswith(f":{port:04X}") and row[3] == "01"]
    return [queue for queue in queues if queue]


def _memory(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize()


def _wait_until_served(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2):
            return
        time.sleep(0.2)
    raise TimeoutError("the gateway did not start")


if __name__ == "__main__":
    source = Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
    print(json.dumps(asyncio.run(run(source)), indent=1))

"""A whole ``bitcache sell`` of 1 GiB over loopback: ``python -m bench.cli_sale [folder of another version] [--age]``.

Each run is a process of its own, timed from its start to its end; the gateway is another one, started anew for each
round's run.  In turn in every round: this version; the other version, gateway and client, if its source folder is
named; and ``age -e`` followed by ``curl -T`` to nginx's WebDAV module, if those three are installed and ``--age`` asks
for it.  The peer's nginx writes to the same disk, and syncs nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.bench_gateway import DESCRIPTOR
from bench.ports import free_port

HERE = Path(__file__).parent.parent
NGINX = """daemon off; pid {folder}/pid; error_log stderr crit; worker_processes 1;{user}
events {{ worker_connections 64; }}
http {{ access_log off; client_body_temp_path {folder}/body; client_max_body_size 0;
server {{ listen 127.0.0.1:{port}; root {folder}; location / {{ dav_methods PUT; }} }} }}
"""


@dataclass(frozen=True, slots=True)
class Took:
    """What one run took, in seconds: of the clock, and of the processor for the client alone."""

    wall: float
    cpu: float


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("other", nargs="?", type=Path, help="source folder of another version")
    parser.add_argument("--age", action="store_true", help="measure age and curl beside it")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--megabytes", type=int, default=1024)
    options = parser.parse_args()
    versions = {"sell": HERE} | ({"other": options.other.resolve()} if options.other else {})
    times: dict[str, list[Took]] = {}
    with tempfile.TemporaryDirectory(prefix="bitcache-bench-") as name:
        source = _source(Path(name), options.megabytes)
        for _ in range(options.rounds):
            for kind, code in versions.items():
                times.setdefault(kind, []).append(_sale(source, code))
            if options.age:
                times.setdefault("age, curl", []).append(_age(source))
    for kind, took in times.items():
        wall, cpu = (statistics.median(numbers) for numbers in ([one.wall for one in took], [one.cpu for one in took]))
        each = json.dumps([round(one.wall, 2) for one in took])
        sys.stdout.write(f"sell.cli_s ({kind}): {wall:.2f} s, {cpu:.2f} s CPU; {each}\n")


def _source(folder: Path, megabytes: int) -> Path:
    source = folder / "file.bin"
    with source.open("wb") as file:
        for _ in range(megabytes):
            file.write(os.urandom(2**20))
    os.sync()
    return source


def _sale(source: Path, code: Path) -> Took:
    """One sale to a gateway of the same version."""
    with tempfile.TemporaryDirectory(prefix="bitcache-bench-") as name, _gateway(Path(name), code) as (url, token):
        command = [*_bitcache(), "sell", str(source), "--price", "2500", "--gateway", url]
        return _timed(command, Path(name), _environment(Path(name), code) | {"BITCACHE_TOKEN": token})


@contextmanager
def _gateway(home: Path, code: Path) -> Iterator[tuple[str, str]]:
    port, environment = free_port(), _environment(home, code)
    (home / "config.toml").write_text(
        f'[bitcoin]\nnetwork = "regtest"\n[chain]\nsource = "simulated"\n[server]\nport = {port}\n'
        f'[storage]\ndirectory = "{home}/data"\nmin_free_bytes = 0\n'
    )
    init = [*_bitcache(), "init", "--descriptor", DESCRIPTOR, "--json"]
    made = subprocess.run(init, cwd=home, env=environment, capture_output=True, check=True)
    log = (home / "log").open("w")
    process = subprocess.Popen([*_bitcache(), "serve"], cwd=home, env=environment, stdout=log, stderr=log)
    try:
        _wait_for(f"http://127.0.0.1:{port}/healthz")
        yield f"http://127.0.0.1:{port}", json.loads(made.stdout.splitlines()[-1])["token"]
    finally:
        process.terminate()
        process.wait(20)
        log.close()


def _age(source: Path) -> Took:
    """The same file encrypted, then sent."""
    with tempfile.TemporaryDirectory(prefix="bitcache-bench-") as name, _nginx(Path(name)) as url:
        key, sealed = Path(name) / "key", Path(name) / "file.age"
        subprocess.run(["age-keygen", "-o", key], capture_output=True, check=True)
        script = 'age -e -i "$1" -o "$2" "$3" && curl -sfT "$2" "$4/put"'
        return _timed(["sh", "-c", script, "sh", str(key), str(sealed), str(source), url], Path(name), dict(os.environ))


@contextmanager
def _nginx(folder: Path) -> Iterator[str]:
    port, user = free_port(), " user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=port, user=user))
    process = subprocess.Popen([str(shutil.which("nginx")), "-p", str(folder), "-c", str(folder / "nginx.conf")])
    try:
        _wait_for(f"http://127.0.0.1:{port}/nginx.conf")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)


def _timed(command: list[str], home: Path, environment: dict[str, str]) -> Took:
    """Run a command, with a disk that has nothing else to write."""
    os.sync()
    started, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=home, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    return Took(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def _bitcache() -> list[str]:
    return [sys.executable, "-m", "gateway.cli.main"]


def _environment(home: Path, code: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("BITCACHE_", "XDG_"))}
    return kept | {"HOME": str(home), "PYTHONPATH": str(code)}


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            urllib.request.urlopen(url, timeout=2).close()
            return
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.1)


if __name__ == "__main__":
    main()

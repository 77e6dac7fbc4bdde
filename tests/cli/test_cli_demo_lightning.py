"""``bitcache demo --lightning``: real wallets on a private network, paid from, and nothing left running."""

from __future__ import annotations

import json
import shlex
import shutil
import signal
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from support.cli import Person, wait_until
from support.ports import free_port

from bitcache.identifiers import b64u, claim_hash, new_secret

REPORT = {"unlocked", "sha256", "bytes", "price_sat", "payment_hash", "wallets", "chain", "seconds"}
SECONDS = {"seal", "upload", "invoice", "pay", "paid_to_release", "download", "open"}

real = [pytest.mark.node, pytest.mark.slow, pytest.mark.timeout(240), pytest.mark.usefixtures("electrum")]


def marked(function: Any) -> Any:
    """Mark a test that runs real wallets."""
    for mark in real:
        function = mark(function)
    return function


@marked
def test_one_satoshi_sold_paid_and_opened(person: Person, bitcoind: Path) -> None:
    done = person.run("demo", "--lightning", "--once", "--price", "1", timeout=150, BITCOIND=str(bitcoind))
    assert done.code == 0, done.err
    report = done.json
    assert set(report) == REPORT
    assert set(report["seconds"]) == SECONDS
    assert (report["unlocked"], report["price_sat"]) == (True, 1)
    assert len(report["payment_hash"]) == 64
    assert report["wallets"].startswith("Electrum 4.")
    assert "Opening a Lightning channel" in done.err
    assert "nostr+walletconnect" not in done.out + done.err
    wait_until(lambda: not _left_running(person))


@marked
def test_it_says_how_to_pay_and_is_paid_so(person: Person, bitcoind: Path) -> None:
    """By the command that it prints, and by the button on the page; nothing outlives it when it is killed."""
    port = free_port()
    with person.running("demo", "--lightning", "--port", str(port), BITCOIND=str(bitcoind)) as process:
        assert process.stdout is not None
        shown = "".join(iter(process.stdout.readline, "Ctrl-C stops everything.\n"))
        assert "nostr+walletconnect" not in shown
        [command] = [line for line in shown.splitlines() if line.startswith("  bitcache buy ")]
        bought = person.run(*shlex.split(command)[1:], "--json")
        assert bought.code == 0, bought.err
        assert len(bought.json["payment_hashes"]) == 1
        assert _pressed(f"http://127.0.0.1:{port}/api/v1", shown)["released"]
        process.send_signal(signal.SIGKILL)
        process.wait(30)
    wait_until(lambda: not _left_running(person), 30)


@marked
def test_stopped_while_it_starts(person: Person, bitcoind: Path) -> None:
    arguments = ("demo", "--lightning", "--port", str(free_port()))
    with person.running(*arguments, log=person.home / "log", BITCOIND=str(bitcoind)) as process:
        wait_until(lambda: "two Electrum wallets" in (person.home / "log").read_text(), 60)
        process.send_signal(signal.SIGINT)
        assert process.wait(40) in (0, 130)
    wait_until(lambda: not _left_running(person))


def test_real_wallets_need_a_real_node(person: Person) -> None:
    done = person.run("demo", "--lightning", "--once", "--chain", "simulated")
    assert done.code == 3
    assert "real node" in done.err


def test_without_electrum_it_says_what_to_do(person: Person, tmp_path: Path) -> None:
    """As on a system that is no Debian."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for tool in ("bash", "dirname", "flock", "mkdir", "mktemp", "rm"):
        (programs / tool).symlink_to(str(shutil.which(tool)))
    node = programs / "bitcoind"
    node.write_text("#!/bin/sh\n")
    node.chmod(0o755)
    environment = {"PATH": str(programs), "BITCOIND": str(node), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    done = person.run("demo", "--lightning", "--once", **environment)
    assert done.code == 3, done.err
    assert "no apt-get" in done.err
    assert "leave out --lightning" in done.err.replace("\n", " ")


def _pressed(api: str, shown: str) -> dict[str, Any]:
    """Buy what is on sale with the page's button; return the purchase once it is released."""
    file_id = shown.partition("/f/")[2].partition("#")[0]
    purchase = _posted(f"{api}/files/{file_id}/purchases", {"claim_hash": b64u(claim_hash(new_secret()))})
    path = f"{api}/purchases/{purchase['purchase_id']}"

    def state() -> dict[str, Any]:
        with urllib.request.urlopen(path, timeout=10) as answer:
            now: dict[str, Any] = json.load(answer)
            return now

    wait_until(
        lambda: any(request["rail"] == "lightning" and request["uri"] for request in state()["payment_requests"])
    )
    _posted(f"{api}/demo/pay", {"purchase_id": purchase["purchase_id"], "rail": "lightning"})
    wait_until(lambda: state()["released"])
    return state()


def _posted(url: str, body: dict[str, Any]) -> dict[str, Any]:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        got: dict[str, Any] = json.load(answer)
        return got


def _left_running(person: Person) -> list[str]:
    """Return the processes that have somebody's environment."""
    mark = f"TMPDIR={person.home}\0".encode()
    processes = [entry for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return [entry.name for entry in processes if mark in _environment(entry)]


def _environment(process: Path) -> bytes:
    try:
        return (process / "environ").read_bytes() + b"\0"
    except OSError:  # it ended meanwhile
        return b""

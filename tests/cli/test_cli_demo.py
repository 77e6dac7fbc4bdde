"""``bitcache demo``: one whole purchase by itself, and nothing left running however it ends."""

from __future__ import annotations

import hashlib
import os
import signal
import socket
from pathlib import Path

import pytest
from support.cli import Person, answers, wait_until

REPORT = {"unlocked", "sha256", "bytes", "price_sat", "address", "txid", "confirmations", "chain", "seconds"}
SECONDS = {"seal", "upload", "pay_to_seen", "block_to_release", "download", "open"}


@pytest.fixture
def port() -> int:
    """A free one."""
    return _free_port()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_once_on_the_simulated_chain(person: Person) -> None:
    (person.home / "book.epub").write_bytes(content := os.urandom(100_000))
    done = person.run("demo", "--once", "--chain", "simulated", "--file", "book.epub", "--price", "4000")
    assert done.code == 0, done.err
    report = done.json
    assert set(report) == REPORT
    assert set(report["seconds"]) == SECONDS
    assert report["sha256"] == hashlib.sha256(content).hexdigest()
    assert (report["unlocked"], report["bytes"], report["price_sat"]) == (True, 100_000, 4000)
    assert report["chain"] == "simulated"
    assert "SIMULATED" in done.err
    assert done.out.count("\n") == 1


@pytest.mark.node
def test_once_on_a_real_node(person: Person, bitcoind: Path) -> None:
    done = person.run("demo", "--once", timeout=120, BITCOIND=str(bitcoind))
    assert done.code == 0, done.err
    assert done.json["chain"].startswith("bitcoind ")
    assert done.json["confirmations"] == 1
    assert len(done.json["txid"]) == 64
    assert not _nodes(person)


def test_a_large_price_waits_for_its_confirmations(person: Person) -> None:
    done = person.run("demo", "--once", "--chain", "simulated", "--price", "1000000")
    assert done.code == 0, done.err
    assert done.json["confirmations"] == 3


@pytest.mark.parametrize("price", ["0", "-5", "1.5", "100", "x"])
def test_a_bad_price(person: Person, price: str) -> None:
    assert person.run("demo", "--once", "--chain", "simulated", f"--price={price}").code == 3


def test_it_shows_link_and_snippet_and_comes_back_with_the_same_data(person: Person, port: int) -> None:
    for _ in range(2):
        with person.running("demo", "--chain", "simulated", "--port", str(port)) as process:
            assert process.stdout is not None
            shown = "".join(iter(process.stdout.readline, "Ctrl-C stops everything.\n"))
            assert f"http://127.0.0.1:{port}/f/" in shown
            assert "<bitcache-pay>" in shown
            assert answers(f"http://127.0.0.1:{port}")
            process.send_signal(signal.SIGINT)
            assert process.wait(20) == 0
        assert not answers(f"http://127.0.0.1:{port}")


@pytest.mark.parametrize("damage", ["seller.token", "gateway/bitcache.sqlite3", "gateway/master.key", "chain.json"])
def test_a_damaged_folder_is_made_anew(person: Person, port: int, damage: str) -> None:
    for _ in range(2):
        with person.running("demo", "--chain", "simulated", "--port", str(port)) as process:
            wait_until(lambda: answers(f"http://127.0.0.1:{port}"))
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) in (0, 130)
        (person.home / ".cache" / "demo" / "simulated" / damage).unlink(missing_ok=True)


def test_two_at_once_in_one_folder(person: Person, port: int) -> None:
    with person.running("demo", "--chain", "simulated", "--port", str(port)):
        wait_until(lambda: answers(f"http://127.0.0.1:{port}"))
        second = person.run("demo", "--chain", "simulated", "--port", str(_free_port()))
        assert second.code == 8
        assert "already" in second.err


def test_a_busy_port_is_said(person: Person, port: int) -> None:
    with socket.create_server(("127.0.0.1", port)):
        done = person.run("demo", "--chain", "simulated", "--port", str(port))
        assert done.code == 3
        assert "--port" in done.err


@pytest.mark.node
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_node_outlives_the_demo(person: Person, bitcoind: Path, port: int, number: int) -> None:
    with person.running("demo", "--port", str(port), BITCOIND=str(bitcoind)) as process:
        wait_until(lambda: answers(f"http://127.0.0.1:{port}"), 60)
        assert _nodes(person)
        process.send_signal(number)
        process.wait(30)
    wait_until(lambda: not _nodes(person))


@pytest.mark.node
def test_no_node_outlives_a_demo_that_failed_to_start(person: Person, bitcoind: Path, port: int) -> None:
    done = person.run("demo", "--price", "100", "--port", str(port), BITCOIND=str(bitcoind))
    assert done.code == 3
    assert not _nodes(person)


@pytest.mark.node
def test_no_node_outlives_a_demo_stopped_while_starting(person: Person, bitcoind: Path, port: int) -> None:
    with person.running("demo", "--port", str(port), BITCOIND=str(bitcoind)) as process:
        wait_until(lambda: _nodes(person), 60)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) in (0, 130)
    wait_until(lambda: not _nodes(person))


def _nodes(person: Person) -> list[str]:
    """Processes of a node that lives somewhere under somebody's home."""
    commands = [_command(entry) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return [command for command in commands if f"-datadir={person.home}" in command]


def _command(process: Path) -> str:
    try:
        return (process / "cmdline").read_text().replace("\0", " ")
    except OSError:  # it ended meanwhile
        return ""

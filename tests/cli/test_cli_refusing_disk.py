"""File systems that refuse an fsync of a folder, or a lock: a sale goes through; a disk that fails is a failure."""

from __future__ import annotations

import errno
import threading
from pathlib import Path

import pytest
from support.cli import OnSale, Person, open_cli_gateway, wait_until

REFUSING = str(Path(__file__).parent.parent / "support" / "refusing_disk")
REFUSED = [errno.EINVAL, errno.ENOTSUP, errno.ENOSYS]


def environment(*, folder_sync: int | None = None, lock: int | None = None) -> dict[str, str]:
    named = {"REFUSE_FOLDER_SYNC": folder_sync, "REFUSE_LOCK": lock}
    return {"PYTHONPATH": REFUSING} | {name: str(number) for name, number in named.items() if number is not None}


@pytest.mark.parametrize("number", REFUSED, ids=lambda number: errno.errorcode[number])
def test_a_delivered_file_is_no_error(on_sale: OnSale, person: Person, number: int) -> None:
    """Bought on a disk that refuses both: exit 0, the file whole, and a note."""
    payer = threading.Thread(target=on_sale.cli_gateway.pay_for, args=(person,))
    payer.start()
    done = person.run("buy", on_sale.link, "--json", **environment(folder_sync=number, lock=number))
    payer.join()
    assert done.code == 0, done.err
    assert Path(person.home, done.json["path"]).read_bytes() == on_sale.content
    assert "power cut" in done.err


def test_a_disk_that_fails_is_a_failure(on_sale: OnSale, person: Person) -> None:
    done = person.run("buy", on_sale.link, "--json", **environment(folder_sync=errno.EIO))
    assert (done.code, done.json["error"]["code"]) == (8, "storage")


def test_a_gateway_runs_there_and_doctor_says_what_is_missing(tmp_path: Path, unused_tcp_port: int) -> None:
    refusing = environment(folder_sync=errno.EINVAL, lock=errno.ENOTSUP)
    with open_cli_gateway(tmp_path, unused_tcp_port, **refusing) as cli_gateway:
        (tmp_path / "song.flac").write_bytes(b"a song")
        seller = Person(tmp_path)
        arguments = ("sell", "song.flac", "--price", "2500", "--gateway", cli_gateway.url, "--json")
        sold = seller.run(*arguments, BITCACHE_TOKEN=cli_gateway.token, **refusing)
        assert sold.code == 0, sold.err
        report = seller.run("doctor", "--json", **refusing).json
        levels = {finding["code"]: finding["level"] for finding in report["findings"]}
        assert (levels["no_locks"], levels["no_folder_sync"]) == ("warning", "warning")
        wait_until(lambda: "no_locks" in (tmp_path / "serve.log").read_text())


def test_doctor_calls_a_failing_disk_a_problem(tmp_path: Path, unused_tcp_port: int) -> None:
    with open_cli_gateway(tmp_path, unused_tcp_port):
        done = Person(tmp_path).run("doctor", "--json", **environment(lock=errno.EIO))
    assert done.code == 8
    assert "cannot be locked" in done.err

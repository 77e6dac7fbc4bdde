"""``bitcache buy``: a purchase that can be interrupted anywhere, and never overwrites or half-writes a file."""

from __future__ import annotations

import hashlib
import json
import signal
import stat
import urllib.request
from pathlib import Path

import pytest
from support.cli import Done, OnSale, Person

from bitcache.identifiers import b64u, new_file_id
from bitcache.sealing.file_link import parse_link


def buy_and_pay(person: Person, offer: OnSale, *options: str | Path) -> Done:
    """Run ``buy`` and pay as soon as it asks."""
    with person.running("buy", offer.link, *options) as process:
        offer.cli_gateway.pay_for(person)
        out, err = process.communicate(timeout=60)
        return Done(process.returncode, out, err)


def test_the_opened_file_equals_the_original(person: Person, on_sale: OnSale) -> None:
    done = buy_and_pay(person, on_sale, "--json")
    assert done.code == 0, done.err
    assert (person.home / "song.flac").read_bytes() == on_sale.content
    assert done.json["sha256"] == hashlib.sha256(on_sale.content).hexdigest()
    assert (done.json["unlocked"], done.json["confirmations"]) == (True, 1)
    assert [path.name for path in person.home.iterdir() if not path.name.startswith(".")] == ["song.flac"]


def test_what_a_person_sees_has_no_secret_in_it(person: Person, on_sale: OnSale) -> None:
    done = buy_and_pay(person, on_sale)
    assert done.out == "song.flac\n"
    for text in ("song.flac", "2\u202f500 sat", "bitcoin:", "bcrt1", "Payment received", "▀"):
        assert text in done.err
    assert on_sale.link.partition("#")[2] not in done.err


def test_giving_up_and_going_on(person: Person, on_sale: OnSale) -> None:
    """The claim is on disk before anything is paid, so a payment made meanwhile counts."""
    first = person.run("buy", on_sale.link, "--timeout", "1", "--json")
    assert (first.code, first.json["error"]["code"]) == (5, "not_paid_in_time")
    on_sale.cli_gateway.pay_for(person)
    second = person.run("buy", on_sale.link, "--json")
    assert second.code == 0, second.err
    assert (person.home / "song.flac").read_bytes() == on_sale.content


def test_a_second_run_asks_for_the_same_payment(person: Person, on_sale: OnSale) -> None:
    assert person.run("buy", on_sale.link, "--timeout", "1").code == 5
    before = on_sale.cli_gateway.purchase_of(person)
    assert person.run("buy", on_sale.link, "--timeout", "1").code == 5
    assert on_sale.cli_gateway.purchase_of(person) == before


def test_bought_once_it_opens_again_without_paying(person: Person, on_sale: OnSale) -> None:
    assert buy_and_pay(person, on_sale).code == 0
    again = person.run("buy", on_sale.link, "-o", "copy.flac")
    assert again.code == 0
    assert (person.home / "copy.flac").read_bytes() == on_sale.content


def test_the_state_file_is_private_and_does_not_hold_the_link(person: Person, on_sale: OnSale) -> None:
    person.run("buy", on_sale.link, "--timeout", "1", "--state-dir", person.home / "state")
    (path,) = (person.home / "state" / "purchases").iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert on_sale.link.partition("#")[2] not in path.read_text()


def test_an_access_link_needs_no_state(person: Person, on_sale: OnSale, tmp_path: Path) -> None:
    assert buy_and_pay(person, on_sale).code == 0
    (state,) = (person.home / ".local" / "state" / "bitcache" / "purchases").iterdir()
    claim = json.loads(state.read_text())["claims"][0]
    other = Person(tmp_path / "other")
    other.home.mkdir()
    assert other.run("buy", f"{on_sale.link}.{claim}").code == 0
    assert (other.home / "song.flac").read_bytes() == on_sale.content


def test_the_link_may_come_from_stdin(person: Person, on_sale: OnSale) -> None:
    assert buy_and_pay(person, on_sale).code == 0
    assert person.run("buy", "-", "-o", "copy", stdin=on_sale.link + "\n").code == 0


def test_nothing_is_overwritten(person: Person, on_sale: OnSale) -> None:
    (person.home / "song.flac").write_text("mine")
    done = person.run("buy", on_sale.link, "--json")
    assert (done.code, done.json["error"]["code"]) == (8, "target_exists")
    assert on_sale.cli_gateway.purchase_of(person) is None, "an invoice was made for nothing"
    assert (person.home / "song.flac").read_text() == "mine"
    assert buy_and_pay(person, on_sale, "--force").code == 0
    assert (person.home / "song.flac").read_bytes() == on_sale.content


def test_output_into_a_folder(person: Person, on_sale: OnSale) -> None:
    (person.home / "music").mkdir()
    assert buy_and_pay(person, on_sale, "-o", "music").code == 0
    assert (person.home / "music" / "song.flac").read_bytes() == on_sale.content


def test_output_where_nothing_can_be_written(person: Person, on_sale: OnSale) -> None:
    done = person.run("buy", on_sale.link, "-o", "nowhere/song.flac")
    assert done.code == 8
    assert on_sale.cli_gateway.purchase_of(person) is None


def test_a_link_share_of_another_file(person: Person, on_sale: OnSale) -> None:
    link = on_sale.link.partition("#")[0] + "#" + b64u(bytes(16))
    done = person.run("buy", link, "--json")
    assert (done.code, done.json["error"]["code"]) == (6, "wrong_key")


def test_a_file_that_is_not_there(person: Person, on_sale: OnSale) -> None:
    link = on_sale.link.replace(parse_link(on_sale.link).file_id, new_file_id())
    assert person.run("buy", link).code == 4


@pytest.mark.parametrize("link", ["", "song.flac", "http://127.0.0.1/f/abc#def", "ftp://127.0.0.1/f/x#y", "http://["])
def test_what_is_no_link(person: Person, link: str) -> None:
    assert person.run("buy", link).code == 3


def test_a_link_that_lost_its_end_is_not_repeated(person: Person, on_sale: OnSale) -> None:
    done = person.run("buy", on_sale.link[:-1])
    assert done.code == 3
    assert on_sale.link[-12:-1] not in done.out + done.err


def test_a_gateway_that_is_gone(person: Person, on_sale: OnSale) -> None:
    link = on_sale.link.replace(on_sale.cli_gateway.url, "http://127.0.0.1:1")
    assert person.run("buy", link).code == 7


def test_ctrl_c_keeps_the_purchase(person: Person, on_sale: OnSale) -> None:
    with person.running("buy", on_sale.link) as process:
        on_sale.cli_gateway.pay_for(person)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
        assert process.returncode in (130, 0)  # 0: it was faster
    assert person.run("buy", on_sale.link, "--force").code == 0


def test_a_partial_download_goes_on(person: Person, on_sale: OnSale) -> None:
    """A part file with one good group, then rubbish: the good group is kept, the rest fetched again."""
    assert buy_and_pay(person, on_sale).code == 0
    part = person.home / f".copy.{parse_link(on_sale.link).file_id}.bitcache-part"
    part.write_bytes(_sealed(on_sale, person)[: 56 + 1_049_600] + b"rubbish" * 1000)
    done = person.run("buy", on_sale.link, "-o", "copy")
    assert done.code == 0, done.err
    assert (person.home / "copy").read_bytes() == on_sale.content
    assert not part.exists()


def test_a_spoiled_part_file_is_started_over_and_the_buyers_own_kept(person: Person, on_sale: OnSale) -> None:
    assert buy_and_pay(person, on_sale).code == 0
    (person.home / f".copy.{parse_link(on_sale.link).file_id}.bitcache-part").write_bytes(b"rubbish" * 1000)
    (person.home / "copy.part").write_text("mine")
    assert person.run("buy", on_sale.link, "-o", "copy").code == 0
    assert (person.home / "copy").read_bytes() == on_sale.content
    assert (person.home / "copy.part").read_text() == "mine"


def _sealed(offer: OnSale, person: Person) -> bytes:
    """The sealed bytes as the gateway has them."""
    (state,) = (person.home / ".local" / "state" / "bitcache" / "purchases").iterdir()
    claim = json.loads(state.read_text())["claims"][0]
    url = f"{offer.cli_gateway.url}/api/v1/files/{parse_link(offer.link).file_id}/bytes"
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {claim}"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return bytes(answer.read())


@pytest.mark.parametrize("options", [["--wallet", "nwc"], ["--max-sat", "5"], ["--wallet", "lnd", "--max-sat", "5"]])
def test_a_wallet_needs_a_budget(person: Person, on_sale: OnSale, options: list[str]) -> None:
    done = person.run("buy", on_sale.link, *options)
    assert done.code == 2
    assert "--max-sat" in done.err


def test_a_wallet_needs_a_connection_that_others_cannot_read(person: Person, on_sale: OnSale) -> None:
    options = ("--wallet", "nwc", "--max-sat", "5000", "--json")
    assert "BITCACHE_NWC" in person.run("buy", on_sale.link, *options).json["error"]["hint"]
    path = person.home / "connection"
    path.write_text("nostr+walletconnect://secret")
    path.chmod(0o644)
    refused = person.run("buy", on_sale.link, *options, "--wallet-file", str(path))
    assert "chmod 600" in refused.json["error"]["hint"]
    path.chmod(0o600)
    refused = person.run("buy", on_sale.link, *options, "--wallet-file", str(path))
    assert refused.json["error"]["code"] == "connection_refused"
    assert "secret" not in refused.out + refused.err

"""``bitcache sell``: what is refused, with which exit code, and what comes out."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from support.cli import CliGateway, Person

from bitcache.sealing.file_link import parse_link


@pytest.fixture
def seller(person: Person) -> Person:
    """Somebody with a file to sell."""
    (person.home / "song.flac").write_bytes(b"la la la")
    return person


def test_it_prints_the_link_and_nothing_else(seller: Person, cli_gateway: CliGateway) -> None:
    done = seller.run(
        "sell", "song.flac", "--price", "2500", BITCACHE_TOKEN=cli_gateway.token, BITCACHE_GATEWAY=cli_gateway.url
    )
    assert done.code == 0, done.err
    assert parse_link(done.out.strip()).gateway == cli_gateway.url
    assert parse_link(done.out).text() not in done.err


def test_json_says_what_was_listed(seller: Person, cli_gateway: CliGateway) -> None:
    (seller.home / "sample.txt").write_text("la")
    done = seller.run(
        *("sell", "song.flac", "--price", "2500", "--title", "La", "--preview", "sample.txt"),
        *("--gateway", cli_gateway.url, "--json"),
        BITCACHE_TOKEN=cli_gateway.token,
    )
    assert done.code == 0, done.err
    assert done.json["title"] == "La"
    assert (done.json["bytes"], done.json["price_sat"]) == (8, 2500)
    assert done.json["sealed_bytes"] == 56 + 8 + 16


def test_a_description_is_sealed_and_shown_to_whoever_buys(seller: Person, cli_gateway: CliGateway) -> None:
    (seller.home / "about.txt").write_bytes("Été:\r\n- one\r\n- two\r\n".encode())
    offered = ("sell", "song.flac", "--price", "2500", "--description", "about.txt", "--gateway", cli_gateway.url)
    done = seller.run(*offered, "--contact", "Ada", BITCACHE_TOKEN=cli_gateway.token)
    assert done.code == 0, done.err
    shown = seller.run("buy", done.out.strip(), "-o", "bought.flac", "--timeout", "1")
    assert "Sold by Ada" in shown.err
    assert "Été:\n- one\n- two" in shown.err
    (seller.home / "about.txt").write_bytes(b"\xff")
    refused = seller.run(*offered, "--json", BITCACHE_TOKEN=cli_gateway.token)
    assert (refused.code, refused.json["error"]["code"]) == (3, "bad_input")
    (seller.home / "about.txt").write_text("hidden \u202e text")
    refused = seller.run(*offered, "--json", BITCACHE_TOKEN=cli_gateway.token)
    assert (refused.code, refused.json["error"]["code"]) == (3, "invalid_name")


def test_a_limited_file_says_so_and_is_refused_when_it_is_sold_out(seller: Person, cli_gateway: CliGateway) -> None:
    offered = ("sell", "song.flac", "--price", "2500", "--gateway", cli_gateway.url)
    done = seller.run(*offered, "--until", "2099-05-03", "--most-sales", "1", BITCACHE_TOKEN=cli_gateway.token)
    assert done.code == 0, done.err
    link = done.out.strip()
    with seller.running("buy", link, "-o", "bought.flac") as buyer:
        cli_gateway.pay_for(seller)
        buyer.communicate(timeout=60)
    assert buyer.returncode == 0
    other = Person(seller.home / "other")
    other.home.mkdir()
    late = other.run("buy", link, "--json")
    assert (late.code, late.json["error"]["code"]) == (4, "sales_paused")
    assert "this file is sold out" in late.json["error"]["message"]


@pytest.mark.parametrize(
    "limit", [("--until", "2020-05-03"), ("--until", "soon"), ("--most-sales", "0"), ("--until", "2027-13-01")]
)
def test_a_limit_that_cannot_be_meant(seller: Person, cli_gateway: CliGateway, limit: tuple[str, str]) -> None:
    """Refused before anything is uploaded."""
    offered = ("sell", "song.flac", "--price", "2500", "--gateway", cli_gateway.url, "--json")
    done = seller.run(*offered, *limit, BITCACHE_TOKEN=cli_gateway.token)
    assert done.code == 3, done.err
    assert done.json["error"]["code"] in ("bad_input", "invalid_limit")
    assert done.json["error"]["hint"]


def test_the_signing_key_is_made_once_and_private(seller: Person, cli_gateway: CliGateway) -> None:
    key = seller.home / ".config" / "bitcache" / "seller.key"
    for _ in range(2):
        done = seller.run(
            "sell", "song.flac", "--price", "2500", "--gateway", cli_gateway.url, BITCACHE_TOKEN=cli_gateway.token
        )
        assert done.code == 0
        assert stat.S_IMODE(key.stat().st_mode) == 0o600
        before = key.read_text() if done else ""
    assert key.read_text() == before
    key.chmod(0o644)
    done = seller.run(
        "sell", "song.flac", "--price", "2500", "--gateway", cli_gateway.url, BITCACHE_TOKEN=cli_gateway.token
    )
    assert done.code == 4
    assert "chmod 600" in done.err


@pytest.mark.parametrize(
    "price", ["0", "-1", "2.5", "2500.0", "1e3", "", "free", "٢٥٠٠", "99999999999999999999", "100"]
)
def test_a_price_that_cannot_be_meant(seller: Person, cli_gateway: CliGateway, price: str) -> None:
    done = seller.run(
        "sell", "song.flac", f"--price={price}", "--gateway", cli_gateway.url, BITCACHE_TOKEN=cli_gateway.token
    )
    assert done.code == 3, done.err


@pytest.mark.parametrize("title", [" ", "a" * 201, "safe\u202egnp.exe"])
def test_a_title_that_deceives(seller: Person, cli_gateway: CliGateway, title: str) -> None:
    done = seller.run(
        "sell",
        "song.flac",
        "--price",
        "2500",
        "--title",
        title,
        "--gateway",
        cli_gateway.url,
        BITCACHE_TOKEN=cli_gateway.token,
    )
    assert done.code == 3


def test_the_command_line_itself(seller: Person) -> None:
    assert seller.run("sell").code == 2
    assert seller.run("sell", "nothing-here", "--price", "2500").code == 2
    assert seller.run("sell", "song.flac").code == 2
    assert seller.run("sell", "song.flac", "--price", "2500", "--token", "x").code == 2
    assert seller.run("steal").code == 2


def test_without_or_with_a_wrong_token(seller: Person, cli_gateway: CliGateway) -> None:
    command = ("sell", "song.flac", "--price", "2500", "--gateway", cli_gateway.url, "--json")
    for environment in ({}, {"BITCACHE_TOKEN": "A" * 43}, {"BITCACHE_TOKEN": "nonsense"}):
        done = seller.run(*command, **environment)
        assert (done.code, done.json["error"]["code"]) == (4, "not_signed_in")


def test_the_token_may_come_from_a_private_file(seller: Person, cli_gateway: CliGateway) -> None:
    token = seller.home / "token"
    token.write_text(cli_gateway.token + "\n")
    command = ("sell", "song.flac", "--price", "2500", "--gateway", cli_gateway.url, "--token-file", token)
    token.chmod(0o644)
    assert seller.run(*command).code == 4
    token.chmod(0o600)
    assert seller.run(*command).code == 0


def test_a_preview_of_another_kind_or_too_large(seller: Person, cli_gateway: CliGateway) -> None:
    (seller.home / "a.pdf").write_bytes(b"%PDF")
    (seller.home / "b.png").write_bytes(bytes(256 * 1024 + 1))
    (seller.home / "c.txt").touch()
    os.mkfifo(seller.home / "d.txt")
    for name in ("a.pdf", "b.png", "c.txt", "d.txt"):
        done = seller.run(
            "sell",
            "song.flac",
            "--price",
            "2500",
            "--preview",
            name,
            "--gateway",
            cli_gateway.url,
            BITCACHE_TOKEN=cli_gateway.token,
        )
        assert done.code == 3


@pytest.mark.parametrize("gateway", ["http://127.0.0.1:1", "https://gateway.invalid"])
def test_nobody_answers(seller: Person, gateway: str) -> None:
    done = seller.run("sell", "song.flac", "--price", "2500", "--gateway", gateway, BITCACHE_TOKEN="A" * 43)
    assert done.code == 7


def test_no_address_of_a_gateway(seller: Person) -> None:
    done = seller.run("sell", "song.flac", "--price", "2500", "--gateway", "gateway", BITCACHE_TOKEN="A" * 43)
    assert done.code == 3


@pytest.mark.parametrize(
    ("path", "code"),
    [("empty", "empty_file"), ("pipe", "not_a_file"), ("/dev/null", "not_a_file"), ("/proc/version", "size_unknown")],
)
def test_what_cannot_be_sold_is_refused_in_a_clear_sentence(
    person: Person, cli_gateway: CliGateway, path: str, code: str
) -> None:
    """One rule for page and command line: what is sold is a file, with something in it, that was read to its end."""
    (person.home / "empty").touch()
    os.mkfifo(person.home / "pipe")
    done = person.run(
        "sell", path, "--price", "2500", "--gateway", cli_gateway.url, "--json", BITCACHE_TOKEN=cli_gateway.token
    )
    assert (done.code, done.json["error"]["code"]) == (3, code), done.err
    assert done.json["error"]["hint"]


@pytest.mark.parametrize(
    "name",
    [
        b"tab\there.txt",
        b"line\nbreak.txt",
        "\u200fright to left.txt".encode(),
        "zero\u200bwidth.txt".encode(),
        b"a" * 231,
        b"\xff\xfe no UTF-8.bin",
        b"\xff",
        b"-rf",
        "\u3164".encode(),
    ],
)
def test_a_file_of_any_name_gets_a_title_that_is_taken(person: Person, cli_gateway: CliGateway, name: bytes) -> None:
    """Nobody reads of a bad title who typed none."""
    Path(os.fsdecode(os.fsencode(person.home) + b"/" + name)).write_bytes(b"la la la")
    done = person.run(
        *("sell", "--price", "2500", "--gateway", cli_gateway.url, "--json", "--", os.fsdecode(name)),
        BITCACHE_TOKEN=cli_gateway.token,
    )
    assert done.code == 0, done.err
    assert 1 <= len(done.json["title"]) <= 200

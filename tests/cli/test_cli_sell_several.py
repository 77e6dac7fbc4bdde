"""``bitcache sell`` with several files, a folder, and standard input."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest
from support.cli import BITCACHE, CliGateway, Done, Person, wait_until

from bitcache.sealing.file_link import parse_link


@pytest.fixture
def seller(person: Person) -> Person:
    """Somebody with two files and a folder."""
    (person.home / "one.txt").write_bytes(b"one")
    (person.home / "two.txt").write_bytes(b"two two")
    (person.home / "album").mkdir()
    (person.home / "album" / "b.txt").write_bytes(b"b")
    (person.home / "album" / "a.txt").write_bytes(b"a")
    (person.home / "album" / "link").symlink_to("/etc/passwd")
    return person


def sell(seller: Person, cli_gateway: CliGateway, *arguments: str, stdin: str = "") -> Done:
    """The command, with price, gateway and token."""
    command = ("sell", "--price", "2500", "--gateway", cli_gateway.url, *arguments)
    return seller.run(*command, stdin=stdin, BITCACHE_TOKEN=cli_gateway.token)


def lines(done: Done) -> list[dict[str, Any]]:
    """The objects on stdout, one a line."""
    return [json.loads(line) for line in done.out.splitlines()]


def bought(seller: Person, cli_gateway: CliGateway, link: str, tmp_path: Path) -> bytes:
    """What a buyer gets who pays."""
    buyer = Person(tmp_path / "buyer")
    buyer.home.mkdir()
    with buyer.running("buy", link, "-o", "out", "--timeout", "60", log=tmp_path / "buy.log") as process:
        cli_gateway.pay_for(buyer)
        assert process.wait(60) == 0, (tmp_path / "buy.log").read_text()
    return (buyer.home / "out").read_bytes()


def test_each_of_several_is_a_listing_of_its_own(seller: Person, cli_gateway: CliGateway) -> None:
    done = sell(seller, cli_gateway, "one.txt", "two.txt")
    assert done.code == 0, done.err
    links, names = zip(*(line.split("\t") for line in done.out.splitlines()), strict=True)
    assert names == ("one.txt", "two.txt")
    assert len({parse_link(link).file_id for link in links}) == 2
    assert "2 of 2 on sale" in done.err


def test_json_has_an_object_a_line(seller: Person, cli_gateway: CliGateway) -> None:
    done = sell(seller, cli_gateway, "two.txt", "one.txt", "--json")
    assert done.code == 0, done.err
    assert [(line["file"], line["title"], line["bytes"]) for line in lines(done)] == [
        ("two.txt", "two", 7),
        ("one.txt", "one", 3),
    ]
    assert "file" not in sell(seller, cli_gateway, "one.txt", "--json").json


def test_one_that_fails_undoes_nothing_and_stops_nothing(seller: Person, cli_gateway: CliGateway) -> None:
    (seller.home / "empty").touch()
    done = sell(seller, cli_gateway, "one.txt", "empty", "two.txt", "--json")
    assert done.code == 3
    assert [line.get("title") for line in lines(done)] == ["one", None, "two"]
    failed = lines(done)[1]
    assert (failed["file"], failed["error"]["code"]) == ("empty", "empty_file")
    assert "2 of 3 on sale; not empty (empty_file)" in done.err
    done = sell(seller, cli_gateway, "empty", "two.txt")
    assert done.code == 3
    assert len(done.out.splitlines()) == 1


def test_what_concerns_all_of_them_is_said_once(seller: Person, cli_gateway: CliGateway) -> None:
    assert sell(seller, cli_gateway, "one.txt", "not-here").code == 2
    for arguments in (("one.txt", "two.txt", "--title", "La"), ("one.txt", "--name", "la"), ("-", "-", "--name", "la")):
        done = sell(seller, cli_gateway, *arguments, "--json")
        assert (done.code, [line["error"]["code"] for line in lines(done)]) == (3, ["bad_input"])


def test_a_folder_becomes_a_zip(seller: Person, cli_gateway: CliGateway, tmp_path: Path) -> None:
    done = sell(seller, cli_gateway, "album/", "--json")
    assert done.code == 0, done.err
    assert done.json["title"] == "album"
    assert "2 files packed; left out: 1 link(s)" in done.err
    content = bought(seller, cli_gateway, done.json["link"], tmp_path)
    (tmp_path / "album.zip").write_bytes(content)
    with zipfile.ZipFile(tmp_path / "album.zip") as opened:
        assert {name: opened.read(name) for name in opened.namelist()} == {"a.txt": b"a", "b.txt": b"b"}
    assert "album.zip" in seller.run("buy", done.json["link"], "--timeout", "1").err


def test_a_folder_without_files(seller: Person, cli_gateway: CliGateway) -> None:
    (seller.home / "hollow").mkdir()
    done = sell(seller, cli_gateway, "hollow", "--json")
    assert (done.code, done.json["error"]["code"]) == (3, "empty_file")


def test_standard_input(seller: Person, cli_gateway: CliGateway, tmp_path: Path) -> None:
    done = sell(seller, cli_gateway, "-", "--name", "poem.txt", "--json", stdin="roses\n" * 50_000)
    assert done.code == 0, done.err
    assert (done.json["title"], done.json["bytes"]) == ("poem", 300_000)
    assert bought(seller, cli_gateway, done.json["link"], tmp_path) == b"roses\n" * 50_000
    assert not [path for path in seller.home.iterdir() if path.name.startswith("tmp")]


def test_standard_input_under_the_name_of_a_folder_is_no_folder(seller: Person, cli_gateway: CliGateway) -> None:
    done = sell(seller, cli_gateway, "-", "--name", "album", "--json", stdin="la")
    assert (done.json["title"], done.json["bytes"]) == ("album", 2)
    shown = seller.run("buy", done.json["link"], "--timeout", "1").err
    assert "album" in shown
    assert "album.zip" not in shown


def test_the_folder_one_is_in(seller: Person, cli_gateway: CliGateway) -> None:
    done = sell(seller, cli_gateway, ".", "album/..", "--json")
    assert [line["title"] for line in lines(done)] == ["home", "home"], done.err


@pytest.mark.parametrize(
    ("arguments", "stdin", "code"),
    [
        ((), "la", "bad_input"),
        (("--name", "a/b"), "la", "invalid_name"),
        (("--name", ".."), "la", "invalid_name"),
        (("--name", "poem.txt"), "", "empty_file"),
    ],
)
def test_standard_input_that_cannot_be_sold(
    seller: Person, cli_gateway: CliGateway, arguments: tuple[str, ...], stdin: str, code: str
) -> None:
    done = sell(seller, cli_gateway, "-", *arguments, "--json", stdin=stdin)
    assert (done.code, done.json["error"]["code"]) == (3, code), done.err


def test_waiting_for_standard_input_can_be_stopped(seller: Person, cli_gateway: CliGateway) -> None:
    """A pipe that stays silent keeps nothing alive."""
    ours, theirs = os.pipe()
    command = [*BITCACHE, "sell", "-", "--name", "poem.txt", "--price", "2500", "--gateway", cli_gateway.url]
    environment = seller.environment(BITCACHE_TOKEN=cli_gateway.token)
    process = subprocess.Popen(command, stdin=ours, stderr=subprocess.PIPE, cwd=seller.home, env=environment)
    try:
        wait_until((seller.home / ".config" / "bitcache" / "seller.key").exists)
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        assert process.wait(5) == 130
    finally:
        process.kill()
        process.communicate()
        os.close(ours)
        os.close(theirs)

"""``sell`` and ``buy`` send no token and no claim where others could read it."""

from __future__ import annotations

import pytest
from support.cli import Person

TOKEN = "A" * 43
GATEWAY = "http://gateway.invalid"  # a name that no name server knows (RFC 6761)
LINK = f"{GATEWAY}/f/AAAAAAAAAAAAAAAAAAAAAA#AAAAAAAAAAAAAAAAAAAAAA"


def test_sell_refuses_and_says_what_to_do(person: Person) -> None:
    (person.home / "song.flac").write_bytes(b"song")
    done = person.run("sell", "song.flac", "--price", "2500", "--gateway", GATEWAY, "--json", BITCACHE_TOKEN=TOKEN)
    assert (done.code, done.json["error"]["code"]) == (3, "not_encrypted")
    assert TOKEN not in done.out + done.err


def test_buy_refuses_and_says_what_to_do(person: Person) -> None:
    done = person.run("buy", "-", "--json", stdin=LINK)
    assert (done.code, done.json["error"]["code"]) == (3, "not_encrypted")
    assert not list(person.home.rglob("purchases/*")), "no claim was made"


@pytest.mark.parametrize("command", ["sell", "buy"])
def test_with_the_word_it_is_tried(person: Person, command: str) -> None:
    (person.home / "song.flac").write_bytes(b"song")
    arguments = {
        "sell": ("song.flac", "--price", "2500", "--gateway", GATEWAY),
        "buy": (LINK,),
    }[command]
    done = person.run(command, *arguments, "--insecure-http", "--json", BITCACHE_TOKEN=TOKEN, timeout=200)
    assert (done.code, done.json["error"]["code"]) == (7, "gateway_unreachable")

"""``bitcache init``: makes what is missing, overwrites nothing, shows the token once."""

from __future__ import annotations

import stat

from support.accounts import BIP84_ZPUB
from support.cli import TPUB, Person

XPRV = "tprv8ZgxMBicQKsPe5YMU9gHen4Ez3ApihUfykaqUorj9t6FDqy3nP6eoXiAo2ssvpAjoLroQxHqr3R5nE3a5dU3DHTjTgJDd7zrbniJr6nrCzd"


def test_it_makes_settings_data_and_a_token(person: Person) -> None:
    done = person.run("init", "--network", "regtest", "--descriptor", f"wpkh({TPUB}/0/*)", "--json")
    assert done.code == 0, done.err
    assert len(done.json["token"]) == 43
    assert len(done.json["addresses"]) == 3
    assert done.json["addresses"][0].startswith("bcrt1q")
    assert 'network = "regtest"' in (person.home / "config.toml").read_text()
    made = {path: stat.S_IMODE(path.stat().st_mode) for path in person.home.rglob("*")}
    assert {path.name: oct(mode) for path, mode in made.items() if mode & 0o077} == {}


def test_the_token_is_the_result_for_people(person: Person) -> None:
    done = person.run("init", "--network", "regtest")
    assert done.code == 0
    assert len(done.out.strip()) == 43
    assert done.out.strip() not in done.err


def test_a_second_run_changes_nothing(person: Person) -> None:
    first = person.run("init", "--network", "regtest", "--json")
    before = (person.home / "config.toml").read_text()
    second = person.run("init", "--network", "regtest", "--json")
    assert (first.code, second.code) == (0, 3)
    assert second.json["error"]["code"] == "invalid_settings"
    assert (person.home / "config.toml").read_text() == before


def test_a_mistyped_descriptor_leaves_nothing_behind(person: Person) -> None:
    done = person.run("init", "--network", "regtest", "--descriptor", f"wpkh({TPUB[:-1]}X/0/*)")
    assert done.code == 3
    assert list(person.home.iterdir()) == []


def test_a_private_key_is_refused_and_not_repeated(person: Person) -> None:
    done = person.run("init", "--network", "regtest", "--descriptor", f"wpkh({XPRV}/0/*)", "--json")
    assert done.code == 3
    assert done.json["error"]["code"] == "private_key_refused"
    assert XPRV not in done.out + done.err
    assert list(person.home.iterdir()) == []


def test_keys_of_another_network_are_refused(person: Person) -> None:
    done = person.run("init", "--network", "regtest", "--descriptor", BIP84_ZPUB, "--json")
    assert (done.code, done.json["error"]["code"]) == (3, "wrong_network")


def test_an_unknown_network_is_bad_input(person: Person) -> None:
    assert person.run("init", "--network", "moon").code == 3
    assert list(person.home.iterdir()) == []


def test_another_network_than_the_file_says_is_refused(person: Person) -> None:
    (person.home / "config.toml").write_text('[bitcoin]\nnetwork = "signet"\n')
    done = person.run("init", "--network", "regtest")
    assert done.code == 3
    assert "signet" in done.err


def test_an_unknown_setting_names_the_nearest_one(person: Person) -> None:
    (person.home / "config.toml").write_text("[server]\nprot = 8402\n")
    for command in ("init", "serve"):
        done = person.run(command)
        assert done.code == 3
        assert "server.prot" in done.err
        assert "server.port" in done.err


def test_serving_without_init_says_what_to_do(person: Person) -> None:
    (person.home / "config.toml").write_text(f'[storage]\ndirectory = "{person.home}/nowhere"\n')
    done = person.run("serve")
    assert done.code == 3
    assert "bitcache init" in done.err


def test_a_named_settings_file_must_be_there(person: Person) -> None:
    assert person.run("serve", "--config", "other.toml").code == 3


def test_an_xpub_says_where_to_be_paid_once_its_addresses_are_chosen(person: Person) -> None:
    """The help promises it; the hint names the option."""
    unclear = person.run("init", "--network", "regtest", "--descriptor", TPUB)
    assert unclear.code == 3
    assert "--script-type" in unclear.err
    done = person.run("init", "--network", "regtest", "--descriptor", TPUB, "--script-type", "sh-wpkh", "--json")
    assert done.code == 0, done.err
    assert all(address.startswith("2") for address in done.json["addresses"])


def test_a_node_that_the_environment_names_is_followed(person: Person) -> None:
    """Even on the main network, where nobody is asked to choose then; it need not answer yet."""
    done = person.run("init", BITCACHE_CHAIN__RPC_URL="http://127.0.0.1:1")
    assert done.code == 0, done.err
    assert "chain.rpc_url names is followed" in done.err
    lines = (person.home / "config.toml").read_text().splitlines()
    assert [line for line in lines if line.startswith("source")] == []

"""``bitcache invite`` and ``bitcache token``, beside a gateway that runs."""

from __future__ import annotations

from support.cli import CliGateway, Person


def test_a_token_made_beside_the_running_gateway_sells(cli_gateway: CliGateway, person: Person) -> None:
    config = str(cli_gateway.folder / "config.toml")
    made = person.run("token", "shop", "--config", config)
    token = made.out.strip()
    assert (made.code, len(token)) == (0, 43), made.err
    assert token not in made.err
    (person.home / "song.flac").write_bytes(b"song")
    offered = ("sell", "song.flac", "--price", "2500", "--gateway", cli_gateway.url, "--json")
    assert person.run(*offered, BITCACHE_TOKEN=token).code == 0
    reading = person.run("token", "bookkeeping", "--scope", "read", "--config", config).out.strip()
    refused = person.run(*offered, BITCACHE_TOKEN=reading)
    assert refused.json["error"]["code"] == "denied", refused.out
    assert refused.code != 0


def test_what_cannot_be_made_is_said(cli_gateway: CliGateway, person: Person) -> None:
    config = str(cli_gateway.folder / "config.toml")
    for arguments in (("--scope", "owner"), ("--seller", "nobody of this name")):
        failed = person.run("token", "x", *arguments, "--config", config, "--json")
        assert (failed.code, failed.json["error"]["code"]) == (3, "bad_input")


def test_an_invitation_is_a_link(cli_gateway: CliGateway, person: Person) -> None:
    """It says so where it could not be used yet."""
    made = person.run("invite", "--config", str(cli_gateway.folder / "config.toml"), "--json")
    assert made.code == 0, made.err
    assert made.json["link"].startswith(f"{cli_gateway.url}/sell#invite=")
    assert "accounts.sign_up" in made.err


def test_the_operator_sees_who_sells_and_nothing_of_what(cli_gateway: CliGateway, person: Person) -> None:
    config = str(cli_gateway.folder / "config.toml")
    [before] = person.run("sellers", "--config", config, "--json").json["sellers"]
    token = person.run("token", "shop", "--config", config).out.strip()
    (person.home / "secret-name.flac").write_bytes(b"song")
    offered = ("sell", "secret-name.flac", "--price", "2500", "--gateway", cli_gateway.url, "--json")
    assert person.run(*offered, BITCACHE_TOKEN=token).code == 0
    [seller] = person.run("sellers", "--config", config, "--json").json["sellers"]
    assert seller["listings"] == before["listings"] + 1
    assert seller["sealed_bytes"] > before["sealed_bytes"]
    assert [seller[name] for name in ("settled", "received_sat")] == [before["settled"], before["received_sat"]]
    assert seller["last_seen"] is not None
    shown = person.run("sellers", "--config", config)
    assert shown.code == 0, shown.err
    assert seller["name"] in shown.out
    assert "secret-name" not in shown.out

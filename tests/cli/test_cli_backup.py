"""``bitcache backup`` beside a gateway that runs, and ``bitcache restore`` into a folder of its own."""

from __future__ import annotations

from pathlib import Path

from support.cli import CliGateway, Person


def test_a_backup_and_the_way_back(cli_gateway: CliGateway, person: Person) -> None:
    config, target = str(cli_gateway.folder / "config.toml"), person.home / "backups"
    made = person.run("backup", str(target), "--config", config, "--json")
    assert made.code == 0, made.err
    assert "master key is not in it" in made.err
    [folder] = target.iterdir()
    assert made.json["path"] == str(folder)
    other = {"BITCACHE_STORAGE__DIRECTORY": str(person.home / "data")}
    refused = person.run("restore", str(folder), "--config", config, "--json", **other)
    assert (refused.code, refused.json["error"]["code"]) == (3, "invalid_settings")
    with_key = person.run("backup", str(target), "--with-master-key", "--config", config, "--json").json["path"]
    restored = person.run("restore", with_key, "--config", config, "--json", **other)
    assert restored.code == 0, restored.err
    assert "resume-sales --restored" in restored.err
    assert (Path(restored.json["directory"]) / "bitcache.sqlite3").exists()
    assert person.run("resume-sales", "--restored", "--config", config, **other).code == 0

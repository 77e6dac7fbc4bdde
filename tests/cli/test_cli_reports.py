"""What the operator decides beside a gateway that runs."""

from __future__ import annotations

import json
import urllib.request

from support.cli import CliGateway, Person


def report(url: str, file_id: str, text: str) -> None:
    """A visitor's report."""
    body = json.dumps({"kind": "illegal", "text": text}).encode()
    path = f"{url}/api/v1/files/{file_id}/reports"
    asked = urllib.request.Request(path, body, {"Content-Type": "application/json"}, method="POST")
    with urllib.request.urlopen(asked) as answer:
        assert answer.status == 204


def test_reports_are_read_dismissed_and_acted_upon(cli_gateway: CliGateway, person: Person) -> None:
    config = ("--config", str(cli_gateway.folder / "config.toml"))
    token = person.run("token", "shop", *config).out.strip()
    (person.home / "song.flac").write_bytes(b"song")
    offered = ("sell", "song.flac", "--price", "2500", "--gateway", cli_gateway.url, "--json")
    sold = person.run(*offered, BITCACHE_TOKEN=token).json
    for text in ("first\x1b[2J", "second"):
        report(cli_gateway.url, sold["file_id"], text)
    shown = person.run("reports", *config)
    assert "\x1b" not in shown.out
    assert "the link's key was not disclosed" in shown.out
    waiting = person.run("reports", "--json", *config).json["reports"]
    listed = [one for one in waiting if one["file_id"] == sold["file_id"]]
    assert [one["text"] for one in listed] == ["first\x1b[2J", "second"]
    dismissed = person.run("dismiss", str(listed[0]["id"]), "--reason", "No.", *config)
    assert dismissed.code == 0, dismissed.err
    taken = person.run("take-down", sold["link"], "--reason", "A court said so.", "--json", *config)
    assert taken.json == {"file_id": sold["file_id"]}
    assert sold["link"].split("#")[1] not in taken.err
    refused = person.run("buy", sold["link"], "--json")
    assert refused.json["error"]["code"] == "taken_down"
    assert "A court said so." in refused.json["error"]["hint"]
    closed = person.run("reports", "--closed", "--json", *config).json
    assert [action["action"] for action in closed["actions"]][:2] == ["taken_down", "dismissed"]
    assert person.run("put-back", sold["file_id"], "--reason", "Sorry.", *config).code == 0
    assert person.run("put-back", sold["file_id"], "--reason", "Sorry.", *config).code != 0
    assert person.run("take-down", "nonsense", "--reason", "x", *config).code == 3

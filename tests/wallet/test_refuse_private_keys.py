"""What is refused at the door, by the cases that the JavaScript tests read too."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bitcache.errors import PrivateKeyRefused
from wallet.refuse_private_keys import kind_of_secret, refuse_secrets

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "vectors" / "secrets.json").read_text(encoding="utf-8")
)


@pytest.mark.parametrize("case", VECTORS["secret"], ids=lambda case: f"{case['kind']} {case['what']}")
def test_secrets_are_recognised(case: dict[str, str]) -> None:
    """Words of every BIP39 language, and keys of every kind, alone or inside something else."""
    assert kind_of_secret(case["text"]) == case["kind"]
    with pytest.raises(PrivateKeyRefused) as raised:
        refuse_secrets(case["text"])
    assert not any(word in str(raised.value) for word in case["text"].split() if len(word) > 8)


@pytest.mark.parametrize("text", VECTORS["public"], ids=range(len(VECTORS["public"])))
def test_public_texts_are_no_secrets(text: str) -> None:
    """What wallets export for others to see."""
    assert kind_of_secret(text) is None


def test_deep_json_is_looked_through() -> None:
    """No text makes the check itself fail."""
    assert kind_of_secret("[" * 8000) is None

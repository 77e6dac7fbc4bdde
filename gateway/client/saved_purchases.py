"""The buyer's memory: which claim secrets belong to which file, on disk before anything is paid.

One small JSON file per link, readable by its owner only.  It holds every claim ever made for that file, newest
last, because a payment to an old invoice still releases; what the gateway first answered for each; and which
bytes were bought, so that a later run notices others; price and description may change.  It does not hold the link.

Runs beside each other forget nothing of one another: every change reads the file again, under a lock on its folder.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from bitcache.errors import StorageError
from bitcache.identifiers import new_secret
from bitcache.sealing.file_link import Link
from bitcache.storage.durable_files import lock
from gateway.client.errors import PaymentUnknown
from gateway.client.private_files import write_private


def default_state_dir() -> Path:
    """``~/.local/state/bitcache``, or under ``XDG_STATE_HOME``."""
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "bitcache"


class FirstAnswer(NamedTuple):
    """What the gateway said of a purchase when it was first asked; later answers must not differ.

    ``amount_sat`` None: an earlier version did not keep it.
    """

    purchase_id: str
    address: str | None
    amount_sat: int | None


@dataclass
class SavedPurchases:
    """What is remembered about one link; every change is on disk when the call returns."""

    path: Path
    claims: list[str] = field(default_factory=list, repr=False)
    group_root: str | None = None
    #: by claim: what the gateway said first
    first: dict[str, FirstAnswer] = field(default_factory=dict, repr=False)

    #: by purchase id: the one Lightning invoice that a wallet was asked to pay for it
    handed: dict[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, link: Link, state_dir: Path) -> SavedPurchases:
        """Return what earlier runs remembered; raise StorageError when the file is damaged."""
        gateway = hashlib.sha256(link.gateway.encode()).hexdigest()[:8]
        saved = cls(state_dir / "purchases" / f"{link.file_id}.{gateway}.json")
        saved._read()
        return saved

    def pin(self, group_root: bytes) -> bool:
        """Remember the file that is being bought; False when another one was bought under this link before."""
        digest = group_root.hex()
        if self.group_root is None:
            with self._changing():
                self.group_root = self.group_root or digest
        return self.group_root == digest

    def new_claim(self) -> str:
        """Return a fresh claim secret, stored before it is sent anywhere."""
        claim = new_secret()
        with self._changing():
            self.claims.append(claim)
        return claim

    def note(self, claim: str, answer: FirstAnswer) -> None:
        """Keep what the gateway answered for one of our claims, unless it answered before."""
        if claim in self.claims and claim not in self.first:
            with self._changing():
                self.first.setdefault(claim, answer)

    def claim_of(self, purchase_id: str) -> str | None:
        """Return our claim of this purchase, if it is one of ours."""
        return next((claim for claim, answer in self.first.items() if answer.purchase_id == purchase_id), None)

    def handed_to_wallet(self, purchase_id: str, invoice: str) -> bool:
        """Keep, before it happens, that a wallet is asked to pay this invoice; return whether none was before.

        Raise PaymentUnknown when another run handed over another one meanwhile.
        """
        with self._changing():
            is_first = purchase_id not in self.handed
            if self.handed.setdefault(purchase_id, invoice) != invoice:
                raise PaymentUnknown
        return is_first

    def not_sent(self, purchase_id: str) -> None:
        """Forget that a wallet was asked: it has certainly sent nothing."""
        with self._changing():
            self.handed.pop(purchase_id, None)

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Yield the file as it is now, to be changed and saved while no other run does."""
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            lock(folder, wait=True)  # without locks two runs at once may forget a claim that neither has paid
            self._read()
            yield
            self._save()
        finally:
            os.close(folder)

    def _read(self) -> None:
        try:
            stored = json.loads(self.path.read_bytes())
            self.claims = [str(claim) for claim in stored["claims"]]
            self.group_root = stored.get("group_root")
            named = stored.get("first", {})
            self.first = {
                str(claim): FirstAnswer(
                    str(answer["purchase_id"]), answer["address"] and str(answer["address"]), answer.get("amount_sat")
                )
                for claim, answer in named.items()
            }
            self.handed = {str(purchase): str(invoice) for purchase, invoice in stored.get("handed", {}).items()}
        except FileNotFoundError:
            return
        except (ValueError, LookupError, TypeError, AttributeError):
            hint = "Move it away; it holds the claims of this file."
            raise StorageError(f"{self.path} is damaged", hint=hint) from None

    def _save(self) -> None:
        named = {claim: answer._asdict() for claim, answer in self.first.items()}
        record = {
            "v": 1,
            "claims": self.claims,
            "group_root": self.group_root,
            "first": named,
            "handed": self.handed,
        }
        write_private(self.path, json.dumps(record, indent=1), replace=True)

"""The operator's master key: wraps every gateway share before it reaches the database.

    wrapped = nonce (12) ‖ AES-256-GCM(master key, nonce, share, aad = "bitcache/v1 wrap" ‖ 0x00 ‖ F)     60 bytes

The key lives in a file of its own, so that a copy of the database alone releases nothing.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bitcache.errors import InvalidSettings, WrongKey
from bitcache.identifiers import FILE_ID_BYTES, FileId, unb64u
from bitcache.storage.durable_files import place_new, sync_folder

MASTER_KEY_SIZE = 32
_NONCE_SIZE = 12
_CONNECTION = b"bitcache/v1 wrap connection"
_DISCLOSED = b"bitcache/v1 disclosed link\x00"


class MasterKey:
    """A 256-bit key that wraps shares; ``repr`` does not show it."""

    def __init__(self, key: bytes) -> None:
        """``key`` is 32 random bytes; else InvalidSettings."""
        if len(key) != MASTER_KEY_SIZE:
            raise InvalidSettings(
                f"a master key has {MASTER_KEY_SIZE} bytes, this one {len(key)}",
                hint="Restore the key file from your backup; without it no share can be released.",
            )
        self._aead = AESGCM(key)

    def __repr__(self) -> str:
        return "MasterKey(hidden)"

    @classmethod
    def load(cls, path: Path) -> MasterKey:
        """Return the key in the file.

        Raise InvalidSettings if it is missing, of another size, or readable by others.
        """
        try:
            with path.open("rb") as file:
                mode = os.fstat(file.fileno()).st_mode & 0o777
                key = file.read(MASTER_KEY_SIZE + 1)
        except OSError as error:
            raise InvalidSettings(
                f"the master key file cannot be read: {error.strerror}",
                hint="Check the path and its owner, or restore the file from your backup.",
            ) from None
        if os.name == "posix" and mode & 0o077:
            raise InvalidSettings(
                f"the master key file is open to other users (mode {mode:04o})",
                hint="Run chmod 600 on it; if others use this machine, take it that they may have read it.",
            )
        return cls(key)

    @classmethod
    def create(cls, path: Path) -> MasterKey:
        """Return a fresh key in a new file of mode 0600, whole or not there.

        Raise InvalidSettings if the file exists.
        """
        key = secrets.token_bytes(MASTER_KEY_SIZE)
        part = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
        try:
            _write_new(part, key)
            try:
                place_new(part, path)
            finally:
                part.unlink(missing_ok=True)
            sync_folder(path.parent)
        except OSError as error:
            raise InvalidSettings(
                f"the master key file cannot be created: {error.strerror}",
                hint="Keep the file that is there, or choose a folder that you may write to.",
            ) from None
        return cls(key)

    @classmethod
    def load_or_create(cls, path: Path) -> MasterKey:
        """Return the key in the file, which is made if there is none."""
        return cls.load(path) if path.exists() else cls.create(path)

    def wrap(self, share: bytes, file_id: FileId) -> bytes:
        """Return the share as the database may hold it; bound to the file id."""
        nonce = secrets.token_bytes(_NONCE_SIZE)
        return nonce + self._aead.encrypt(nonce, share, _bound_to(file_id))

    def unwrap(self, wrapped: bytes, file_id: FileId) -> bytes:
        """Return the share; raise WrongKey if this master key did not wrap it for this file, or if it was changed."""
        nonce, sealed = wrapped[:_NONCE_SIZE], wrapped[_NONCE_SIZE:]
        try:
            return self._aead.decrypt(nonce, sealed, _bound_to(file_id))
        except (InvalidTag, ValueError):
            raise WrongKey(
                "the master key does not open this file's share",
                hint="Put back the master key file that was in use when the file was listed.",
            ) from None

    def wrap_disclosed(self, link_share: bytes, file_id: FileId) -> bytes:
        """Return a link share that a reporter disclosed, as the database may hold it."""
        nonce = secrets.token_bytes(_NONCE_SIZE)
        return nonce + self._aead.encrypt(nonce, link_share, _DISCLOSED + file_id.encode())

    def unwrap_disclosed(self, wrapped: bytes, file_id: FileId) -> bytes:
        """Return the link share; raise WrongKey if this master key did not wrap it, or if it was changed."""
        try:
            return self._aead.decrypt(wrapped[:_NONCE_SIZE], wrapped[_NONCE_SIZE:], _DISCLOSED + file_id.encode())
        except (InvalidTag, ValueError):
            raise WrongKey(
                "the master key does not open this report's link", hint="The report itself is whole."
            ) from None

    def wrap_connection(self, secret: str) -> bytes:
        """Return a wallet connection as the database may hold it."""
        nonce = secrets.token_bytes(_NONCE_SIZE)
        return nonce + self._aead.encrypt(nonce, secret.encode(), _CONNECTION)

    def unwrap_connection(self, wrapped: bytes) -> str:
        """Return the connection; raise WrongKey if this master key did not wrap it, or if it was changed."""
        try:
            return self._aead.decrypt(wrapped[:_NONCE_SIZE], wrapped[_NONCE_SIZE:], _CONNECTION).decode()
        except (InvalidTag, ValueError):
            raise WrongKey(
                "the master key does not open this wallet connection", hint="Connect the wallet again."
            ) from None


def _bound_to(file_id: FileId) -> bytes:
    return b"bitcache/v1 wrap\x00" + unb64u(file_id, FILE_ID_BYTES, "file id")


def _write_new(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())

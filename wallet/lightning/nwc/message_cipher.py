"""Messages between two Nostr keys: NIP-44 version 2, and NIP-04, which is all that some wallets speak.

NIP-44: ChaCha20 (RFC 8439) and HMAC-SHA256 under keys by HKDF; lengths are padded.  NIP-04: AES-256-CBC
without authentication; the event's signature is what protects it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os

from coincurve import PrivateKey, PublicKey
from cryptography.hazmat.primitives import hashes, padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from bitcache.chain_errors import WalletMisbehaved

NIP44, NIP04 = "nip44_v2", "nip04"
_VERSION = b"\x02"
_LONGEST = 65_535
_SMALLEST_PADDED = 32


class MessageCipher:
    """``scheme`` is what :meth:`encrypt` uses; :meth:`decrypt` tells by the text."""

    def __init__(self, secret: bytes, peer: bytes) -> None:
        """``peer`` is the other's x-only public key, 32 bytes; raise WalletMisbehaved when it is none."""
        try:
            point = PublicKey(b"\x02" + peer).multiply(PrivateKey(secret).secret)
        except ValueError:
            raise WalletMisbehaved("the wallet's key is none") from None
        self._shared = point.format()[1:]
        self._conversation = hmac.new(b"nip44-v2", self._shared, hashlib.sha256).digest()
        self.scheme = NIP44

    def encrypt(self, text: str) -> str:
        """Return the message, base64."""
        return self._encrypt44(text.encode()) if self.scheme == NIP44 else self._encrypt04(text.encode())

    def decrypt(self, message: str) -> str:
        """Return the text; raise WalletMisbehaved when it does not open."""
        try:
            raw = self._decrypt04(message) if "?iv=" in message else self._decrypt44(message)
            return raw.decode()
        except (ValueError, IndexError):
            raise WalletMisbehaved("a message of the wallet does not open") from None

    def _encrypt44(self, plain: bytes, nonce: bytes | None = None) -> str:
        nonce = nonce or os.urandom(32)
        key, chacha_nonce, mac_key = self._keys(nonce)
        sealed = _chacha20(key, chacha_nonce, _padded(plain))
        mac = hmac.new(mac_key, nonce + sealed, hashlib.sha256).digest()
        return base64.b64encode(_VERSION + nonce + sealed + mac).decode()

    def _decrypt44(self, message: str) -> bytes:
        raw = base64.b64decode(message, validate=True)
        if len(raw) < 99 or raw[:1] != _VERSION:
            raise ValueError
        nonce, sealed, mac = raw[1:33], raw[33:-32], raw[-32:]
        key, chacha_nonce, mac_key = self._keys(nonce)
        if not hmac.compare_digest(mac, hmac.new(mac_key, nonce + sealed, hashlib.sha256).digest()):
            raise ValueError
        return _unpadded(_chacha20(key, chacha_nonce, sealed))

    def _keys(self, nonce: bytes) -> tuple[bytes, bytes, bytes]:
        expanded = HKDFExpand(hashes.SHA256(), 76, nonce).derive(self._conversation)
        return expanded[:32], expanded[32:44], expanded[44:]

    def _encrypt04(self, plain: bytes) -> str:
        iv = os.urandom(16)
        padder = padding.PKCS7(128).padder()
        encryptor = Cipher(algorithms.AES(self._shared), modes.CBC(iv)).encryptor()
        sealed = encryptor.update(padder.update(plain) + padder.finalize()) + encryptor.finalize()
        return f"{base64.b64encode(sealed).decode()}?iv={base64.b64encode(iv).decode()}"

    def _decrypt04(self, message: str) -> bytes:
        sealed, iv = (base64.b64decode(part, validate=True) for part in message.split("?iv=", 1))
        decryptor = Cipher(algorithms.AES(self._shared), modes.CBC(iv)).decryptor()
        unpadder = padding.PKCS7(128).unpadder()
        return unpadder.update(decryptor.update(sealed) + decryptor.finalize()) + unpadder.finalize()


def _chacha20(key: bytes, nonce: bytes, data: bytes) -> bytes:
    cipher = Cipher(algorithms.ChaCha20(key, bytes(4) + nonce), mode=None)  # the counter begins at 0
    return cipher.encryptor().update(data)


def _padded_length(length: int) -> int:
    if length <= _SMALLEST_PADDED:
        return _SMALLEST_PADDED
    next_power = 1 << (length - 1).bit_length()
    chunk = _SMALLEST_PADDED if next_power <= 256 else next_power // 8
    return chunk * ((length - 1) // chunk + 1)


def _padded(plain: bytes) -> bytes:
    if not 1 <= len(plain) <= _LONGEST:
        raise ValueError("a message has 1 to 65 535 bytes")
    return len(plain).to_bytes(2) + plain + bytes(_padded_length(len(plain)) - len(plain))


def _unpadded(padded: bytes) -> bytes:
    length = int.from_bytes(padded[:2])
    if length == 0 or len(padded) != 2 + _padded_length(length) or any(padded[2 + length :]):
        raise ValueError
    return padded[2 : 2 + length]

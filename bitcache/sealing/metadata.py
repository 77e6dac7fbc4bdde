"""What the link alone shows: title, name, type and size, and the free preview (docs/protocol.md §4).

Both are sealed as small containers under keys of the link share, so the operator reads neither.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from bitcache import safe_names
from bitcache.errors import InvalidManifest
from bitcache.identifiers import FileId, b64u
from bitcache.sealing import container, key_derivation, strict_json

MAX_METADATA = 16 * 1024  #: bytes of the JSON text; the limits of its members keep ours far below
MAX_PREVIEW = 256 * 1024  #: bytes of a preview's content
PREVIEW_TYPES = ("image/png", "image/jpeg", "image/webp", "text/plain")

_MEMBERS = {"v": (int,), "title": (str,), "name": (str,), "type": (str,), "size": (int,), "seller_key": (str,)}
#: Left out where they say nothing.
_OPTIONAL = {"description": (str,), "contact": (str,)}


@dataclass(frozen=True)
class Metadata:
    """What a buyer reads before paying; ``size`` counts plaintext bytes, ``seller_key`` is Ed25519, 32 bytes.

    ``description`` is limited Markdown of several lines, ``contact`` one line on who sells and how to reach them; both
    may be empty.
    """

    title: str
    name: str
    media_type: str
    size: int
    seller_key: bytes
    description: str = ""
    contact: str = ""

    def text(self) -> str:
        """Return the JSON that is sealed; raise InvalidName or InvalidManifest when it breaks the limits."""
        members: dict[str, str | int] = {
            "v": 1,
            "title": safe_names.title(self.title),
            "name": safe_names.safe_file_name(self.name),
            "type": _media_type(self.media_type),
            "size": strict_json.number(self.size, 0, container.MAX_PLAIN_SIZE, "size"),
            "seller_key": b64u(self.seller_key),
        }
        said = {"description": safe_names.description(self.description), "contact": _contact(self.contact)}
        members |= {name: text for name, text in said.items() if text}
        return json.dumps(members, ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True)
class Preview:
    """The seller's free sample: an image or UTF-8 text, at most 256 KiB."""

    media_type: str
    content: bytes


def seal_metadata(metadata: Metadata, link_share: bytes, file_id: FileId, salt: bytes) -> bytes:
    """Return the sealed metadata; ``salt`` 24 fresh random bytes.  Raise InvalidName or InvalidManifest."""
    return _seal(
        metadata.text().encode(),
        key_derivation.meta_key(link_share, file_id),
        key_derivation.meta_context(file_id),
        salt,
    )


def open_metadata(sealed: bytes, link_share: bytes, file_id: FileId) -> Metadata:
    """Return the metadata, its file name made safe to save under.

    Raise SealingError when it does not open, InvalidManifest or InvalidName when a seller sealed nonsense.
    """
    key, context = key_derivation.meta_key(link_share, file_id), key_derivation.meta_context(file_id)
    return parse_metadata(_utf8(_open(sealed, key, context, MAX_METADATA)))


def parse_metadata(text: str) -> Metadata:
    """Return the inverse of :meth:`Metadata.text`; strict."""
    members = strict_json.parse_object(text, _MEMBERS, _OPTIONAL)
    strict_json.number(members["v"], 1, 1, "version")
    return Metadata(
        title=safe_names.title(members["title"]),
        name=safe_names.safe_file_name(members["name"]),
        media_type=_media_type(members["type"]),
        size=strict_json.number(members["size"], 0, container.MAX_PLAIN_SIZE, "size"),
        seller_key=strict_json.raw(members["seller_key"], 32, "seller_key"),
        description=safe_names.description(members.get("description", "")),
        contact=_contact(members.get("contact", "")),
    )


def seal_preview(preview: Preview, link_share: bytes, file_id: FileId, salt: bytes) -> bytes:
    """Return the sealed preview; ``salt`` 24 fresh random bytes.  Raise InvalidManifest for its type or size."""
    _check_preview(preview)
    plain = preview.media_type.encode() + b"\n" + preview.content
    return _seal(plain, key_derivation.preview_key(link_share, file_id), key_derivation.preview_context(file_id), salt)


def open_preview(sealed: bytes, link_share: bytes, file_id: FileId) -> Preview:
    """Return the preview; raise SealingError when it does not open, InvalidManifest for its type or size."""
    key, context = key_derivation.preview_key(link_share, file_id), key_derivation.preview_context(file_id)
    media_type, _, content = _open(sealed, key, context, MAX_PREVIEW + 32).partition(b"\n")
    return _check_preview(Preview(media_type.decode("ascii", "replace"), content))


def _check_preview(preview: Preview) -> Preview:
    if preview.media_type not in PREVIEW_TYPES:
        raise InvalidManifest("a preview is a PNG, JPEG or WebP image, or plain text")
    if len(preview.content) > MAX_PREVIEW:
        raise InvalidManifest("the preview is over 256 KiB")
    if preview.media_type == "text/plain":
        _utf8(preview.content)
    return preview


def _contact(text: str) -> str:
    return safe_names.title(text) if text else ""


def _media_type(text: str) -> str:
    if len(text) > 127 or not text.isascii() or not text.isprintable():
        raise InvalidManifest("the media type is malformed")
    return text


def _utf8(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise InvalidManifest("the text is not UTF-8") from None


def _seal(plain: bytes, key: bytes, context: bytes, salt: bytes) -> bytes:
    sealer = container.Sealer(key, context, salt)
    return sealer.update(plain) + sealer.finalize()


def _open(sealed: bytes, key: bytes, context: bytes, limit: int) -> bytes:
    if len(sealed) > container.sealed_size(limit):
        raise InvalidManifest("the sealed metadata or preview is too large")
    opener = container.Opener(key, context)
    return opener.update(sealed) + opener.finalize()

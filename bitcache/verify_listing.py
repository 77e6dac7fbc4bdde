"""What can be checked of a listing without its link: signature, hashes, sizes, and the stored bytes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from bitcache.errors import InvalidIdentifier, InvalidManifest, NotSealed, SealingError, UploadCorrupt
from bitcache.listing_limits import Limits
from bitcache.sealing import container, key_derivation
from bitcache.sealing import manifest as manifests
from bitcache.sealing.hash_groups import GroupVerifier, parse_groups
from bitcache.sealing.manifest import Manifest
from bitcache.sealing.metadata import MAX_METADATA, MAX_PREVIEW

MEDIA_TYPE_ROOM = 32  #: bytes before a preview's content: its media type and a newline


@dataclass(frozen=True, slots=True)
class ListingRequest:
    """What a seller sends to put an upload on sale; ``repr`` hides the share."""

    manifest: str
    signature: bytes
    groups: bytes = field(repr=False)
    meta: bytes = field(repr=False)
    preview: bytes | None = field(repr=False)
    share: bytes = field(repr=False)
    limits: Limits = field(default_factory=Limits)


def check_request(request: ListingRequest) -> Manifest:
    """Return the signed manifest, once everything beside it has the hashes it names; else InvalidManifest."""
    manifest = manifests.verify(request.manifest, request.signature)
    parse_groups(request.groups, manifest)
    _check_share(request.share, manifest)
    check_metadata(request.meta, manifest)
    _check_sealed(request.preview, manifest.preview_hash, MAX_PREVIEW + MEDIA_TYPE_ROOM, "preview")
    return manifest


def check_metadata(meta: bytes, manifest: Manifest) -> None:
    """Raise InvalidManifest unless these are the sealed metadata that the manifest names."""
    _check_sealed(meta, manifest.meta_hash, MAX_METADATA, "metadata")


def verify_stored(pieces: Iterable[bytes], manifest: Manifest, groups: bytes) -> None:
    """Compare the stored bytes with the signed hashes; raise UploadCorrupt."""
    verifier = GroupVerifier(manifest, groups)
    try:
        for piece in pieces:
            verifier.update(piece)
        verifier.finalize()
    except SealingError as error:
        raise UploadCorrupt(f"the bytes that arrived are not the sealed ones: {error}", **error.details) from error


def _check_share(share: bytes, manifest: Manifest) -> None:
    try:
        digest = key_derivation.share_hash(share)
    except InvalidIdentifier as error:
        raise InvalidManifest(str(error)) from None
    if digest != manifest.share_hash:
        raise InvalidManifest("the gateway share is not the signed one")


def _check_sealed(sealed: bytes | None, expected: bytes | None, largest: int, what: str) -> None:
    if sealed is None or expected is None:
        if sealed is not expected:
            raise InvalidManifest(f"the {what} and its hash go together")
        return
    try:
        too_large = container.plain_size(len(sealed)) > largest
    except NotSealed:
        raise InvalidManifest(f"the {what} is not sealed") from None
    if too_large:
        raise InvalidManifest(f"the {what} is too large")
    if manifests.digest(sealed) != expected:
        raise InvalidManifest(f"the {what} is not the signed one")

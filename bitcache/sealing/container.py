"""The container: Cobblestone-128 as a stream, resumable and seekable (docs/protocol.md §3).

    sealed = salt (24) ‖ commitment (32) ‖ chunk 0 ‖ chunk 1 ‖ … ‖ final chunk

:class:`Sealer` and :class:`Opener` take pieces of any size and hold less than one chunk between
calls.  :func:`open_range` opens a part of a stored file.  A stream alone cannot tell a cut or
extended final chunk from a changed one (all are Tampered), so give ``sealed_size`` where the manifest
tells it: then Truncated and TrailingBytes are exact.
"""

from __future__ import annotations

from collections.abc import Callable

from bitcache.errors import NotSealed, TrailingBytes, Truncated
from bitcache.sealing.chunk_cipher import (
    CHUNK_SIZE,
    HEADER_SIZE,
    SEALED_CHUNK_SIZE,
    TAG_SIZE,
    Buffer,
    ChunkCipher,
    Cutter,
    Scratch,
)
from bitcache.sealing.sticky_errors import StickyErrors

MAX_PLAIN_SIZE = 2**52  #: 4 PiB, the limit of the C2SP specification; exact in a JavaScript number too


def sealed_size(plain: int) -> int:
    """Return bytes of the sealed file for ``plain`` bytes of content."""
    return HEADER_SIZE + plain + TAG_SIZE * (plain // CHUNK_SIZE + 1)


def plain_size(sealed: int) -> int:
    """Return bytes of content in a sealed file of ``sealed`` bytes; raise NotSealed for an impossible length."""
    full, rest = divmod(sealed - HEADER_SIZE, SEALED_CHUNK_SIZE)
    plain = full * CHUNK_SIZE + rest - TAG_SIZE
    if sealed < HEADER_SIZE + TAG_SIZE or rest < TAG_SIZE or plain > MAX_PLAIN_SIZE:
        raise NotSealed(f"no sealed file has {sealed} bytes")
    return plain


def chunk_offset(index: int) -> int:
    """Return where sealed chunk ``index`` starts in the sealed file, in bytes."""
    return HEADER_SIZE + SEALED_CHUNK_SIZE * index


class Sealer:
    """Seals one file: ``update(piece)`` any number of times, then ``finalize()``; joined, the sealed file.

    ``key`` 16 bytes, ``salt`` 24 random bytes.  With ``first_chunk`` = k it goes on at sealed offset
    ``chunk_offset(k)``: feed the plaintext from byte 16384·k on; no header is emitted.  The pair (key, salt)
    must never seal two different plaintexts.
    """

    def __init__(self, key: bytes, context: bytes, salt: bytes, first_chunk: int = 0) -> None:
        self._cipher = ChunkCipher(key, context, salt)
        self._cutter, self._scratch = Cutter(CHUNK_SIZE), Scratch()
        self._index = first_chunk
        self._prefix = b"" if first_chunk else self._cipher.header
        self._done = False

    @property
    def header(self) -> bytes:
        """The first 56 bytes of the sealed file."""
        return self._cipher.header

    def update(self, data: Buffer) -> bytes:
        """Return the sealed bytes that ``data`` completes, possibly none."""
        if self._done:
            raise ValueError("this sealer is finalized")
        view = memoryview(data)
        head, self._prefix = self._prefix, b""
        out = self._scratch.view(len(head) + self._cutter.count(len(view)) * SEALED_CHUNK_SIZE)
        out[: len(head)] = head
        self._index = self._cipher.seal_into(self._index, self._cutter.whole(view), out[len(head) :])
        return bytes(out)

    def finalize(self) -> bytes:
        """Return the last sealed bytes: the final chunk, always shorter than a full one."""
        head = self.update(b"")
        self._done = True
        out = bytearray(len(self._cutter.rest) + TAG_SIZE)
        self._cipher.seal_into(self._index, [self._cutter.rest], memoryview(out))
        return head + out


class Opener(StickyErrors):
    """Opens one file: ``update(piece)`` any number of times, then ``finalize()``; joined, the content.

    Nothing is complete before ``finalize()`` returned.  Every chunk is verified before its content leaves;
    the commitment before any chunk.  To go on at chunk k, give the stored 56-byte ``header`` and
    ``first_chunk`` = k, then feed from sealed offset ``chunk_offset(k)``.  Raises NotSealed, WrongKey, Tampered,
    Truncated or TrailingBytes, and from then on the same error for every call.
    """

    def __init__(
        self,
        key: bytes,
        context: bytes,
        *,
        header: bytes | None = None,
        first_chunk: int = 0,
        sealed_size: int | None = None,
    ) -> None:
        if first_chunk and header is None:
            raise ValueError("going on at a later chunk needs the header")
        if sealed_size is not None:
            plain_size(sealed_size)
        self._key, self._context = key, context
        self._head = bytearray(header or b"")
        self._cipher = None if header is None else ChunkCipher.for_header(key, context, header)
        self._cutter, self._scratch = Cutter(SEALED_CHUNK_SIZE), Scratch()
        self._index = first_chunk
        self._position = 0 if header is None else chunk_offset(first_chunk)
        self._expected = sealed_size
        self._done = False

    def update(self, data: Buffer) -> bytes:
        """Return the content of the chunks that ``data`` completes, possibly none."""
        with self._lasting():
            view = memoryview(data)
            self._count(len(view))
            return self._open(self._without_header(view))

    def finalize(self) -> bytes:
        """Return the content of the final chunk; only after this is the file whole."""
        with self._lasting():
            if self._done:
                raise ValueError("this opener is finalized")
            rest = self._cutter.rest
            self._refuse_short(len(rest))
            assert self._cipher is not None  # 72 bytes or more have arrived
            out = bytearray(len(rest) - TAG_SIZE)
            self._cipher.open_into(self._index, [rest], memoryview(out))
            self._done = True
            return bytes(out)

    def _count(self, length: int) -> None:
        self._position += length
        if length and (self._done or (self._expected is not None and self._position > self._expected)):
            raise TrailingBytes

    def _without_header(self, data: memoryview) -> memoryview:
        if self._cipher is not None:
            return data
        missing = HEADER_SIZE - len(self._head)
        self._head += data[:missing]
        if len(self._head) == HEADER_SIZE:
            self._cipher = ChunkCipher.for_header(self._key, self._context, bytes(self._head))
        return data[missing:]

    def _open(self, data: memoryview) -> bytes:
        if self._cipher is None:
            return b""
        out = self._scratch.view(self._cutter.count(len(data)) * CHUNK_SIZE)
        self._index = self._cipher.open_into(self._index, self._cutter.whole(data), out)
        return bytes(out)

    def _refuse_short(self, rest: int) -> None:
        if self._expected is not None and self._position < self._expected:
            raise Truncated(f"{self._expected - self._position} bytes are missing")
        if self._position < HEADER_SIZE + TAG_SIZE:
            raise NotSealed
        if rest < TAG_SIZE:
            raise Truncated


def open_range(
    read_at: Callable[[int, int], bytes], sealed_size: int, key: bytes, context: bytes, start: int, stop: int
) -> bytes:
    """Return content bytes ``start`` to ``stop`` (exclusive) of a stored file, reading only their chunks.

    ``read_at(offset, length)`` returns sealed bytes.  The final chunk is always verified too: that alone
    proves the length.  Raises as :class:`Opener`, and ValueError for a range outside the content.
    """
    plain = plain_size(sealed_size)
    if not 0 <= start <= stop <= plain:
        raise ValueError("the range lies outside the file")
    cipher = ChunkCipher.for_header(key, context, _read(read_at, 0, HEADER_SIZE))
    last = plain // CHUNK_SIZE

    def chunk(index: int) -> bytes:
        offset = chunk_offset(index)
        sealed = _read(read_at, offset, min(SEALED_CHUNK_SIZE, sealed_size - offset))
        out = bytearray(len(sealed) - TAG_SIZE)
        cipher.open_into(index, [sealed], memoryview(out))
        return bytes(out)

    final = chunk(last)
    first = start // CHUNK_SIZE
    parts = [chunk(index) if index < last else final for index in range(first, -(-stop // CHUNK_SIZE))]
    return b"".join(parts)[start - first * CHUNK_SIZE : stop - first * CHUNK_SIZE]


def _read(read_at: Callable[[int, int], bytes], offset: int, length: int) -> bytes:
    data = read_at(offset, length)
    if len(data) != length:
        raise Truncated(f"{length - len(data)} bytes are missing at offset {offset}")
    return data

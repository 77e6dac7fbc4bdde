"""Readers that failed once stay failed: nobody can catch an error and go on to a happy end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from bitcache.errors import SealingError


class StickyErrors:
    """Inside ``with self._lasting():`` the first SealingError is kept and raised again by every later use."""

    _failure: SealingError | None = None

    @contextmanager
    def _lasting(self) -> Iterator[None]:
        if self._failure is not None:
            raise self._failure
        try:
            yield
        except SealingError as error:
            self._failure = error
            raise

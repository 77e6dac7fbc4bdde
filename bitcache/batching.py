"""Calls that wait at the same time are answered together: one query for many readers, one write for many buyers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, TypeVar

A = TypeVar("A")
R = TypeVar("R")


class Batcher(Generic[A, R]):
    """``serve`` is given what was asked, in order, and answers each with its result or its error.

    It begins after all of it was asked, one call at a time, with ``most`` at most; what it raises all of them get.
    """

    def __init__(self, serve: Callable[[list[A]], Awaitable[Sequence[R | Exception]]], most: int) -> None:
        self._serve, self._most = serve, most
        self._waiting: list[tuple[A, asyncio.Future[R]]] = []
        self._task: asyncio.Task[None] | None = None

    async def ask(self, argument: A) -> R:
        """Return the answer to ``argument``; raises what it was answered."""
        answer: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((argument, answer))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._serve_all())
        return await answer

    async def _serve_all(self) -> None:
        while self._waiting:
            now, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
            try:
                results = await self._serve([argument for argument, _ in now])
            except Exception as error:  # belongs to those who asked, and must not stop the next ones
                results = [error] * len(now)
            for (_, answer), result in zip(now, results, strict=True):
                resolve(answer, result)


def resolve(answer: asyncio.Future[Any], result: Any) -> None:
    """Hand over a result, or an error to raise; whoever asked may be gone, and that is no error."""
    if answer.done():
        return
    if isinstance(result, BaseException):
        answer.set_exception(result)
        answer.exception()  # looked at: else asyncio logs an error when nobody waits for it any more
    else:
        answer.set_result(result)

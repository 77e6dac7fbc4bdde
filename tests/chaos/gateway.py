"""The gateway as seen from outside: a process to start and kill, and an HTTP address."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from chaos.gateway_process import MUTATION, ROOT

PROGRAM = Path(__file__).with_name("gateway_process.py")


#: What a gateway says after every kill that fell between reserving an address and using it.
AFTER_A_KILL = '"event": "addresses_skipped"'


class Unreachable(Exception):
    """No answer."""


class Answer:
    """Status and JSON body."""

    def __init__(self, status: int, body: bytes) -> None:
        self.status = status
        self.json: Any = json.loads(body) if body else None


class GatewayProcess:
    """One process at a time, on one data folder and one port."""

    def __init__(self, where: tuple[Path, ...], log: Path, port: int, mutation: str | None) -> None:
        """``where``: its settings, clock and wallet."""
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.log = log
        self.started_at = 0.0
        self.pid = 0  #: 0: none was started, or it ended
        self._code: int | None = None
        with log.open("ab") as file:  # through a pipe, which no limit on file sizes can stop
            self._logger = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=file)
        self._launcher = subprocess.Popen(
            [sys.executable, str(PROGRAM), *map(str, where)],
            cwd=ROOT,
            env={**os.environ, MUTATION: mutation or ""},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._logger.stdin,
            text=True,
        )

    def start(self) -> None:
        """A fresh process; it needs a moment until it answers."""
        assert not self.pid, "one at a time"
        self.pid, self._code = int(self._tell("start")), None
        self.started_at = time.monotonic()

    def kill(self) -> None:
        """SIGKILL."""
        self._end(signal.SIGKILL)

    def stop(self) -> int | None:
        """SIGTERM; its exit code."""
        return self._end(signal.SIGTERM)

    def close(self) -> None:
        """End it and its launcher."""
        for process in (self._launcher, self._logger):
            assert process.stdin is not None
            process.stdin.close()
            process.wait(10)

    def ended_with(self) -> int | None:
        """The exit code, when it ended by itself."""
        if self.pid and (code := self._tell("poll")):
            self.pid, self._code = 0, int(code)
        return self._code

    def ask(self, method: str, path: str, body: Any = None, bearer: str = "", timeout: float = 10) -> Answer:
        """One request on a connection of its own; raises Unreachable."""
        headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {bearer}"} if bearer else {})}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        with contextlib.closing(connection):
            try:
                connection.request(method, path, json.dumps(body) if body is not None else None, headers)
                response = connection.getresponse()
                return Answer(response.status, response.read())
            except (OSError, http.client.HTTPException, ValueError) as error:
                raise Unreachable(f"{method} {path}: {type(error).__name__}") from error

    def answers(self) -> bool:
        """Whether it listens."""
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True

    def wait_until_up(self, seconds: float = 60) -> None:
        """Until it answers, for the first time."""
        deadline = time.monotonic() + seconds
        while not self.answers():
            assert time.monotonic() < deadline, f"the gateway does not answer; see {self.log}"
            assert self.ended_with() is None, f"the gateway does not start; see {self.log}"
            time.sleep(0.02)

    def bugs(self) -> list[str]:
        """What the gateway itself logged as an error: trouble with node or disk is none."""
        lines = self.log.read_text(errors="replace").splitlines()
        errors = [line for line in lines if '"level": "error"' in line or line.startswith("Traceback")]
        return [line for line in errors if AFTER_A_KILL not in line]

    def _end(self, number: signal.Signals) -> int | None:
        if self.ended_with() is None:
            os.kill(self.pid, number)
            self.pid, self._code = 0, int(self._tell("wait"))
        return self._code

    def _tell(self, command: str) -> str:
        """One command to the launcher, and its answer."""
        assert self._launcher.stdin is not None
        assert self._launcher.stdout is not None
        self._launcher.stdin.write(f"{command}\n")
        self._launcher.stdin.flush()
        answer = self._launcher.stdout.readline()
        assert answer, "the launcher ended"
        return answer.strip()


def free_port() -> int:
    """Below the range that the system hands out, so it stays free between two starts."""
    for port in range(15_000 + os.getpid() % 10_000, 32_000):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise OSError("no free port")

"""A TCP proxy before the node's ZMQ port, which can be cut and restored."""

from __future__ import annotations

import contextlib
import socket
import threading


class ZmqProxy:
    """Forwards connections to ``target`` unless it is cut."""

    def __init__(self, target: int) -> None:
        self.is_cut = False
        self._target = target
        self._open: list[socket.socket] = []
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"tcp://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Close what is open, and everything that comes."""
        self.is_cut = True
        self._close_all()

    def restore(self) -> None:
        """Forward again."""
        self.is_cut = False

    def close(self) -> None:
        """End."""
        self.cut()
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                inside, _ = self._listener.accept()
            except OSError:
                return
            if self.is_cut:
                inside.close()
                continue
            self._join(inside)

    def _join(self, inside: socket.socket) -> None:
        try:
            outside = socket.create_connection(("127.0.0.1", self._target), timeout=5)
        except OSError:
            inside.close()
            return
        outside.settimeout(None)
        with self._lock:
            self._open += [inside, outside]
        for source, sink in ((inside, outside), (outside, inside)):
            threading.Thread(target=_copy, args=(source, sink), daemon=True).start()
        if self.is_cut:
            self._close_all()

    def _close_all(self) -> None:
        with self._lock:
            for connection in self._open:
                _end(connection)
            self._open.clear()


def _copy(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(65536):
            sink.sendall(piece)
    _end(source)
    _end(sink)


def _end(connection: socket.socket) -> None:
    """Both ways, so that a thread that reads wakes up."""
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()

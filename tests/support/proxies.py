"""nginx and Caddy before a gateway: as ``deploy/`` configures them, or with a few lines of a test's own.

Of the files in ``deploy/`` only the addresses, ports, certificates and the places of logs are exchanged.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from support.ports import free_port

DEPLOY = Path(__file__).parents[2] / "deploy"
HOST = "gateway.example"


@dataclass(frozen=True)
class Proxy:
    """A proxy that runs: its address, the port behind it, and the folder where everything that it writes lies."""

    url: str
    port: int
    folder: Path
    plain_port: int = 0  #: where it sends people to https:// from, if it does

    def written(self) -> str:
        """Everything in its logs."""
        logs = [path for path in self.folder.rglob("*") if path.is_file() and path.suffix in (".log", ".err")]
        return "\n".join(path.read_text(errors="replace") for path in logs)


def trusting() -> ssl.SSLContext:
    """A client's TLS that takes the test's certificate, whose host is not this machine's name."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


@contextmanager
def deployed_nginx(folder: Path, gateway_port: int) -> Iterator[Proxy]:
    """``deploy/nginx.conf`` before the gateway on ``gateway_port``."""
    certificate, key = _certificate(folder)
    port, plain = free_port(), free_port()
    text = (DEPLOY / "nginx.conf").read_text()
    for before, after in {
        "server 127.0.0.1:8402;": f"server 127.0.0.1:{gateway_port};",
        "listen 80;": f"listen 127.0.0.1:{plain};",
        "listen [::]:80;": "",
        "listen 443 ssl http2;": f"listen 127.0.0.1:{port} ssl http2;",
        "listen [::]:443 ssl http2;": "",
        "/etc/ssl/gateway.example.crt": str(certificate),
        "/etc/ssl/gateway.example.key": str(key),
        "/var/log/nginx": str(folder),
    }.items():
        assert before in text, f"deploy/nginx.conf no longer holds {before!r}"
        text = text.replace(before, after)
    with nginx(folder, text, port, scheme="https") as proxy:
        yield replace(proxy, plain_port=plain)


@contextmanager
def plain_nginx(folder: Path, gateway_port: int, lines: str = "") -> Iterator[Proxy]:
    """nginx with all of its defaults, ``lines`` in its ``server`` block."""
    port = free_port()
    server = f"listen 127.0.0.1:{port}; {lines} location / {{ proxy_pass http://127.0.0.1:{gateway_port}; }}"
    with nginx(folder, f"server {{ {server} }}", port) as proxy:
        yield proxy


@contextmanager
def nginx(folder: Path, http: str, port: int, scheme: str = "http") -> Iterator[Proxy]:
    """nginx with ``http`` inside its ``http`` block."""
    program = _program("nginx")
    temporary = [f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")]
    config = folder / "nginx.conf"
    config.write_text(
        f"daemon off; pid {folder}/nginx.pid; error_log {folder}/main.err; worker_processes 1;\n"
        + ("user root;\n" if os.geteuid() == 0 else "")
        + f"worker_rlimit_nofile 16384; events {{ worker_connections 4096; }}\n"
        f"http {{ access_log {folder}/other.log; {' '.join(temporary)}\n{http}\n}}\n"
    )
    yield from _running([program, "-c", str(config), "-e", f"{folder}/start.err"], folder, port, scheme)


@contextmanager
def deployed_caddy(folder: Path, gateway_port: int) -> Iterator[Proxy]:
    """``deploy/Caddyfile`` before the gateway on ``gateway_port``."""
    certificate, key = _certificate(folder)
    port = free_port()
    text = (DEPLOY / "Caddyfile").read_text()
    for before, after in {
        "\ngateway.example {": f"\nhttps://{HOST}:{port} {{\n\tbind 127.0.0.1\n\ttls {certificate} {key}",
        "127.0.0.1:8402": f"127.0.0.1:{gateway_port}",
        "{\n\t# A link": "{\n\tadmin off\n\tauto_https disable_redirects\n\t# A link",
    }.items():
        assert before in text, f"deploy/Caddyfile no longer holds {before!r}"
        text = text.replace(before, after)
    with caddy(folder, text, port, scheme="https") as proxy:
        yield proxy


@contextmanager
def plain_caddy(folder: Path, gateway_port: int, lines: str = "") -> Iterator[Proxy]:
    """Caddy with all of its defaults and ``lines`` for its one site."""
    port = free_port()
    text = (
        "{\n\tadmin off\n}\n"
        f"http://127.0.0.1:{port} {{\n\tbind 127.0.0.1\n\t{lines}\n\treverse_proxy 127.0.0.1:{gateway_port}\n}}\n"
    )
    with caddy(folder, text, port) as proxy:
        yield proxy


@contextmanager
def caddy(folder: Path, text: str, port: int, scheme: str = "http") -> Iterator[Proxy]:
    """Caddy with this Caddyfile."""
    program = _program("caddy")
    config = folder / "Caddyfile"
    config.write_text(text)
    yield from _running([program, "run", "--config", str(config), "--adapter", "caddyfile"], folder, port, scheme)


def _program(name: str) -> str:
    executable = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if executable is None:
        pytest.skip(f"no {name}")
    return executable


def _running(command: list[str], folder: Path, port: int, scheme: str) -> Iterator[Proxy]:
    """The proxy, from when it listens; stopped by its own process id."""
    home = {"HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    with (folder / "said.err").open("w") as said:
        process = subprocess.Popen(command, stdout=said, stderr=said, env={**os.environ, **home}, cwd=folder)
        try:
            _wait_for(process, port, folder / "said.err")
            host = HOST if scheme == "https" else "127.0.0.1"
            yield Proxy(f"{scheme}://{host}:{port}", port, folder)
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_for(process: subprocess.Popen[bytes], port: int, said: Path) -> None:
    deadline = time.monotonic() + 20
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert process.poll() is None, said.read_text()
        assert time.monotonic() < deadline, f"did not listen within 20 s: {said.read_text()}"
        time.sleep(0.05)


def _certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for the host that ``deploy/`` names, signed by itself."""
    certificate, key = folder / "test.crt", folder / "test.key"
    if not certificate.exists():
        named = ["-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}"]
        curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
        subprocess.run(
            ["openssl", "req", "-x509", *curve, "-nodes", "-days", "2", *named, "-keyout", key, "-out", certificate],
            check=True,
            capture_output=True,
        )
    return certificate, key

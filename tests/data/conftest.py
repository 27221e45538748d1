"""Small stand-ins for MNIST's files, and a server on loopback that hands them out, whole or not."""

from __future__ import annotations

import gzip
import hashlib
import struct
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from agrad.data import MNIST

N = 10_000  # the pictures of the test part


def idx(*shape: int, step: int = 1) -> bytes:
    """An IDX file of unsigned bytes that count up by `step`, and start again after 250."""
    size = 1
    for length in shape:
        size *= length
    numbers = bytes(i * step % 251 for i in range(251)) * (size // 251 + 1)
    return struct.pack(f">BBBB{len(shape)}I", 0, 0, 8, len(shape), *shape) + numbers[:size]


IMAGES, LABELS = idx(N, 28, 28, step=3), idx(N)
FILES = {"t10k-images-idx3-ubyte": IMAGES, "t10k-labels-idx1-ubyte": LABELS}
PACKED = {f"{name}.gz": gzip.compress(content, 1, mtime=0) for name, content in FILES.items()}


@pytest.fixture
def stand_ins(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """MNIST takes these contents for its own; by name, unpacked."""
    sha256 = {name: hashlib.sha256(content).hexdigest() for name, content in FILES.items()}
    md5 = {name.removesuffix(".gz"): hashlib.md5(content).hexdigest() for name, content in PACKED.items()}
    monkeypatch.setattr(MNIST, "sha256", MNIST.sha256 | sha256)
    monkeypatch.setattr(MNIST, "md5", MNIST.md5 | md5)
    return FILES


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> Any:
    """No data on this machine: the user's cache is an empty folder, AGRAD_DATA is not set; returns the cache."""
    pooch = pytest.importorskip("pooch")
    cache = tmp_path / "cache"
    monkeypatch.setattr(pooch, "os_cache", lambda project: cache / project)
    monkeypatch.delenv("AGRAD_DATA", raising=False)
    return cache / "agrad"


class Server:
    """What is served under which path: bytes, or bytes cut short of their declared length."""

    def __init__(self) -> None:
        self.bodies: dict[str, bytes] = {}
        self.cut: set[str] = set()
        self.asked: list[str] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.asked.append(self.path)
                body = server.bodies.get(self.path)
                self.send_response(404 if body is None else 200)
                self.send_header("Content-Length", str(len(body or b"")))
                self.end_headers()
                if body is not None:
                    self.wfile.write(body[: len(body) // 2] if self.path in server.cut else body)

            def log_message(self, *args: Any) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.http.server_port}/"

    def close(self) -> None:
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = Server()
    yield server
    server.close()


@pytest.fixture
def mirrors(server: Server, stand_ins: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> Server:
    """MNIST downloads from two folders of the server, a and b, which both hold its files."""
    monkeypatch.setattr(MNIST, "mirrors", (f"{server.url}a/", f"{server.url}b/"))
    server.bodies = {f"/{mirror}/{name}": content for mirror in "ab" for name, content in PACKED.items()}
    return server

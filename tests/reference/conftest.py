"""What tests of the reference share: the real torchvision, where it is installed, and a server on this machine."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from assay.backends import vision
from assay.backends.base import Unsupported


@pytest.fixture(scope="session")
def torchvision() -> Any:
    """The installed torchvision; what needs it is skipped without."""
    pytest.importorskip("torch")
    try:
        return vision.installed()
    except Unsupported as error:
        pytest.skip(str(error))


@dataclass
class Loopback:
    """What a server has, by path, and which paths it was asked for."""

    url: str
    files: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    short: bool = False  # whether it says more than it sends


@pytest.fixture
def loopback() -> Iterator[Loopback]:
    """A server that starts with no files."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.asked.append(self.path)
            content = served.files.get(self.path)
            if content is None:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(content) + served.short))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args: Any) -> None:
            """Keep the output of tests clean."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        served = Loopback(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield served
        finally:
            server.shutdown()
            thread.join()

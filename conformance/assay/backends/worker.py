"""The other end of the wire: `python -m assay.backends.worker BACKEND` serves a Python backend on stdin and stdout."""

from __future__ import annotations

import argparse
import faulthandler
import os
from typing import Any, BinaryIO

from assay.backends import wire
from assay.backends.base import Backend, BackendUnusable
from assay.backends.discover import open_backend


def main() -> None:
    """Serve the backend that the command line names until it gets `bye` or stdin ends."""
    parser = argparse.ArgumentParser(prog="python -m assay.backends.worker", description=main.__doc__)
    parser.add_argument("backend", help="any backend that `assay run --backend` takes")
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    faulthandler.enable()
    requests, replies = private_streams()
    Worker(options.backend, options.device).serve(requests, replies)


def private_streams() -> tuple[BinaryIO, BinaryIO]:
    """Reserve stdin and stdout for the protocol; what a library prints goes to stderr, and its stdin is empty."""
    requests, replies = os.dup(0), os.dup(1)
    empty = os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, 0)
    os.close(empty)
    os.dup2(2, 1)
    return os.fdopen(requests, "rb"), os.fdopen(replies, "wb")


class Worker:
    """Answers requests with one backend, opened at its first use."""

    def __init__(self, text: str, device: str) -> None:
        self.text, self.device = text, device
        self._backend: Backend | None = None

    @property
    def backend(self) -> Backend:
        if self._backend is None:
            self._backend = open_backend(self.text, device=self.device)
        return self._backend

    def serve(self, requests: BinaryIO, replies: BinaryIO) -> None:
        """Answer every request with one reply, until `bye` or the end."""
        while (request := wire.read(requests)) is not None:
            message, blob = request
            sent = bytearray()
            reply = {"id": message["id"], **self.answer(message, blob, sent)}
            replies.write(wire.line(reply, sent))
            replies.flush()
            if message["do"] == "bye":
                return

    def answer(self, message: dict[str, Any], blob: bytes, sent: bytearray) -> dict[str, Any]:
        """Return the content of a reply; large buffers go into `sent`."""
        match message["do"]:
            case "run":
                return self._run(message, blob, sent)
            case "hello":
                return self._hello()
            case "reset":
                self._close()
            case "bye":
                self._close()
            case "ping":
                pass
            case unknown:
                return {"fault": f"unknown request {unknown!r}; the requests are hello, run, ping, reset, bye"}
        return {}

    def _hello(self) -> dict[str, Any]:
        try:
            return {"hello": wire.pack_capabilities(self.backend.capabilities)}
        except BackendUnusable as error:
            return {"unusable": str(error)}

    def _run(self, message: dict[str, Any], blob: bytes, sent: bytearray) -> dict[str, Any]:
        try:
            outcome = self.backend.perform(wire.unpack_case(message["case"], blob))
            return {"outcome": wire.pack_outcome(outcome, sent)}
        except Exception as error:  # an error of the adapter itself: the runner has to know
            sent.clear()
            return {"fault": f"{type(error).__name__}: {error}"}

    def _close(self) -> None:
        if self._backend is not None:
            self._backend.close()
            self._backend = None


if __name__ == "__main__":
    main()

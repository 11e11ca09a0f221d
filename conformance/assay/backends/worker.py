"""The other end of the pipe: `python -m assay.backends.worker BACKEND` serves a Python backend on stdin and stdout."""

from __future__ import annotations

import argparse
import faulthandler
import os
import time
import warnings
from typing import BinaryIO, Final

from assay.backends import tether
from assay.backends.base import Backend, BackendUnusable
from assay.backends.board import Board
from assay.backends.discover import open_backend
from assay.backends.frames import Frames
from assay.backends.lines import Lines
from assay.backends.messages import ASKING, Framing, Reply, Request, WireError
from assay.backends.surroundings import Surroundings

_HELD: Final = 0.02  # seconds that an answer waits for the next ones at most, so that they go back together


def main() -> None:
    """Serve the backend that the command line names until it gets `bye` or stdin ends."""
    parser = argparse.ArgumentParser(prog="python -m assay.backends.worker", description=main.__doc__)
    parser.add_argument("backend", help="any backend that `assay run --backend` takes")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--frames", action="store_true", help="speak the runner's own framing, not lines of JSON")
    parser.add_argument("--parent", type=int, help="the process to die with")
    options = parser.parse_args()
    if options.parent:
        tether.bind(options.parent)
    faulthandler.enable()
    warnings.simplefilter("ignore")  # a warning is no answer, whatever PYTHONWARNINGS says
    requests, replies = private_streams()
    Worker(options.backend, options.device, Frames() if options.frames else Lines()).serve(requests, replies)
    replies.close()
    os._exit(0)  # a thread that the library has left running keeps no process alive


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

    def __init__(self, text: str, device: str, framing: Framing) -> None:
        self.text, self.device, self.framing = text, device, framing
        self._board = Board.of_the_runner()
        self._backend: Backend | None = None
        self._surroundings = Surroundings()

    @property
    def backend(self) -> Backend:
        if self._backend is None:
            self._backend = open_backend(self.text, device=self.device)
            # Looked at anew: what importing a library changes is no trace of a case.
            self._surroundings = Surroundings(self._backend.settings())
        return self._backend

    def serve(self, requests: BinaryIO, replies: BinaryIO) -> None:
        """Answer every request with one reply, until `bye` or the end."""
        while True:
            try:
                together = self.framing.read(requests)
            except WireError as error:
                self._send([Reply(0, fault=str(error))], replies)
                continue
            if not together:
                return
            self._serve(together, replies)
            if together[-1].do == "bye":
                return

    def _serve(self, together: list[Request], replies: BinaryIO) -> None:
        """Answer requests that came together; quick answers go back together too."""
        done: list[Reply] = []
        sent = time.monotonic()
        for request in together:
            self._board.begin(request.id)
            done.append(self.answer(request))
            if time.monotonic() - sent > _HELD:
                self._send(done, replies)
                done, sent = [], time.monotonic()
        if done:
            self._send(done, replies)

    def _send(self, done: list[Reply], replies: BinaryIO) -> None:
        replies.write(self._packed(done))
        replies.flush()

    def answer(self, request: Request) -> Reply:
        """Return the reply to a request; an error of the adapter itself is a fault, which the runner has to know."""
        try:
            return self._answered(request)
        except Exception as error:
            return Reply(request.id, fault=f"{type(error).__name__}: {error}")

    def _answered(self, request: Request) -> Reply:
        match request.do:
            case "run" if request.case is not None:
                return Reply(request.id, outcome=self.backend.perform(request.case))
            case "spell" if request.case is not None:
                return Reply(request.id, text=self.backend.spell(request.case))
            case "changes":
                return Reply(request.id, changed=self._surroundings.changes())
            case "hello":
                return self._hello(request.id)
            case "reset" | "bye":
                self._close()
            case "ping":
                pass
            case unknown:
                return Reply(request.id, fault=f"unknown request {unknown!r}; the requests are {', '.join(ASKING)}")
        return Reply(request.id)

    def _hello(self, number: int) -> Reply:
        try:
            return Reply(number, hello=self.backend.declared())
        except BackendUnusable as error:
            return Reply(number, unusable=str(error))

    def _packed(self, done: list[Reply]) -> bytes:
        try:
            return self.framing.pack(done)
        except Exception as error:  # the adapter returned what cannot be sent
            if len(done) > 1:
                return b"".join([self._packed([each]) for each in done])
            return self.framing.pack([Reply(done[0].id, fault=f"{type(error).__name__}: {error}")])

    def _close(self) -> None:
        if self._backend is not None:
            self._backend.close()
            self._backend = None


if __name__ == "__main__":
    main()

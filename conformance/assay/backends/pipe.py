"""One started command with its pipes: requests go in, replies come out, in order and in time or not at all."""

from __future__ import annotations

import contextlib
import os
import select
import shlex
import shutil
import signal
import subprocess
import threading
import time
import uuid
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from assay.backends.base import BackendUnusable
from assay.backends.board import BOARD, Board
from assay.backends.messages import Framing, Reply, Request, WireError
from assay.cases.case import Case

_TAIL: Final = 8192  # bytes of stderr that are kept
_CHUNK: Final = 1 << 16
_TOGETHER: Final = 32  # requests that are sent together: fewer switches between the processes
_TOKEN: Final = "ASSAY_PROCESS"  # an environment variable by which the children of a process are found


class Ended(Exception):
    """No proper reply: the pipe was closed."""


class Late(Ended):
    """No proper reply in time."""


class Garbled(Ended):
    """No proper reply: it does not follow the protocol."""


class Pipe:
    """One started command; never used again once an exchange has failed."""

    def __init__(self, command: Sequence[str], framing: Framing) -> None:
        if shutil.which(command[0]) is None:
            raise BackendUnusable(f"cannot start {shlex.join(command)}: there is no program {command[0]!r}")
        self.framing, self._board = framing, Board()
        self.asked = self.answered = 0  # numbers of the last request sent and the last one answered
        self._since = time.monotonic()  # when the process could begin with the next answer
        self._token = uuid.uuid4().hex
        self._popen = subprocess.Popen(
            command,
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            env={**os.environ, _TOKEN: self._token, BOARD: str(self._board.descriptor)},
            pass_fds=(self._board.descriptor,),
        )
        assert self._popen.stdin and self._popen.stdout and self._popen.stderr
        self._requests, self._replies = self._popen.stdin, self._popen.stdout
        self._in, self._out = self._requests.fileno(), self._replies.fileno()
        os.set_blocking(self._in, False)
        self._poll = select.poll()
        self._poll.register(self._out, select.POLLIN)
        self._held: list[Request] = []  # to be sent together
        self._received, self._due = bytearray(), deque[Reply]()  # what was read: bytes, and whole replies
        self._said = bytearray()
        self._listener = threading.Thread(target=self._listen, args=(self._popen.stderr,), daemon=True)
        self._listener.start()

    @property
    def pid(self) -> int:
        return self._popen.pid

    def send(self, do: str, limit: float, case: Case | None = None) -> None:
        """Send a request, at once or with the next ones; raise Ended where the process does not take it."""
        if self.asked == self.answered:
            self._since = time.monotonic()
        self.asked += 1
        self._held.append(Request(self.asked, do, case))
        if len(self._held) >= _TOGETHER:
            self._flush(limit)

    def _flush(self, limit: float) -> None:
        """Write what is to be sent."""
        if not self._held:
            return
        rest, self._held = memoryview(self.framing.pack(self._held)), []
        while rest:
            try:
                rest = rest[os.write(self._in, rest) :]
            except BlockingIOError:
                self._wait_to_send(limit)
            except BrokenPipeError:
                raise Ended from None

    def receive(self, limit: float) -> Reply:
        """Read the reply to the first request that has none; raise Ended if none comes within a limit of seconds."""
        while not (self._due or self._arrived()):
            self._flush(limit)
            self._wait(limit)
        reply = self._due.popleft()
        self.answered += 1
        self._since = time.monotonic()
        if reply.id != self.answered:
            raise Garbled(f"a reply to request {reply.id} came where one to {self.answered} was due")
        if self.answered == self.asked and (self._received or self._due):
            raise Garbled(f"request {self.answered} was answered more than once: {bytes(self._received[:80])!r}")
        return reply

    @property
    def since(self) -> float:
        """When the process began to work on what it is at work on."""
        return max(self._since, self._board.read()[1])

    @property
    def at_work_on(self) -> int:
        """The number of the request that the process is at work on, or was when it died."""
        begun, _ = self._board.read()
        return begun if self.answered < begun <= self.asked else self.answered + 1

    def _arrived(self) -> bool:
        """Take whole replies out of what was received; return whether there are any."""
        try:
            self._due += self.framing.take(self._received)
        except WireError as error:
            raise Garbled(str(error)) from error
        return bool(self._due)

    def _wait_to_send(self, limit: float) -> None:
        """Wait until the process takes more, and read meanwhile, so that the two sides cannot deadlock."""
        self._poll.register(self._in, select.POLLOUT)
        try:
            self._wait(limit)
        finally:
            self._poll.unregister(self._in)

    def _wait(self, limit: float) -> None:
        """Wait until a pipe is ready, and read what has arrived."""
        while not (ready := self._poll.poll(max(self.since + limit - time.monotonic(), 0) * 1000)):
            if time.monotonic() >= self.since + limit:
                raise Late
        if any(descriptor == self._out for descriptor, _ in ready):
            data = os.read(self._out, _CHUNK)
            if not data:
                raise Ended
            self._received += data

    def _listen(self, stderr: Any) -> None:
        """Read stderr; keep the end of it."""
        with stderr:
            while data := os.read(stderr.fileno(), _CHUNK):
                self._said += data
                del self._said[:-_TAIL]

    @property
    def tail(self) -> str:
        """The end of what the process wrote to stderr."""
        return self._said.decode("utf-8", "replace").strip()

    def status(self) -> int:
        """Return the exit status of a process that has closed its pipes."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._popen.wait(1)
        self._kill_all()
        return self._popen.wait()

    def finish(self) -> None:
        """Let the process end by itself, and kill it where it does not."""
        with contextlib.suppress(Ended, OSError):
            self.send("bye", 2)
            self._flush(2)
            self._requests.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._popen.wait(2)
        self.kill()

    def kill(self) -> None:
        """Kill the process and its children, and close the pipes."""
        self._kill_all()
        self._popen.wait()
        self._listener.join(1)
        self._requests.close()
        self._replies.close()
        self._board.close()

    def _kill_all(self) -> None:
        """Kill the process, its group, and the children that have left its group."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._popen.pid, signal.SIGKILL)
        for child in _marked(f"{_TOKEN}={self._token}".encode()):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(child, signal.SIGKILL)


def _marked(mark: bytes) -> list[int]:
    """Return the processes whose environment holds a mark; none where there is no /proc."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark in (folder / "environ").read_bytes():
                found.append(int(folder.name))
    return found

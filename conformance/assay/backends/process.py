"""A backend in a process of its own: it may crash, hang or break the protocol, and costs one case each time."""

from __future__ import annotations

import contextlib
import os
import select
import shlex
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final, NoReturn

from assay.backends import wire
from assay.backends.base import (
    Backend,
    BackendUnusable,
    Capabilities,
    Died,
    Malformed,
    ProcessError,
    Stopped,
    TimedOut,
)
from assay.cases.case import Case
from assay.cases.outcome import Outcome
from assay.settings import Settings

START_LIMIT: Final = 120.0  # seconds to start and to import a large library
LONGEST_LINE: Final = 1 << 28
CRASHES_OF_AN_OP: Final = 3
RESTARTS_WITHOUT_AN_ANSWER: Final = 20
_TAIL: Final = 8192
_CHUNK: Final = 1 << 16


class ProcessBackend(Backend):
    """Answers cases through a command that speaks the wire protocol."""

    def __init__(self, command: str | Sequence[str], *, time_limit: float = Settings.time_limit) -> None:
        self.command = shlex.split(command) if isinstance(command, str) else list(command)
        self.time_limit = time_limit
        self._process: _Process | None = None
        self._crashes: Counter[str] = Counter()
        self._restarts = 0  # since the last answer
        try:
            self.capabilities = self._hello()
        except BackendUnusable:
            self.restart()
            raise

    def perform(self, case: Case) -> Outcome:
        """Run a case in the process; raise Died, TimedOut, Malformed or Stopped if no answer comes."""
        if self._crashes[case.op] >= CRASHES_OF_AN_OP:
            raise Stopped(f"{case.op} is not run again: it cost {CRASHES_OF_AN_OP} processes")
        if self._restarts >= RESTARTS_WITHOUT_AN_ANSWER:
            raise Stopped(f"stopped: {RESTARTS_WITHOUT_AN_ANSWER} processes in a row did not answer")
        blob = bytearray()
        packed = wire.pack_case(case, blob)
        try:
            outcome = self._outcome(*self._request("run", self.time_limit, blob, case=packed))
        except ProcessError:
            self._crashes[case.op] += 1
            self._restarts += 1
            raise
        self._restarts = 0
        return outcome

    def ping(self) -> None:
        """Ping the process; raise ProcessError if no reply comes."""
        self._request("ping", self.time_limit)

    def reset(self) -> None:
        """Reset the backend, so that no state of earlier cases remains."""
        self._request("reset", START_LIMIT)

    def restart(self) -> None:
        """Restart the process, so that the next case runs in a fresh one."""
        if self._process is not None:
            self._process.kill()
            self._process = None

    def close(self) -> None:
        if self._process is not None:
            self._process.finish()
            self._process = None

    def _hello(self) -> Capabilities:
        try:
            reply = self._start()
            if "unusable" in reply:
                raise BackendUnusable(reply["unusable"])
            return wire.unpack_capabilities(reply.get("hello"))
        except (ProcessError, wire.WireError) as error:
            said = error.stderr_tail if isinstance(error, ProcessError) else ""
            stderr = f"; it said:\n{said}" if said else ""
            raise BackendUnusable(f"{shlex.join(self.command)}: no hello: {error}{stderr}") from error

    def _start(self) -> dict[str, Any]:
        """Start a process and exchange hello with it, so that no case pays for importing a library."""
        self._process = _Process(self.command)
        return self._exchange(self._process, "hello", START_LIMIT, b"", {})[0]

    def _request(
        self, do: str, limit: float, blob: bytes | bytearray = b"", **content: Any
    ) -> tuple[dict[str, Any], bytes]:
        """Send one request to the process, which is started if there is none; return its reply."""
        if self._process is None:
            self._start()
        assert self._process is not None
        return self._exchange(self._process, do, limit, blob, content)

    def _exchange(
        self, process: _Process, do: str, limit: float, blob: bytes | bytearray, content: dict[str, Any]
    ) -> tuple[dict[str, Any], bytes]:
        try:
            return process.exchange(do, content, blob, time.monotonic() + limit)
        except _Ended as ended:
            self._process = None
            self._give_up(process, ended, limit)
        except BaseException:
            self.restart()  # an interrupt leaves an unread reply
            raise

    def _give_up(self, process: _Process, ended: _Ended, limit: float) -> NoReturn:
        """Kill a process that did not answer properly; return the error that says why."""
        if isinstance(ended, _Late):
            process.kill()
            raise TimedOut(f"no answer within {limit:g} s", signal="SIGKILL", stderr_tail=process.tail) from None
        if isinstance(ended, _Garbled):
            process.kill()
            raise Malformed(str(ended), stderr_tail=process.tail) from None
        status = process.status()
        process.kill()
        name = signal.Signals(-status).name if status < 0 else None
        how = f"was killed by {name}" if name else f"exited with status {status}"
        raise Died(f"the process {how}", signal=name, stderr_tail=process.tail) from None

    def _outcome(self, reply: dict[str, Any], blob: bytes) -> Outcome:
        try:
            if "outcome" in reply:
                return wire.unpack_outcome(reply["outcome"], blob)
            if "error" in reply:
                return wire.unpack_error(reply["error"])
            message = reply.get("fault", "the reply holds neither an outcome nor an error")
        except wire.WireError as error:
            message = str(error)
        assert self._process is not None
        process = self._process
        self.restart()
        raise Malformed(message, stderr_tail=process.tail)


class _Ended(Exception):
    """No proper reply: the pipe was closed."""


class _Late(_Ended):
    """No proper reply in time."""


class _Garbled(_Ended):
    """No proper reply: it does not follow the protocol."""


class _Process:
    """One started command, with its pipes; never used again once an exchange has failed."""

    def __init__(self, command: Sequence[str]) -> None:
        try:
            self._popen = subprocess.Popen(
                command,
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            raise BackendUnusable(f"cannot start {shlex.join(command)}: {error}") from error
        assert self._popen.stdin and self._popen.stdout and self._popen.stderr
        self._requests, self._replies = self._popen.stdin, self._popen.stdout
        self._in, self._out = self._requests.fileno(), self._replies.fileno()
        os.set_blocking(self._in, False)
        self._poll = select.poll()
        self._poll.register(self._out, select.POLLIN)
        self._received = bytearray()
        self._sent = 0
        self._said = bytearray()
        self._listener = threading.Thread(target=self._listen, args=(self._popen.stderr,), daemon=True)
        self._listener.start()

    def exchange(
        self, do: str, content: dict[str, Any], blob: bytes | bytearray, deadline: float
    ) -> tuple[dict[str, Any], bytes]:
        """Send a request and read its reply; raise _Ended where none comes."""
        self._sent += 1
        self._send(wire.line({"id": self._sent, "do": do, **content}, blob), deadline)
        reply, rest = self._reply(deadline)
        if reply.get("id") != self._sent:
            raise _Garbled(f"a reply to request {reply.get('id')!r} came where one to {self._sent} was due")
        if self._received:
            raise _Garbled(f"request {self._sent} was answered more than once: {bytes(self._received[:80])!r}")
        return reply, rest

    def _send(self, data: bytes, deadline: float) -> None:
        """Write a request and read meanwhile, so that the two sides cannot deadlock."""
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[os.write(self._in, rest) :]
            except BlockingIOError:
                self._wait_to_send(deadline)
            except BrokenPipeError:
                raise _Ended from None

    def _wait_to_send(self, deadline: float) -> None:
        self._poll.register(self._in, select.POLLOUT)
        try:
            self._wait(deadline)
        finally:
            self._poll.unregister(self._in)

    def _reply(self, deadline: float) -> tuple[dict[str, Any], bytes]:
        while (end := self._received.find(b"\n")) < 0:
            if len(self._received) > LONGEST_LINE:
                raise _Garbled(f"a line of more than {LONGEST_LINE} bytes")
            self._wait(deadline)
        try:
            reply = wire.parse(bytes(self._received[:end]))
        except wire.WireError as error:
            raise _Garbled(str(error)) from error
        del self._received[: end + 1]
        return reply, self._blob(reply.get("blob", 0), deadline)

    def _blob(self, length: Any, deadline: float) -> bytes:
        if not isinstance(length, int) or length < 0:
            raise _Garbled(f"a blob of {length!r} bytes")
        while len(self._received) < length:
            self._wait(deadline)
        blob = bytes(self._received[:length])
        del self._received[:length]
        return blob

    def _wait(self, deadline: float) -> None:
        """Wait until a pipe is ready, and read what has arrived."""
        left = deadline - time.monotonic()
        ready = self._poll.poll(max(left, 0) * 1000)
        if not ready:
            raise _Late
        if any(descriptor == self._out for descriptor, _ in ready):
            data = os.read(self._out, _CHUNK)
            if not data:
                raise _Ended
            self._received += data

    def _listen(self, stderr: Any) -> None:
        """Read stderr; keep the end of it."""
        with stderr:
            while data := os.read(stderr.fileno(), _CHUNK):
                self._said += data
                del self._said[:-_TAIL]

    @property
    def tail(self) -> str:
        """Return the end of what the process wrote to stderr."""
        return self._said.decode("utf-8", "replace").strip()

    def status(self) -> int:
        """Return the exit status of a process that has closed its pipes."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._popen.wait(1)
        self._kill_group()
        return self._popen.wait()

    def finish(self) -> None:
        """Let the process end by itself, and kill it where it does not."""
        with contextlib.suppress(_Ended, OSError):
            self.exchange("bye", {}, b"", time.monotonic() + 2)
            self._requests.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._popen.wait(2)
        self.kill()

    def kill(self) -> None:
        """Kill the process and its children, and close the pipes."""
        self._kill_group()
        self._popen.wait()
        self._listener.join(1)
        self._requests.close()
        self._replies.close()

    def _kill_group(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._popen.pid, signal.SIGKILL)

"""A backend in a process of its own: it may crash, hang or break the protocol, and costs one case each time."""

from __future__ import annotations

import os
import shlex
import signal
import sys
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any, Final, TypeVar

from assay.backends import tether
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
from assay.backends.frames import Frames
from assay.backends.lines import Lines
from assay.backends.messages import Framing, Reply, WireError
from assay.backends.pipe import Ended, Garbled, Late, Pipe
from assay.cases.case import Case
from assay.cases.outcome import Outcome
from assay.settings import Settings

T = TypeVar("T")

START_LIMIT: Final = 120.0  # seconds to start and to import a large library
CRASHES_OF_AN_OP: Final = 3  # of cases whose answer is asked for
DEATHS_OF_AN_OP: Final = 9  # of any: smaller cases are sent ahead, of which most answers are never asked for
RESTARTS_WITHOUT_AN_ANSWER: Final = 20


@dataclass(eq=False)
class _Asked:
    """A case that was sent to the process, and what came back."""

    case: Case
    answer: Reply | ProcessError | None = None
    dropped: bool = False  # nobody waits for the answer any more


def _all_or_nothing(exchange: Callable[..., T]) -> Callable[..., T]:
    """End the process where an exchange with it is interrupted, which leaves unread replies."""

    @wraps(exchange)
    def whole(self: ProcessBackend, *args: Any) -> T:
        try:
            return exchange(self, *args)
        except ProcessError:
            raise
        except BaseException:
            self.restart()
            self._forget()
            raise

    return whole


class ProcessBackend(Backend):
    """Answers cases through a process. Cases that are sent ahead are computed while the runner judges others.

    A case whose process dies is asked again alone, in a fresh one: a death that does not happen again is an incident
    and no answer.
    """

    def __init__(
        self,
        command: Sequence[str],
        framing: Framing,
        *,
        called: str | None = None,  # by whoever named the backend
        time_limit: float = Settings.time_limit,
    ) -> None:
        self.command, self.framing, self.time_limit = list(command), framing, time_limit
        self.called = shlex.join(command) if called is None else called
        self._pipe: Pipe | None = None
        self._asked: dict[int, _Asked] = {}  # by the identity of the case
        self._waiting: deque[_Asked] = deque()  # those without an answer, in the order they were sent
        self._incidents: list[ProcessError] = []
        self._crashes: Counter[str] = Counter()
        self._deaths: Counter[str] = Counter()  # those too that nobody asks for any more
        self._restarts = 0  # since the last answer
        try:
            self.capabilities = self._hello()
        except BackendUnusable:
            self.restart()
            raise

    @classmethod
    def harness(cls, command: str, *, time_limit: float = Settings.time_limit) -> ProcessBackend:
        """Start a command that speaks the wire protocol."""
        words = shlex.split(command)
        if not words:
            raise BackendUnusable("exec: needs a command, as in 'exec:./my_harness --quiet'")
        return cls(tether.to_this_process(words), Lines(), called=f"exec:{command}", time_limit=time_limit)

    def prepare(self, case: Case) -> None:
        """Send a case ahead, so that the process works on it while others are judged."""
        if self._why_stopped(case) is None:
            self._send(case)

    def perform(self, case: Case) -> Outcome:
        """Run a case in the process; raise Died, TimedOut, Malformed or Stopped if no answer comes."""
        asked = self._asked.get(id(case))
        if asked is None:
            why = self._why_stopped(case)
            if why is not None:
                raise Stopped(why)
            asked = self._send(case)
        while asked.answer is None:
            self._collect()
        del self._asked[id(case)]
        answer = asked.answer
        if isinstance(answer, ProcessError):
            self._crashes[case.op] += not isinstance(answer, Stopped)
            raise answer
        if answer.outcome is None:
            tail = self._pipe.tail if self._pipe else ""
            raise Malformed(answer.fault or "the reply holds neither an outcome nor an error", stderr_tail=tail)
        return answer.outcome

    def drop(self) -> None:
        """Forget the cases that were sent ahead and never asked for."""
        for asked in self._asked.values():
            asked.dropped = True
        self._asked.clear()

    def incidents(self) -> list[ProcessError]:
        """Return the deaths since the last call that did not happen again."""
        found, self._incidents = self._incidents, []
        return found

    def ping(self) -> None:
        """Ping the process; raise ProcessError if no reply comes."""
        self._request("ping", self.time_limit)

    def reset(self) -> None:
        """Reset the backend, so that no state of earlier cases remains."""
        self._request("reset", START_LIMIT)

    def restart(self) -> None:
        """End the process, so that what is asked next, or was asked and has no answer, goes to a fresh one."""
        if self._pipe is not None:
            self._pipe.kill()
            self._pipe = None

    def close(self) -> None:
        if self._pipe is not None:
            self._pipe.finish()
            self._pipe = None
        self._forget()

    def _forget(self) -> None:
        self._asked.clear()
        self._waiting.clear()

    def _hello(self) -> Capabilities:
        try:
            reply = self._started()
            if reply.unusable:
                raise BackendUnusable(reply.unusable)
            if reply.hello is None:
                raise WireError(reply.fault or "the reply holds no hello")
            return reply.hello
        except (ProcessError, WireError) as error:
            said = error.stderr_tail if isinstance(error, ProcessError) else ""
            stderr = f"; it said:\n{said}" if said else ""
            raise BackendUnusable(f"{self.called}: no hello: {error}{stderr}") from error

    def _why_stopped(self, case: Case) -> str | None:
        """Return why a case is not sent any more; None if it is."""
        if self._crashes[case.op] >= CRASHES_OF_AN_OP or self._deaths[case.op] >= DEATHS_OF_AN_OP:
            return f"{case.op} is not run again: it cost {max(self._crashes[case.op], self._deaths[case.op])} processes"
        if self._restarts >= RESTARTS_WITHOUT_AN_ANSWER:
            return f"stopped: {RESTARTS_WITHOUT_AN_ANSWER} processes in a row did not answer"
        return None

    def _started(self) -> Reply:
        """Start a process and exchange hello with it, so that no case pays for importing a library."""
        self._pipe = Pipe(self.command, self.framing)
        return self._exchanged("hello", START_LIMIT)

    def _send(self, case: Case) -> _Asked:
        asked = self._asked[id(case)] = _Asked(case)
        self._waiting.append(asked)
        if self._pipe is None:
            self._resume()
        else:
            self._pass_on(asked)
        return asked

    def _resume(self) -> None:
        """Send what has no answer yet to a process, which is started if there is none; but not what is stopped."""
        waiting, self._waiting = self._waiting, deque()
        for asked in waiting:
            why = self._why_stopped(asked.case)
            if why is not None:
                asked.answer = Stopped(why)
            elif not asked.dropped:
                self._waiting.append(asked)
        if self._waiting and self._pipe is None:
            self._started()
        for asked in list(self._waiting):
            if not self._pass_on(asked):
                return

    @_all_or_nothing
    def _pass_on(self, asked: _Asked) -> bool:
        """Send a case to the process; return False if that found the process dead, and a fresh one was sent it."""
        assert self._pipe is not None
        try:
            self._pipe.send("run", self.time_limit, asked.case)
        except Ended as ended:
            self._lost(ended)
            return False
        return True

    @_all_or_nothing
    def _collect(self) -> None:
        """Read the next answer, of whichever case is due."""
        if self._pipe is None:
            self._resume()
            return
        try:
            reply = self._pipe.receive(self.time_limit)
        except Ended as ended:
            self._lost(ended)
        else:
            self._waiting.popleft().answer = reply
            self._restarts = 0

    def _lost(self, ended: Ended) -> None:
        """Ask the case that a process did not answer again, alone in a fresh one; then go on with the others."""
        assert self._pipe is not None
        ahead = min(self._pipe.at_work_on - self._pipe.answered, len(self._waiting)) - 1
        first = self._reason(ended)
        asked = self._waiting[ahead]  # those before it were answered, and their answers are lost
        del self._waiting[ahead]
        if not asked.dropped:
            try:
                self._started()
                asked.answer = self._exchanged("run", self.time_limit, asked.case)
                self._incidents.append(first)
                self._restarts = 0
            except ProcessError as error:
                asked.answer = error
                self._deaths[asked.case.op] += 1
                self._restarts += 1
        if self._waiting:
            self._resume()

    def _request(self, do: str, limit: float, case: Case | None = None) -> Reply:
        """Return the reply to a request that is not about running a case; what was asked before is answered first."""
        while self._waiting:
            self._collect()
        if self._pipe is None:
            self._started()
        return self._exchanged(do, limit, case)

    @_all_or_nothing
    def _exchanged(self, do: str, limit: float, case: Case | None = None) -> Reply:
        """Send the process its only request and return the reply; raise ProcessError if none comes."""
        assert self._pipe is not None
        try:
            self._pipe.send(do, limit, case)
            return self._pipe.receive(limit)
        except Ended as ended:
            raise self._reason(ended, limit) from None

    def _reason(self, ended: Ended, limit: float | None = None) -> ProcessError:
        """End a process that did not answer properly; return the error that says why."""
        assert self._pipe is not None
        pipe, self._pipe = self._pipe, None
        status = None if isinstance(ended, (Late, Garbled)) else pipe.status()
        pipe.kill()
        if isinstance(ended, Late):
            return TimedOut(f"no answer within {limit or self.time_limit:g} s", signal="SIGKILL", stderr_tail=pipe.tail)
        if status is None:
            return Malformed(str(ended), stderr_tail=pipe.tail)
        name = signal.Signals(-status).name if status < 0 else None
        how = f"was killed by {name}" if name else f"exited with status {status}"
        return Died(f"the process {how}", signal=name, stderr_tail=pipe.tail)


class WorkerBackend(ProcessBackend):
    """A Python backend in a worker of our own, which says more about itself."""

    program: tuple[str, ...] = ("assay.backends.worker",)  # the module to run, and its own arguments

    def __init__(self, text: str, *, device: str = Settings.device, time_limit: float = Settings.time_limit) -> None:
        command = [sys.executable, "-m", *self.program, text, "--device", device, "--frames"]
        command += ["--parent", str(os.getpid())]
        super().__init__(command, Frames(), called=text, time_limit=time_limit)

    def refresh(self) -> tuple[str, ...]:
        """End the process if earlier cases have left traces in it; return what they changed."""
        try:
            changed = self._request("changes", self.time_limit).changed
        except ProcessError:
            changed = ("the process itself",)
        if changed:
            self.restart()
            for asked in self._asked.values():
                asked.answer = None  # it may come from what was changed
            self._waiting = deque(self._asked.values())
        return changed

    def spell(self, case: Case) -> str:
        try:
            return self._request("spell", self.time_limit, case).text
        except ProcessError:
            return super().spell(case)

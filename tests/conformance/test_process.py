"""Backends in processes of their own: each mishap costs one case, and the next one is answered."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assay.backends import process
from assay.backends.base import BackendUnusable, Died, Malformed, ProcessError, Stopped, TimedOut
from assay.backends.discover import open_candidate
from assay.backends.lines import Lines
from assay.backends.pipe import Pipe
from assay.backends.process import ProcessBackend
from assay.cases.case import Case, TensorValue, called
from assay.cases.outcome import Outcome
from assay.settings import Settings

CANDIDATES = Path(__file__).with_name("candidates.py")


def call(op: str, array: Any = (1.0, 2.0)) -> Case:
    value = TensorValue.of(np.array(array, np.float32))
    return called(op, {"input": value, "other": 1.0}, ("input", "other"))


def isolated(name: str, time_limit: float = 20.0) -> Any:
    return open_candidate(Settings(f"{CANDIDATES}:{name}", time_limit=time_limit))


def harness(name: str) -> Any:
    return open_candidate(Settings(f"exec:{shlex.join([sys.executable, str(CANDIDATES), name])}", time_limit=20))


def numbers(outcome: Outcome) -> Any:
    return outcome.results[0].array.tolist()


@pytest.fixture(autouse=True)
def nothing_left_behind() -> Iterator[None]:
    descriptors, threads = len(os.listdir("/proc/self/fd")), threading.active_count()
    yield
    assert len(os.listdir("/proc/self/fd")) == descriptors
    assert threading.active_count() == threads


@pytest.mark.parametrize(
    ("name", "error", "message", "killed_by"),
    [
        ("Exits", Died, "the process exited with status 3", None),
        ("Segfaults", Died, "the process was killed by SIGSEGV", "SIGSEGV"),
        ("Hangs", TimedOut, "no answer within 1 s", "SIGKILL"),
        ("RaisesInTheAdapter", Malformed, "KeyError: 'a mistake of the adapter'", None),
    ],
)
def test_a_mishap_costs_one_case(name: str, error: type[ProcessError], message: str, killed_by: str | None) -> None:
    with closing(isolated(name, time_limit=1.0 if name == "Hangs" else 20.0)) as backend:
        with pytest.raises(error) as caught:
            backend.perform(call("torch.add"))
        after = backend.perform(call("torch.sub"))

    assert (caught.value.message, caught.value.signal) == (message, killed_by)
    assert numbers(after) == [0, 1]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("answers_bad_json", """not JSON: '{"id": 1, "outcome": {"results": [oops]}}'"""),
        ("answers_with_an_unknown_tag", "unknown tag 'number'; the tags are int, float, complex, dtype"),
        ("answers_twice", "request 2 was answered more than once"),
        ("answers_another_request", "a reply to request 1 came where one to 2 was due"),
        ("answers_with_neither", "the reply holds neither an outcome nor an error"),
    ],
)
def test_a_malformed_reply_costs_one_case(name: str, message: str) -> None:
    with closing(harness(name)) as backend:
        before = backend.perform(call("torch.sub"))
        with pytest.raises(Malformed) as caught:
            backend.perform(call("torch.add"))
        after = backend.perform(call("torch.sub"))

    assert caught.value.message.startswith(message)
    assert numbers(before) == numbers(after) == [1, 2]


def test_a_process_that_dies_within_a_blob_has_died() -> None:
    with closing(harness("announces_a_blob_and_dies")) as backend, pytest.raises(Died) as caught:
        backend.perform(call("torch.add"))

    assert caught.value.message == "the process exited with status 0"


def test_an_error_reply_is_what_the_library_raised() -> None:
    with closing(harness("says_index_error")) as backend:
        outcome = backend.perform(call("torch.add"))

    assert str(outcome.raised) == "IndexError: out of range"


def test_what_a_library_prints_does_not_reach_the_protocol() -> None:
    with closing(isolated("PrintsToStdout")) as backend:
        assert numbers(backend.perform(call("torch.add"))) == [2, 3]


def test_what_a_process_said_last_is_kept() -> None:
    with closing(isolated("Hangs", time_limit=1.0)) as backend, pytest.raises(TimedOut) as caught:
        backend.perform(call("torch.add"))

    assert caught.value.stderr_tail == "about to hang"


def test_a_segfault_says_where_it_was() -> None:
    with closing(isolated("Segfaults")) as backend, pytest.raises(Died) as caught:
        backend.perform(call("torch.add"))

    assert "Fatal Python error: Segmentation fault" in caught.value.stderr_tail
    assert "in misbehave" in caught.value.stderr_tail


def test_the_process_group_is_killed() -> None:
    with closing(isolated("Hangs", time_limit=0.3)) as backend:
        group = backend._pipe.pid
        with pytest.raises(TimedOut):
            backend.perform(call("torch.add"))

    deadline = time.monotonic() + 5
    while _alive(group) and time.monotonic() < deadline:
        time.sleep(0.01)  # an orphan is reaped by another process, a moment later
    assert not _alive(group)


def _alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def test_three_crashes_stop_an_op_and_no_other() -> None:
    with closing(isolated("Exits")) as backend:
        for _ in range(3):
            with pytest.raises(Died):
                backend.perform(call("torch.add"))
        with pytest.raises(Stopped, match=r"^torch.add is not run again: it cost 3 processes$"):
            backend.perform(call("torch.add"))
        after = backend.perform(call("torch.sub"))

    assert numbers(after) == [0, 1]


def test_restarts_without_an_answer_stop_the_backend(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "RESTARTS_WITHOUT_AN_ANSWER", 2)

    with closing(isolated("Exits")) as backend:
        for _ in range(2):
            with pytest.raises(Died):
                backend.perform(call("torch.add"))
        with pytest.raises(Stopped, match=r"^stopped: 2 processes in a row did not answer$"):
            backend.perform(call("torch.sub"))


def test_an_answer_makes_the_restarts_count_from_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "RESTARTS_WITHOUT_AN_ANSWER", 2)

    with closing(isolated("Exits")) as backend:
        for _ in range(2):
            with pytest.raises(Died):
                backend.perform(call("torch.add"))
            assert numbers(backend.perform(call("torch.sub"))) == [0, 1]


def test_large_tensors_go_there_and_back() -> None:
    with closing(isolated("PrintsToStdout")) as backend:
        outcome = backend.perform(call("torch.sub", np.arange(300_000)))

    assert outcome.results[0].array[-1] == 299_998


def test_a_process_that_was_killed_from_outside_is_replaced_and_asked_again() -> None:
    with closing(isolated("PrintsToStdout")) as backend:
        os.kill(backend._pipe.pid, signal.SIGKILL)
        after = backend.perform(call("torch.sub"))
        incidents = backend.incidents()

    assert numbers(after) == [0, 1]
    assert [each.message for each in incidents] == ["the process was killed by SIGKILL"]


def test_cases_sent_ahead_are_answered_in_any_order() -> None:
    cases = [call("torch.sub", (value,)) for value in range(40)]
    with closing(isolated("PrintsToStdout")) as backend:
        for case in cases:
            backend.prepare(case)
        seen = [numbers(backend.perform(case)) for case in reversed(cases)]

    assert seen == [[value - 1] for value in reversed(range(40))]


def test_a_death_costs_its_case_and_none_of_those_sent_ahead() -> None:
    cases = [call("torch.sub"), call("torch.add"), call("torch.sub"), call("torch.sub")]
    with closing(isolated("Exits")) as backend:
        for case in cases:
            backend.prepare(case)
        before = backend.perform(cases[0])
        with pytest.raises(Died):
            backend.perform(cases[1])
        after = [backend.perform(case) for case in cases[2:]]

    assert [numbers(each) for each in (before, *after)] == [[0, 1]] * 3
    assert backend.incidents() == []


@pytest.mark.parametrize(("name", "error"), [("Exits", Died), ("Hangs", TimedOut)])
def test_the_case_that_a_process_was_at_work_on_is_the_one_that_cost_it(name: str, error: type[ProcessError]) -> None:
    cases = [call("torch.sub", (value,)) for value in range(12)]
    cases[7] = call("torch.add")
    with closing(isolated(name, time_limit=1.0)) as backend:
        for case in cases:
            backend.prepare(case)
        with pytest.raises(error):
            backend.perform(cases.pop(7))
        seen = [numbers(backend.perform(case)) for case in cases]

    assert seen == [[value - 1] for value in range(12) if value != 7]
    assert backend.incidents() == []


def test_cases_that_are_dropped_are_not_answered() -> None:
    first, second = call("torch.sub"), call("torch.sub", (5,))
    with closing(isolated("PrintsToStdout")) as backend:
        backend.prepare(first)
        backend.drop()

        assert numbers(backend.perform(second)) == [4]
        assert not backend._waiting


def test_a_death_that_does_not_happen_again_is_an_incident(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSAY_TEST_FLAG", str(tmp_path / "died"))
    with closing(isolated("DiesOnce")) as backend:
        answer = backend.perform(call("torch.add"))
        incidents = backend.incidents()

    assert numbers(answer) == [2, 3]
    assert [each.message for each in incidents] == ["the process exited with status 4"]


def test_a_child_that_leaves_the_process_group_is_killed_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSAY_TEST_FLAG", str(tmp_path / "child"))
    with closing(isolated("LeavesAChild")) as backend:
        backend.perform(call("torch.add"))
        child = int((tmp_path / "child").read_text())
        assert Path(f"/proc/{child}").exists()

    assert _ends(child)


@pytest.mark.parametrize("hangs", ["Hangs", "hangs_and_answers_nothing"])
def test_a_process_dies_with_its_runner(tmp_path: Path, hangs: str) -> None:
    backend = f"{CANDIDATES}:Hangs" if hangs == "Hangs" else f"exec:{sys.executable} {CANDIDATES} {hangs}"
    runner = subprocess.Popen([sys.executable, "-c", RUNNER, backend], stdout=subprocess.PIPE, text=True)
    assert runner.stdout is not None
    worker = int(runner.stdout.readline())
    runner.kill()
    runner.wait()
    runner.stdout.close()

    assert _ends(worker)


RUNNER = """
import sys, numpy as np
from assay.backends.discover import open_candidate
from assay.cases.case import TensorValue, called
from assay.settings import Settings
backend = open_candidate(Settings(sys.argv[1]))
print(backend._pipe.pid, flush=True)
backend.perform(called("torch.add", {"input": TensorValue.of(np.zeros(1, np.float32))}, ("input",)))
"""


def _ends(process: int) -> bool:
    """Return whether a process ends soon; one that nobody has reaped yet has ended."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            if Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.01)
    return False


@pytest.mark.parametrize("name", ["ChangesDirectory", "ChangesTheLocale", "ChangesRecursionLimit", "PatchesNumPy"])
def test_what_a_case_leaves_changed_is_seen_and_undone(name: str) -> None:
    with closing(isolated(name)) as backend:
        clean = backend.refresh()
        with suppress(ProcessError):
            backend.perform(call("torch.add"))
        changed = backend.refresh()
        after = backend.perform(call("torch.sub"))

    assert clean == ()
    assert changed
    assert numbers(after) == [0, 1]


def test_a_reset_and_a_restart_leave_a_backend_that_answers() -> None:
    with closing(isolated("PrintsToStdout")) as backend:
        backend.reset()
        backend.perform(call("torch.sub"))
        backend.restart()

        assert numbers(backend.perform(call("torch.sub"))) == [0, 1]


def test_an_interrupt_leaves_no_reply_for_the_next_case(monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(isolated("PrintsToStdout")) as backend:
        with monkeypatch.context() as interrupted:
            interrupted.setattr(Pipe, "_arrived", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
            with pytest.raises(KeyboardInterrupt):
                backend.perform(call("torch.sub"))

        assert numbers(backend.perform(call("torch.sub"))) == [0, 1]


def test_a_command_that_cannot_be_started_is_unusable() -> None:
    with pytest.raises(
        BackendUnusable, match=r"^cannot start /no/such/command: there is no program '/no/such/command'$"
    ):
        ProcessBackend(["/no/such/command"], Lines())


def test_a_command_that_does_not_greet_is_unusable_and_says_why() -> None:
    with pytest.raises(BackendUnusable) as caught:
        ProcessBackend([sys.executable, "-c", "import sys; sys.exit('no licence found')"], Lines())

    assert str(caught.value).endswith("no hello: the process exited with status 1; it said:\nno licence found")


def test_a_harness_is_called_as_it_was_typed() -> None:
    with pytest.raises(BackendUnusable, match=r"^exec:/no/such/harness --quiet: no hello: "):
        ProcessBackend.harness("/no/such/harness --quiet")


def test_a_backend_that_the_worker_cannot_open_is_unusable() -> None:
    with pytest.raises(BackendUnusable, match=r"^cannot import 'nonesuch': No module named 'nonesuch'; install"):
        open_candidate(Settings("namespace:nonesuch"))

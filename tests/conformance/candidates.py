"""Miniature backends that misbehave on purpose, each for one op, and are correct otherwise.

Every class is a backend by `FILE.py:NAME`; the functions after them speak the wire protocol, for `exec:`.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from assay.backends.base import Backend, Feature, Unsupported
from assay.backends.discover import open_backend
from assay.backends.numpy import NumpyBackend
from assay.cases.arrays import host_dtype
from assay.cases.case import Case, TensorValue
from assay.cases.outcome import Array, Missing, Outcome, Raised
from assay_spec import dtypes


class Candidate(Backend):
    """Answers as a good backend does, except for its chosen op."""

    def __init__(self, op: str = "torch.add", good: Backend | None = None) -> None:
        self.op = op
        self.good = good or open_backend("numpy")
        self.capabilities = replace(self.good.capabilities, name=type(self).__name__)

    def perform(self, case: Case) -> Outcome:
        if case.op == self.op:
            return self.misbehave(case)
        return self.good.perform(case)

    def misbehave(self, case: Case) -> Outcome:
        outcome = self.good.perform(case)
        return replace(outcome, results=tuple(map(self.changed, outcome.results)))

    def changed(self, result: Any) -> Any:
        return replace(result, array=self.spoil(result.array)) if isinstance(result, Array) else result

    def spoil(self, array: Any) -> Any:
        raise NotImplementedError


class Empty(NumpyBackend):
    """Has no function at all."""

    table: ClassVar[Mapping[str, Callable[..., Any]]] = {}


class CannotWrite(NumpyBackend):
    """Shows nobody whether memory is shared, and may say that it has views all the same."""

    def __init__(self, features: tuple[Feature, ...] = ()) -> None:
        super().__init__()
        self.capabilities = replace(self.capabilities, features=features)

    def overwrite(self, native: Any) -> None:
        raise Unsupported("feature", "no writing into tensors")


class AlwaysWrong(Candidate):
    def spoil(self, array: Any) -> Any:
        return ~array if array.dtype == bool else (array + 1).astype(array.dtype)


class OffByOneUlp(Candidate):
    """Answers one ulp beyond a budget in ulp, upwards."""

    def __init__(self, op: str = "torch.exp", good: Backend | None = None, *, budget: int = 2) -> None:
        super().__init__(op, good)
        self.budget = budget

    def spoil(self, array: Any) -> Any:
        if not dtypes.is_floating(array.dtype.name):
            return array
        for _ in range(self.budget + 1):
            array = np.nextafter(array, np.array(np.inf, array.dtype))
        return array


class WrongDtype(Candidate):
    def changed(self, result: Any) -> Any:
        if not isinstance(result, Array):
            return result
        other = "float64" if result.dtype != "float64" else "float32"
        return replace(result, dtype=other, array=result.array.real.astype(host_dtype(other)))


class WrongShape(Candidate):
    def spoil(self, array: Any) -> Any:
        return array[None]


class SwallowsNan(Candidate):
    def spoil(self, array: Any) -> Any:
        return np.where(np.isnan(array), np.zeros_like(array), array)


class LosesTheSignOfZero(Candidate):
    def spoil(self, array: Any) -> Any:
        return array + array.dtype.type(0) if array.dtype.kind == "f" else array


class MutatesInput(Candidate):
    def misbehave(self, case: Case) -> Outcome:
        tensors = {name for name, value in case.arguments.items() if isinstance(value, TensorValue)}
        return replace(self.good.perform(case), changed=frozenset(tensors))


class CopiesViews(Candidate):
    def __init__(self, op: str = "torch.transpose", good: Backend | None = None) -> None:
        super().__init__(op, good)

    def misbehave(self, case: Case) -> Outcome:
        return replace(self.good.perform(case), shares=frozenset())


class RaisesAlways(Candidate):
    def misbehave(self, case: Case) -> Outcome:
        return Outcome(raised=Raised(("RuntimeError", "Exception"), "no"))


class AnswersAnything(Candidate):
    def misbehave(self, case: Case) -> Outcome:
        return Outcome(results=(Array("float32", np.ones(3, np.float32)),))


class DeclaresWhatIsUnsupported(Candidate):
    """Declares float16, which it does not have."""

    def perform(self, case: Case) -> Outcome:
        if any(getattr(each, "dtype", "") == "float16" for each in case.arguments.values()):
            return Outcome(unsupported=Missing("dtype", "no float16"))
        return self.good.perform(case)


class RaisesInTheAdapter(Candidate):
    def misbehave(self, case: Case) -> Outcome:
        raise KeyError("a mistake of the adapter")


class Exits(Candidate):
    def misbehave(self, case: Case) -> Outcome:
        raise SystemExit(3)


class Segfaults(Candidate):
    def misbehave(self, case: Case) -> Outcome:
        ctypes.string_at(0)
        raise AssertionError("still here")


class Hangs(Candidate):
    """Never answers, and leaves a child that outlives it."""

    def misbehave(self, case: Case) -> Outcome:
        if os.fork() == 0:
            time.sleep(600)
        print("about to hang", file=sys.stderr, flush=True)
        time.sleep(600)
        raise AssertionError("still here")


class DiesOnce(Candidate):
    """Dies where no process has died before."""

    def misbehave(self, case: Case) -> Outcome:
        flag = Path(os.environ["ASSAY_TEST_FLAG"])
        if not flag.exists():
            flag.touch()
            os._exit(4)
        return self.good.perform(case)


class LeavesAChild(Candidate):
    """Starts a child in a session of its own, which does not end."""

    def misbehave(self, case: Case) -> Outcome:
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
        Path(os.environ["ASSAY_TEST_FLAG"]).write_text(str(child.pid), encoding="utf-8")
        return self.good.perform(case)


class ChangesDirectory(Candidate):
    def misbehave(self, case: Case) -> Outcome:
        os.chdir("/")
        return self.good.perform(case)


class ShrinksAfterChangingDirectory(Candidate):
    """Changes the working directory in its first case, and loses an element in every case that finds it changed."""

    def misbehave(self, case: Case) -> Outcome:
        outcome = self.good.perform(case)
        if Path.cwd() == Path("/"):
            return replace(outcome, results=tuple(replace(each, array=each.array[1:]) for each in outcome.results))
        if outcome.results[0].shape == (2,):
            os.chdir("/")
        return outcome


class ShrinksAfterTurningItselfOff(Candidate):
    """Turns itself off in its first case, as a library may leave gradients off, and then loses an element."""

    on = True

    def settings(self) -> dict[str, Callable[[], Any]]:
        return {"whether it is on": lambda: self.on}

    def misbehave(self, case: Case) -> Outcome:
        outcome = self.good.perform(case)
        if not self.on:
            return replace(outcome, results=tuple(replace(each, array=each.array[1:]) for each in outcome.results))
        self.on = outcome.results[0].shape != (2,)
        return outcome


class WrongAndDeadlyWhenEmpty(Candidate):
    """Answers one more than is right, and dies where there is nothing to add."""

    def misbehave(self, case: Case) -> Outcome:
        outcome = self.good.perform(case)
        if not outcome.results or outcome.results[0].array.size == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return replace(outcome, results=tuple(replace(each, array=each.array + 1) for each in outcome.results))


class ChangesTheLocale(Candidate):
    def misbehave(self, case: Case) -> Outcome:
        os.environ["LC_ALL"] = "tlh"
        return self.good.perform(case)


class ChangesRecursionLimit(Candidate):
    def misbehave(self, case: Case) -> Outcome:
        sys.setrecursionlimit(60)
        return self.good.perform(case)


class PatchesNumPy(Candidate):
    def misbehave(self, case: Case) -> Outcome:
        np.subtract = np.add  # type: ignore[assignment]
        return self.good.perform(case)


class WrongThenWorse(Candidate):
    """Answers three numbers in a wrong shape, and fails in another way when it is asked again."""

    asked = False

    def misbehave(self, case: Case) -> Outcome:
        outcome = self.good.perform(case)
        if getattr(case.arguments["input"], "shape", None) != (3,):
            return outcome
        if self.asked:
            return self.do_worse()
        self.asked = True
        return replace(outcome, results=tuple(replace(each, array=each.array[None]) for each in outcome.results))

    def do_worse(self) -> Outcome:
        raise NotImplementedError


class WrongThenDies(WrongThenWorse):
    def do_worse(self) -> Outcome:
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("still here")


class WrongThenHangs(WrongThenWorse):
    def do_worse(self) -> Outcome:
        time.sleep(600)
        raise AssertionError("still here")


class WrongThenGarbage(WrongThenWorse):
    def do_worse(self) -> Outcome:
        return Outcome(results=(object(),))


class WrongThenRight(WrongThenWorse):
    def do_worse(self) -> Outcome:
        return Outcome(results=(Array("float32", np.ones(3, np.float32)),))


class PrintsToStdout(Candidate):
    def misbehave(self, case: Case) -> Outcome:
        print("from Python", flush=True)
        os.write(1, b"from C\n")
        return self.good.perform(case)


# What follows is not a Python backend, but a process that speaks the wire protocol: `python candidates.py NAME [OP]`.


def answers_bad_json(reply: dict[str, Any]) -> str:
    return '{"id": 1, "outcome": {"results": [oops]}}\n'


def answers_with_an_unknown_tag(reply: dict[str, Any]) -> str:
    return json.dumps({**reply, "outcome": {"results": [{"number": "1"}]}}) + "\n"


def answers_twice(reply: dict[str, Any]) -> str:
    return 2 * (json.dumps(reply) + "\n")


def answers_another_request(reply: dict[str, Any]) -> str:
    return json.dumps({**reply, "id": reply["id"] - 1}) + "\n"


def answers_with_neither(reply: dict[str, Any]) -> str:
    return json.dumps({"id": reply["id"]}) + "\n"


def announces_a_blob_and_dies(reply: dict[str, Any]) -> str:
    return json.dumps({**reply, "blob": 1000}) + "\nshort"


def hangs_and_answers_nothing(reply: dict[str, Any]) -> str:
    time.sleep(600)
    return ""


def says_index_error(reply: dict[str, Any]) -> str:
    error = {"kind": "index", "message": "out of range"}
    return json.dumps({"id": reply["id"], "error": error}) + "\n"


def serve(misbehave: Callable[[dict[str, Any]], str], op: str) -> None:
    """Echo the first argument of every call as the result, except of the chosen op."""
    declared = {"protocol": 1, "name": misbehave.__name__, "version": "1", "dtypes": ["float32"]}
    for line in sys.stdin:
        request = json.loads(line)
        reply = {"id": request["id"]}
        if request["do"] == "hello":
            reply["hello"] = declared
        elif request["do"] == "run":
            (call,) = request["case"]["steps"]
            if call["target"] not in (op, "assay.identity", "torch.add", "torch.sub"):
                reply["outcome"] = {"unsupported": {"kind": "op", "message": call["target"]}}
                print(json.dumps(reply), flush=True)
                continue
            first = call["arguments"][call["positional"][0]]["tensor"]
            array = {name: first[name] for name in ("dtype", "shape", "data")}
            reply["outcome"] = {"results": [{"array": array}]}
            if call["target"] == op:
                sys.stdout.write(misbehave(reply))
                sys.stdout.flush()
                if misbehave is announces_a_blob_and_dies:
                    return
                continue
        print(json.dumps(reply), flush=True)


if __name__ == "__main__":
    serve(globals()[sys.argv[1]], *(sys.argv[2:] or ["torch.add"]))

"""What a backend is: a name, what it has, and an answer to every case."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from assay.cases.case import Case
from assay.cases.outcome import Missing, MissingKind, Outcome, Raised
from assay_spec import dtypes

Feature = Literal["views", "out", "in-place", "autograd", "random", "modules", "optimizers", "programs", "strides"]
IDENTITY = "assay.identity"  # an op that every backend has: it returns its argument
# What a backend has unless it says otherwise. PyTorch's own memory layouts (`strides`) are for those to claim that need
# them, compilers and device backends of PyTorch.
FEATURES: tuple[Feature, ...] = (
    "views",
    "out",
    "in-place",
    "autograd",
    "random",
    "modules",
    "optimizers",
    "programs",
)


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a backend declares that it has."""

    name: str
    version: str
    language: str = "Python"
    device: str = "cpu"
    devices: tuple[str, ...] = ("cpu",)
    dtypes: tuple[str, ...] = dtypes.ALL
    features: tuple[Feature, ...] = FEATURES
    speaks_torch: bool = False  # it claims PyTorch's own names, so that signatures can be judged
    ops: tuple[str, ...] | None = None  # which ops it offers, if that is known beforehand
    file: str = ""  # where the library was imported from
    flushes_subnormals: bool = False  # it computes with zero in place of subnormal numbers, throughout
    notes: tuple[str, ...] = ()  # what its author should know before a run


class BackendUnusable(Exception):
    """A backend that cannot be imported, started, or trusted with plain inputs; says why and what to do."""


class Unsupported(Exception):
    """Raised inside an adapter for what the library does not offer."""

    def __init__(self, kind: MissingKind, message: str = "", raised: Raised | None = None) -> None:
        super().__init__(message)
        self.unsupported = Missing(kind, message)
        self.raised = raised  # the library's own error: where a call must raise, it may be the right one


def missing(error: AttributeError) -> Unsupported:
    """Return what to raise where a library does not have an attribute."""
    return Unsupported("op", str(error), Raised(("AttributeError", "Exception"), str(error)))


class ProcessError(Exception):
    """The process of a backend did not answer; the next case runs in a fresh one."""

    def __init__(self, message: str, *, signal: str | None = None, stderr_tail: str = "") -> None:
        super().__init__(message)
        self.message, self.signal, self.stderr_tail = message, signal, stderr_tail


class Died(ProcessError):
    """The process exited or was killed."""


class TimedOut(ProcessError):
    """No answer came within the time limit; the process group was killed."""


class Malformed(ProcessError):
    """The reply does not follow the protocol."""


class Stopped(ProcessError):
    """The backend died too often: this op, or every op, is not sent to it again."""


class Backend(ABC):
    """Answers cases. It never sees an expected value, and never judges."""

    capabilities: Capabilities

    @abstractmethod
    def perform(self, case: Case) -> Outcome:
        """Run a case; return every failure of the library as an outcome, never raise it."""

    def spell(self, case: Case) -> str:
        """Return a case as a program that shows its answer; unless overridden, PyTorch's own answer."""
        from assay.cases import spelling

        return f"# It prints PyTorch's answer, not that of {self.capabilities.name}.\n{spelling.program(case)}"

    def offers(self, op: str) -> bool:
        """Return whether the backend has what an op's name begins with, as far as that is known beforehand."""
        return self.capabilities.ops is None or op in self.capabilities.ops

    def source(self, op: str) -> Path | None:
        """Return the file that implements an op, or None if it is unknown."""
        return None

    def settings(self) -> Mapping[str, Callable[[], Any]]:
        """Return how to look at what a case may leave changed in the library itself, each by its name."""
        return {}

    def declared(self) -> Capabilities:
        """Return what the backend declares, with what its author should know."""
        return self.capabilities

    def prepare(self, case: Case) -> None:  # noqa: B027 - only a process can work ahead
        """Take note of a case that will be performed soon."""

    def drop(self) -> None:  # noqa: B027
        """Forget the cases that were prepared and not performed."""

    def incidents(self) -> Sequence[ProcessError]:
        """Return what went wrong since the last call, and did not when it was tried again."""
        return ()

    def refresh(self) -> tuple[str, ...]:
        """Undo what earlier cases have changed around them; return what that was."""
        return ()

    def close(self) -> None:  # noqa: B027 - most backends hold nothing
        """Release processes and files."""

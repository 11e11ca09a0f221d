"""What a backend is: a name, what it has, and an answer to every case."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from assay.cases.case import Case
from assay.cases.outcome import Missing, MissingKind, Outcome, Raised
from assay_spec import dtypes

Feature = Literal["views", "out", "in-place", "autograd", "random", "modules", "optimizers", "programs"]
IDENTITY = "assay.identity"  # an op that every backend answers: with the tensor that it was given
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
    ops: tuple[str, ...] | None = None  # which ops it offers, where it can tell beforehand


class BackendUnusable(Exception):
    """A backend that cannot be imported, started, or trusted with plain inputs; says why and what to do."""


class Unsupported(Exception):
    """Raised inside an adapter for what the library does not offer."""

    def __init__(self, kind: MissingKind, message: str = "", raised: Raised | None = None) -> None:
        super().__init__(message)
        self.unsupported = Missing(kind, message)
        self.raised = raised  # the words in which the library says so, for they may be what is due


def missing(error: AttributeError) -> Unsupported:
    """Return what to raise where a library lacks an attribute."""
    return Unsupported("op", str(error), Raised(("AttributeError", "Exception"), str(error)))


class ProcessError(Exception):
    """The process of a backend gave no answer; the next case is asked in a fresh one."""

    def __init__(self, message: str, *, signal: str | None = None, stderr_tail: str = "") -> None:
        super().__init__(message)
        self.message, self.signal, self.stderr_tail = message, signal, stderr_tail


class Died(ProcessError):
    """The process exited or was killed."""


class TimedOut(ProcessError):
    """No answer came within the time limit; the process group was killed."""


class Malformed(ProcessError):
    """The reply was not one of the protocol's."""


class Stopped(ProcessError):
    """The backend died too often to be asked again (for this op, or at all)."""


class Backend(ABC):
    """Answers cases. It never sees an expected value, and never judges."""

    capabilities: Capabilities

    @abstractmethod
    def perform(self, case: Case) -> Outcome:
        """Do what a case asks; give every failure of the library as an outcome, never as an exception."""

    def spell(self, case: Case) -> str:
        """Write a case as a few lines that a user of the library can paste; PyTorch's words if nothing better."""
        from assay.cases import spelling

        return spelling.program(case)

    def source(self, op: str) -> Path | None:
        """Return the file that implements an op, where the backend can tell."""
        return None

    def close(self) -> None:  # noqa: B027 - most backends hold nothing
        """Let go of processes and files."""

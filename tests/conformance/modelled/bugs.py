"""A bug as a patch, and the reference with one such bug in it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from assay.backends.reference import ReferenceBackend
from assay.cases.case import Case
from assay.cases.outcome import Outcome
from assay_spec.steps import Step

BUGS: list[Bug] = []


def _table(name: str) -> dict[str, dict[str, str]]:
    """Read one of the lists beside this file, by bug."""
    entries = yaml.safe_load((Path(__file__).parent / name).read_text("utf-8"))
    return {entry["bug"]: entry for entry in entries}


ROUNDS = {number: _table(f"{number}_round.yaml") for number in ("second", "third", "fourth")}
CHOSEN = {name: entry for round in ROUNDS.values() for name, entry in round.items()}
SIGHTS = ("first_sight.yaml", "third_sight.yaml", "fourth_sight.yaml")
FIRST_SIGHT = {name: entry for sight in SIGHTS for name, entry in _table(sight).items()}
SURVIVORS = _table("survivors.yaml")


@dataclass(frozen=True)
class Bug:
    """One bug of some library, and the patch that gives it to the reference."""

    name: str
    op: str
    url: str
    what: str
    patch: Callable[..., Any]
    everywhere: bool = False  # the patch goes on the namespace, rather than around one function
    forms: tuple[str, ...] | None = None  # None: all of them, as for a bug in a kernel
    raises: str | None = None  # the message, if the bug raises for a valid call
    steps: bool = False  # the patch goes around the steps of scenarios too


def bug(op: str, url: str, what: str, **more: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a patch of one function: it receives the namespace, the right function, and the arguments of a call.

    For a module it receives the constructed one instead, and the arguments of the forward call.
    """

    def register(patch: Callable[..., Any]) -> Callable[..., Any]:
        BUGS.append(Bug(patch.__name__, op, url, what, patch, **more))
        return patch

    return register


def everywhere(op: str, url: str, what: str, **more: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a patch of the namespace: it takes the namespace and returns a context in which that is wrong."""
    return bug(op, url, what, everywhere=True, **more)


def chosen(*, everywhere: bool = False, **more: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a patch of a later round, whose op, thread and words stand in the round's list under its name."""

    def register(patch: Callable[..., Any]) -> Callable[..., Any]:
        entry = CHOSEN[patch.__name__]
        register_as = bug(entry["op"], entry["thread"], entry["what"], everywhere=everywhere, steps=True, **more)
        return register_as(patch)

    return register


class Patched(ReferenceBackend):
    """The reference with one bug."""

    def __init__(self, bug: Bug) -> None:
        super().__init__()
        self.bug = bug

    def perform(self, case: Case) -> Outcome:
        self.asked = case.op
        wrong: AbstractContextManager[Any] = self.bug.patch(self.torch) if self.bug.everywhere else nullcontext()
        with wrong:
            return super().perform(case)

    def function(self, call: Step) -> Callable[..., Any]:
        right = super().function(call)
        wrong_here = self.bug.forms is None or call.form in self.bug.forms
        if self.bug.everywhere or self.asked != self.bug.op or not self._is_the_call(call) or not wrong_here:
            return right
        if call.short == "__call__":
            return lambda layer, *args, **named: self.bug.patch(self.torch, layer, *args, **named)
        if self.bug.forms is None and (call.form == "out" or call.form.startswith("in-place")):
            plain = super().function(replace(call, target=self.bug.op, form="function"))
            return partial(self._written, plain, right)
        return self._bound(right) if self.bug.steps else partial(self.bug.patch, self.torch, right)

    def _bound(self, right: Callable[..., Any]) -> Callable[..., Any]:
        """Return the wrong function for calls whose arguments the patch knows; to the others it does nothing."""
        signature = inspect.signature(self.bug.patch)

        def call(*args: Any, **named: Any) -> Any:
            try:
                signature.bind(self.torch, right, *args, **named)
            except TypeError:
                return right(*args, **named)
            return self.bug.patch(self.torch, right, *args, **named)

        return call

    def _is_the_call(self, call: Step) -> bool:
        """Return whether a step is the call that a case is about, or one like it in a scenario."""
        return not call.name or (self.bug.steps and call.short == self.bug.op.rpartition(".")[2])

    def _written(self, plain: Callable[..., Any], right: Callable[..., Any], *args: Any, **named: Any) -> Any:
        """Write the wrong values to where the right function wrote, so that a kernel's bug shows in every form."""
        wrong = self.bug.patch(self.torch, plain, *args, **{key: each for key, each in named.items() if key != "out"})
        answer = right(*args, **named)
        with self.torch.no_grad():
            for target, value in zip(_listed(answer), _listed(wrong), strict=True):
                target.copy_(value)
        return answer


def _listed(answer: Any) -> Iterable[Any]:
    return answer if isinstance(answer, (tuple, list)) else (answer,)


def regrad(tensor: Any, change: Callable[[Any], Any]) -> Any:
    """Return a tensor whose gradient is changed on its way back."""
    if not getattr(tensor, "requires_grad", False):
        return tensor
    copy = tensor.clone()
    copy.register_hook(change)
    return copy


def as_if_contiguous(tensor: Any) -> Any:
    """Return as many elements as a tensor has, contiguous in memory from its offset, whatever its strides."""
    if (tensor.storage_offset() + tensor.numel()) * tensor.itemsize > tensor.untyped_storage().nbytes():
        return tensor
    strides, step = [], 1
    for size in reversed(tensor.shape):
        strides.insert(0, step)
        step *= size
    return tensor.as_strided(tuple(tensor.shape), strides)

"""A bug as a patch, and the reference with one such bug in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from assay.backends.reference import ReferenceBackend
from assay.cases.case import Case
from assay.cases.outcome import Outcome
from assay_spec.steps import Step

BUGS: list[Bug] = []


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
        if self.bug.everywhere or self.asked != self.bug.op or call.name or not wrong_here:
            return right
        if call.short == "__call__":
            return lambda layer, *args, **named: self.bug.patch(self.torch, layer, *args, **named)
        if self.bug.forms is None and (call.form == "out" or call.form.startswith("in-place")):
            plain = super().function(replace(call, form="function"))
            return partial(self._written, plain, right)
        return partial(self.bug.patch, self.torch, right)

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

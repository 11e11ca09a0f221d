"""The arguments of a call described in words, for the pages of ops."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from assay_spec.domains import Focus
from assay_spec.dtypes import DEFAULT_FLOAT
from assay_spec.model import Argument, Overload
from assay_spec.plans import TensorPlan
from assay_spec.scope import Scope


def in_words(overload: Overload) -> Iterator[tuple[Argument, str]]:
    """Yield each argument that is passed, and what it may be where those before it are at their plainest."""
    construct = overload.construct
    if construct is None:
        yield from _described(overload.arguments, Scope(overload.let))
        return
    scope = Scope(overload.let, {"training": True})
    yield from _described(construct.arguments, scope)
    for rule in (*construct.parameters, *construct.buffers):
        if rule.when is None or rule.when(scope):
            scope[rule.name] = TensorPlan(DEFAULT_FLOAT, tuple(rule.shape(scope)))
    yield from _described(overload.arguments, scope)


def _described(arguments: Sequence[Argument], scope: Scope) -> Iterator[tuple[Argument, str]]:
    for argument in arguments:
        domain = argument.domain(scope)
        if argument.passed:
            yield argument, domain.describe()
        for plainest in islice(domain.walk(Focus()), 1):
            scope[argument.name] = plainest
            domain.bind(plainest, scope)

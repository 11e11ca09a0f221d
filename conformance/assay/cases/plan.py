"""Plans: descriptions of calls that fit an op's domains, and how one argument after the other is settled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final

from assay_spec.domains import Domain, Focus, Given
from assay_spec.dtypes import DEFAULT_FLOAT, has_fractions
from assay_spec.expression import ExpressionError
from assay_spec.model import Argument, Construct, Overload, ResultRule, StateRule
from assay_spec.plans import ABSENT, TensorPlan
from assay_spec.scope import Scope
from assay_spec.signature import Signature
from assay_spec.vocabulary import NoBroadcast, NoDtype

# The exceptions of a domain or rule that has no value for a combination of arguments.
ABSTAINED: Final = (ExpressionError, NoBroadcast, IndexError, ZeroDivisionError)

Due = tuple[ResultRule, tuple[int, ...], str]  # what the spec says of one tensor of an answer: rule, shape and dtype


@dataclass(frozen=True)
class Plan:
    """A description of the arguments of one call, and the scope in which the op's rules are evaluated for it."""

    overload: Overload
    given: Mapping[str, Any]
    scope: Scope
    constructed: Mapping[str, Any] = field(default_factory=dict)  # a module's constructor arguments
    training: bool = True

    @cached_property
    def due(self) -> list[Due]:
        """What the spec says of each tensor of the call's answer."""
        found: list[Due] = []
        scope = self.scope.copy()
        for rule in self.overload.results:
            if rule.kind == "value":
                continue
            assert rule.shape is not None and rule.dtype is not None
            dtype = rule.dtype(scope)
            if rule.kind == "sequence":
                found.extend((rule, tuple(shape), dtype) for shape in rule.shape(scope))
            else:
                found.append((rule, tuple(rule.shape(scope)), dtype))
            scope[rule.name] = TensorPlan(dtype, found[-1][1] if found else ())
        return found


def holds(overload: Overload, scope: Scope) -> bool:
    """Return whether a call is one of an overload: its result has a dtype, and what it requires is so."""
    try:
        if overload.results and overload.results[0].dtype is not None:
            overload.results[0].dtype(scope)
        return all(condition(scope) for condition in overload.require)
    except (NoBroadcast, NoDtype):
        return False


def held(maker: Construct, scope: Scope, rules: Sequence[StateRule] | None = None) -> list[StateRule]:
    """Return the parameters and buffers that a module so constructed has."""
    rules = (*maker.parameters, *maker.buffers) if rules is None else rules
    return [rule for rule in rules if rule.when is None or rule.when(scope)]


def _state_dtype(focus: Focus) -> str:
    """Return the dtype of a module's parameters: the item's, unless that is one of indices."""
    return focus.dtype if focus.dtype and has_fractions(focus.dtype) else DEFAULT_FLOAT


def furnished(maker: Construct, scope: Scope, focus: Focus, *, training: bool) -> Scope:
    """Return the scope with a module's mode, and with the parameters and buffers that it then has."""
    found = scope.copy()
    found["training"] = training
    for rule in held(maker, found):
        found[rule.name] = TensorPlan(_state_dtype(focus), tuple(rule.shape(found)))
    return found


def leading_of(arguments: Sequence[Argument]) -> int | None:
    """Return the place of the first argument that may be a tensor."""
    return next((index for index, each in enumerate(arguments) if "tensor" in " ".join(each.kinds)), None)


def led(focus: Focus) -> Focus:
    """Return the focus for the leading tensor, which keeps the item's dtype; the others may have another."""
    return focus if focus.dtype is None else replace(focus, axes=focus.axes - {"dtype"})


def may_be_left_out(argument: Argument, domain: Domain, signature: Signature) -> bool:
    """Return whether a call may do without an argument, so that its default counts."""
    return argument.passed and not signature[argument.name].required and not isinstance(domain, Given)


def bound(argument: Argument, domain: Domain, value: Any, signature: Signature, scope: Scope) -> Scope:
    """Return the scope with one more argument settled; one left out counts as its default."""
    settled = scope.copy()
    settled[argument.name] = signature[argument.name].default if value is ABSENT else value
    if value is not ABSENT:
        domain.bind(value, settled)
    return settled

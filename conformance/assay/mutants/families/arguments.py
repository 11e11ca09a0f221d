"""Arguments: ignored, off by one, negative dimensions counted wrongly."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from assay.cases.case import MADE, Case
from assay.mutants.mutant import Mutant, asked, leading, mutant, over_runs, with_argument
from assay_spec.model import Argument, Op


def mutants(op: Op) -> Iterator[Mutant]:
    if any(each.trail is not None for each in op.overloads):
        yield from _options(op)
        return
    for name in _optional(op):
        yield mutant("an argument ignored", asked(partial(without, name=name)), name)
    for argument in _passed(op):
        name, kinds = argument.name, argument.kinds
        if any("integer" in kind or kind.endswith("dim") for kind in kinds):
            yield mutant("an integer off by one", asked(partial(_next, name=name)), name)
        if any(kind.endswith(("dim", "dims")) for kind in kinds):
            yield mutant("a negative dim taken wrongly", asked(partial(_miscounted, name=name)), name)
            around = asked(partial(_around, name=name))
            yield mutant("an out-of-range dim accepted", around, name, where_it_raises=True)


def _passed(op: Op) -> list[Argument]:
    """Return every argument of the op that a call passes, a module's constructor first."""
    found: dict[str, Argument] = {}
    for overload in op.overloads:
        made = overload.construct.arguments if overload.construct else ()
        for argument in (*made, *overload.arguments):
            if argument.passed:
                found.setdefault(argument.name, argument)
    return list(found.values())


def _optional(op: Op) -> list[str]:
    """Return the arguments that have a default, of those that the op's domains or examples pass."""
    signatures = [each.signature for overload in op.overloads for each in _signed(overload)]
    examples = [example for overload in op.overloads for example in overload.examples]
    names = [argument.name for argument in _passed(op)] + [name for example in examples for name in example.call]
    return [name for name in dict.fromkeys(names) if any(name in s.names and not s[name].required for s in signatures)]


def _signed(overload: Any) -> list[Any]:
    return [each for each in (overload.construct, overload) if each is not None]


def without(case: Case, name: str) -> Case | None:
    """Return a call with an argument of it, or of its module's constructor, at its default."""
    if name in case.made:
        return case.with_step(MADE, arguments=_dropped(case.made, name))
    call = case.call
    if call is None or name not in call.arguments:
        return None
    kept = tuple(each for each in call.positional if each != name)
    return replace(
        case.with_arguments(_dropped(call.arguments, name), positional=kept),
        wrt=tuple(each for each in case.wrt if each.partition(".")[0] != name),
    )


def _dropped(arguments: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in arguments.items() if key != name}


def _next(case: Case, name: str) -> Case | None:
    value = _more(case.made.get(name, case.arguments.get(name)))
    if value is None:
        return None
    if name in case.made:
        return case.with_step(MADE, arguments={**case.made, name: value})
    return with_argument(case, name, value)


def _more(value: Any) -> Any:
    """Return an integer plus one, or several with one added to the first."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value + 1
    if isinstance(value, (tuple, list)) and value and all(isinstance(each, int) for each in value):
        return type(value)((value[0] + 1, *value[1:]))
    return None


def _miscounted(case: Case, name: str) -> Case | None:
    """Count a negative dimension one too far to the left."""
    tensor = leading(case)
    if tensor is None or len(tensor.shape) < 2:
        return None
    count = len(tensor.shape)
    other = _each_dim(case.arguments.get(name), lambda dim: dim if dim >= 0 else (dim - 1) % count)
    return None if other is None or other == case.arguments[name] else with_argument(case, name, other)


def _around(case: Case, name: str) -> Case | None:
    """Wrap a dimension that is out of range around to the first."""
    tensor = leading(case)
    if tensor is None:
        return None
    count = max(len(tensor.shape), 1)
    inside = _each_dim(case.arguments.get(name), lambda dim: dim if -count <= dim < count else dim % count)
    return None if inside is None or inside == case.arguments[name] else with_argument(case, name, inside)


def _each_dim(value: Any, change: Callable[[int], int]) -> Any:
    """Change a dimension, or each of several; None where there is none."""
    if isinstance(value, (tuple, list)) and value and all(isinstance(each, int) for each in value):
        return tuple(map(change, value))
    return change(value) if isinstance(value, int) and not isinstance(value, bool) else None


def _options(op: Op) -> Iterator[Mutant]:
    """Yield the mutants of an optimizer's or scheduler's options."""
    for argument in _passed(op)[1:]:  # the first is what it works on
        name = argument.name
        yield over_runs("an argument ignored", partial(without, name=name), name)
        if any("integer" in kind for kind in argument.kinds):
            yield over_runs("an integer off by one", partial(_next, name=name), name)

"""Walking: an overload's calls enumerated, the plainest first, then what deviates from it."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations, islice
from math import prod
from types import MappingProxyType
from typing import Any, Final

from assay.cases.plan import ABSTAINED, Plan, bound, furnished, holds, leading_of, led, may_be_left_out
from assay_spec.domains import Domain, Focus, Given, Many, Tensors, Together
from assay_spec.model import Argument, Overload
from assay_spec.plans import ABSENT, TensorPlan
from assay_spec.scope import Scope
from assay_spec.signature import Signature

_CONSTRUCTIONS: Final = 24  # values of each option of a module that even a small item takes, one option at a time
_OF_THREES: Final = 12  # ways to vary three options together from which some are taken
_FEW: Final = 4  # values of each argument beside the option that tells most
_OPTIONS: Final = 20  # values of each option among which the one that tells most is looked for


def walk(overload: Overload, focus: Focus, limit: int) -> Iterator[Plan]:
    """Yield the plainest call, then every deviation of one argument, then of two, up to a limit."""
    starts = list(_starts(overload, focus, limit))
    if not starts:
        return
    yield from _walked(overload, starts[0], focus, limit)
    for start in starts[1:]:
        # Another construction or mode is a deviation itself: the rest of the call stays plain.
        yield from _walked(overload, start, _plainly(focus), 1)


def _starts(overload: Overload, focus: Focus, limit: int) -> Iterator[Plan]:
    maker = overload.construct
    if maker is None:
        yield Plan(overload, {}, Scope(overload.let))
        return
    options = focus if focus.on("options") or focus.on("shape") else Focus(dtype=focus.dtype)
    how = (maker.arguments, maker.signature, Scope(overload.let), options)
    found = _assignments(*how, limit) if limit >= _CONSTRUCTIONS else _singles(*how, _CONSTRUCTIONS, {})
    allowed = ((given, scope) for given, scope in found if all(condition(scope) for condition in maker.require))
    for place, (given, scope) in enumerate(allowed):
        for training in _modes(overload, place) if focus.on("options") else (True,):
            yield Plan(overload, {}, furnished(maker, scope, focus, training=training), given, training)


def _modes(overload: Overload, place: int) -> tuple[bool, ...]:
    """Return the modes of a construction: both where they may matter and of the plainest, else each in its turn."""
    assert overload.construct is not None
    if overload.random is not None or overload.construct.buffers or place == 0:
        return (True, False)
    return (place % 2 == 0,)


def _walked(overload: Overload, start: Plan, focus: Focus, limit: int) -> Iterator[Plan]:
    yield from _planned(
        overload, start, _assignments(overload.arguments, overload.signature, start.scope, focus, limit)
    )
    telling = _telling(overload, start, focus) if limit > 1 else {}
    if telling:
        axes = replace(focus, axes=focus.axes - {"options"})
        each = max(limit // len(overload.arguments), _FEW)
        found = _singles(overload.arguments, overload.signature, start.scope, axes, each, telling)
        yield from _planned(overload, start, found)


def _planned(overload: Overload, start: Plan, assignments: Iterable[tuple[dict[str, Any], Scope]]) -> Iterator[Plan]:
    for given, scope in assignments:
        if holds(overload, scope):
            yield Plan(overload, given, scope, start.constructed, start.training)


def _telling(overload: Overload, start: Plan, focus: Focus) -> dict[int, Any]:
    """Return the option with which a plain call answers more elements than without: a sum tells little of its terms."""
    if not focus.on("options") or focus.axes == {"options"} or not all(each.shape for each in overload.results):
        return {}
    options = Focus(frozenset({"options"}), focus.dtype, focus.seed)
    found = _singles(overload.arguments, overload.signature, start.scope, options, _OPTIONS, {})
    plain, *others = list(_planned(overload, start, found)) or [start]
    most = max(others, key=_answered, default=plain)
    if plain is start or _answered(most) <= _answered(plain):
        return {}
    return {
        index: most.given[each.name]
        for index, each in enumerate(overload.arguments)
        if most.given[each.name] != plain.given[each.name]
    }


def _answered(plan: Plan) -> int:
    return sum(prod(shape) for _, shape, _ in plan.due)


def _assignments(
    arguments: Sequence[Argument], signature: Signature, scope: Scope, focus: Focus, limit: int
) -> Iterator[tuple[dict[str, Any], Scope]]:
    count = len(arguments)
    singles = list(_singles(arguments, signature, scope, focus, limit, {}))
    yield from singles
    taken = len(singles)
    if focus.on("shape") and focus.on("options"):
        for found in islice(_with_widest(arguments, signature, scope, focus, singles), limit):
            yield found
            taken += 1
    pairs = [
        found
        for deviating in combinations(range(count), 2)
        for found in islice(_assigned(arguments, signature, scope, focus, deviating), 4 * limit)
    ]
    quota = max(limit - taken, limit // 2) if limit > 1 else 0
    source = random.Random(focus.seed)
    yield from pairs if len(pairs) <= quota else source.sample(pairs, quota)
    if focus.on("options"):
        yield from islice(_in_threes(arguments, signature, scope, focus, source), quota // 4)


def _singles(
    arguments: Sequence[Argument],
    signature: Signature,
    scope: Scope,
    focus: Focus,
    limit: int,
    settled: Mapping[int, Any],
) -> Iterator[tuple[dict[str, Any], Scope]]:
    """Yield the plainest assignment around what is settled, then each argument's deviations, up to a limit each."""
    yield from islice(_assigned(arguments, signature, scope, focus, (), settled), 1)
    for index in range(len(arguments)):
        if index not in settled:
            yield from islice(_assigned(arguments, signature, scope, focus, (index,), settled), limit)


def _in_threes(
    arguments: Sequence[Argument], signature: Signature, scope: Scope, focus: Focus, source: random.Random
) -> Iterator[tuple[dict[str, Any], Scope]]:
    """Vary three options together, each three once."""
    optional = [at for at, each in enumerate(arguments) if each.passed and not signature[each.name].required]
    threes = list(combinations(optional, 3))
    source.shuffle(threes)
    for deviating in threes:
        found = list(islice(_assigned(arguments, signature, scope, focus, deviating), _OF_THREES))
        yield from source.sample(found, min(len(found), 2))


def _with_widest(
    arguments: Sequence[Argument],
    signature: Signature,
    scope: Scope,
    focus: Focus,
    singles: Sequence[tuple[dict[str, Any], Scope]],
) -> Iterator[tuple[dict[str, Any], Scope]]:
    """Vary each option with the largest of the leading tensor's shapes, which is wider than a SIMD vector."""
    leading = leading_of(arguments)
    if leading is None:
        return
    name = arguments[leading].name
    sized = [given for given, _ in singles if isinstance(given[name], TensorPlan)]
    widest = max(sized, key=lambda given: given[name].numel, default=None)
    if widest is None:
        return
    sizes = [index for index, each in enumerate(arguments[: leading + 1]) if index == leading or each.is_size]
    settled = {index: widest[arguments[index].name] for index in sizes}
    for index, other in enumerate(arguments):
        if index not in settled and "tensor" not in " ".join(other.kinds):
            yield from _assigned(arguments, signature, scope, focus, (index,), settled)


def _assigned(
    arguments: Sequence[Argument],
    signature: Signature,
    scope: Scope,
    focus: Focus,
    deviating: tuple[int, ...],
    settled: Mapping[int, Any] = MappingProxyType({}),
) -> Iterator[tuple[dict[str, Any], Scope]]:
    """Yield a value for each argument: the settled one, any but the plainest if it deviates, else the plainest."""

    leading = leading_of(arguments)

    def choose(index: int, given: dict[str, Any], scope: Scope) -> Iterator[tuple[dict[str, Any], Scope]]:
        if index == len(arguments):
            yield given, scope
            return
        argument = arguments[index]
        try:
            domain = argument.domain(scope)
            around = focus if index in deviating else _plainly(focus)
            if index in settled:
                around = replace(focus, axes=focus.axes | {"options", "shape"})
            values = candidates(argument, domain, signature, led(around) if index == leading else around)
            if index in settled:  # and still allowed by what those above it are now
                values = (each for each in values if _same(each, settled[index]))
            chosen = islice(values, 1, None) if index in deviating else islice(values, 1)
            for value in chosen:
                yield from choose(
                    index + 1,
                    {**given, argument.name: value},
                    bound(argument, domain, value, signature, scope),
                )
        except ABSTAINED:
            return

    yield from choose(0, {}, scope)


def _same(first: Any, second: Any) -> bool:
    return type(first) is type(second) and bool(first == second)


def _plainly(focus: Focus) -> Focus:
    return Focus(dtype=focus.dtype, seed=focus.seed)


def candidates(argument: Argument, domain: Domain, signature: Signature, focus: Focus) -> Iterator[Any]:
    """Yield the values of one argument: left out first where it may be."""
    if may_be_left_out(argument, domain, signature):
        yield ABSENT
        if not (focus.on("options") or _varies(domain, focus)):
            return
    elif (not argument.is_size and not _holds_tensors(domain) and not focus.on("options")) or (
        argument.is_size and not focus.on("shape")
    ):
        yield from islice(domain.walk(focus), 1)
        return
    yield from domain.walk(focus)


def _holds_tensors(domain: Domain) -> bool:
    if isinstance(domain, (Given, Many)):
        return _holds_tensors(domain.each)
    if isinstance(domain, Together):
        return any(map(_holds_tensors, domain.parts))
    return any(isinstance(each, Tensors) for each in domain.options)


def _varies(domain: Domain, focus: Focus) -> bool:
    return bool(focus.axes - {"shape", "layout", "dtype"}) and _holds_tensors(domain)

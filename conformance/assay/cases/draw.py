"""Drawing: from an overload's domains to plans of calls, enumerated first, at random second."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import combinations, islice
from math import prod
from types import MappingProxyType
from typing import Any, Final

from assay.cases.case import Case, Observation, made, method_call
from assay.cases.fill import materialise
from assay_reports.vocabulary import Effort
from assay_spec.domains import Domain, Dtype, Either, Focus, Given, Many, Tensors, Together
from assay_spec.domains.draws import Choice, Draw, booleans
from assay_spec.dtypes import DEFAULT_FLOAT, has_fractions, is_integral
from assay_spec.expression import ExpressionError
from assay_spec.model import Argument, Construct, Op, Overload, ResultRule, StateRule
from assay_spec.plans import ABSENT, Fill, Made, TensorPlan
from assay_spec.scope import Scope
from assay_spec.signature import Signature
from assay_spec.steps import Form, Ref, Step
from assay_spec.vocabulary import NoBroadcast, NoDtype

# How many walked and how many random plans one item may take.
SHARES: Final[dict[Effort, tuple[int, int]]] = {"quick": (12, 0), "standard": (40, 6), "deep": (160, 60)}
# The exceptions of a domain or rule that has no value for a combination of arguments.
ABSTAINED: Final = (ExpressionError, NoBroadcast, IndexError, ZeroDivisionError)

_CONSTRUCTIONS: Final = 24  # values of each option of a module that even a small item takes, one option at a time
_OF_THREES: Final = 12  # ways to vary three options together from which some are taken
_FEW: Final = 4  # values of each argument beside the option that tells most
_ENOUGH: Final = 20  # draws from which the share of rejected ones can be estimated
_WASTE: Final = 0.4  # some are rightly rejected: those whose result dtype is not in the corpus


class Wasteful(Exception):
    """The `require:` of an op rejects too many of the calls drawn from its domains."""


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


def walk(overload: Overload, focus: Focus, limit: int) -> Iterator[Plan]:
    """Yield the plainest call, then every deviation of one argument, then of two, up to a limit."""
    starts = list(_starts(overload, focus, limit))
    if not starts:
        return
    yield from _walked(overload, starts[0], focus, limit)
    for start in starts[1:]:
        # Another construction or mode is a deviation itself: the rest of the call stays plain.
        yield from _walked(overload, start, Focus(dtype=focus.dtype, seed=focus.seed), 1)


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
            mode = scope.copy()
            mode["training"] = training
            for rule in held(maker, mode):
                mode[rule.name] = TensorPlan(_state_dtype(focus), tuple(rule.shape(mode)))
            yield Plan(overload, {}, mode, given, training)


def _modes(overload: Overload, place: int) -> tuple[bool, ...]:
    """Return the modes of a construction: both where they may matter and of the plainest, else each in its turn."""
    assert overload.construct is not None
    if overload.random is not None or overload.construct.buffers or place == 0:
        return (True, False)
    return (place % 2 == 0,)


def _state_dtype(focus: Focus) -> str:
    """Return the dtype of a module's parameters: the item's, unless that is one of indices."""
    return focus.dtype if focus.dtype and has_fractions(focus.dtype) else DEFAULT_FLOAT


def held(maker: Construct, scope: Scope, rules: Sequence[StateRule] | None = None) -> list[StateRule]:
    """Return the parameters and buffers that a module so constructed has."""
    rules = (*maker.parameters, *maker.buffers) if rules is None else rules
    return [rule for rule in rules if rule.when is None or rule.when(scope)]


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
        if _holds(overload, scope):
            yield Plan(overload, given, scope, start.constructed, start.training)


def _telling(overload: Overload, start: Plan, focus: Focus) -> dict[int, Any]:
    """Return the option with which a plain call answers more elements than without: a sum tells little of its terms."""
    if not focus.on("options") or focus.axes == {"options"} or not all(each.shape for each in overload.results):
        return {}
    options = Focus(frozenset({"options"}), focus.dtype, focus.seed)
    found = _singles(overload.arguments, overload.signature, start.scope, options, _ENOUGH, {})
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


def _holds(overload: Overload, scope: Scope) -> bool:
    try:
        if overload.results and overload.results[0].dtype is not None:
            overload.results[0].dtype(scope)
        return all(condition(scope) for condition in overload.require)
    except (NoBroadcast, NoDtype):
        return False


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
    leading = _leading(arguments)
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


def _leading(arguments: Sequence[Argument]) -> int | None:
    return next((index for index, each in enumerate(arguments) if "tensor" in " ".join(each.kinds)), None)


def _assigned(
    arguments: Sequence[Argument],
    signature: Signature,
    scope: Scope,
    focus: Focus,
    deviating: tuple[int, ...],
    settled: Mapping[int, Any] = MappingProxyType({}),
) -> Iterator[tuple[dict[str, Any], Scope]]:
    """Yield a value for each argument: the settled one, any but the plainest if it deviates, else the plainest."""

    leading = _leading(arguments)

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
            values = candidates(argument, domain, signature, _led(around) if index == leading else around)
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


def _led(focus: Focus) -> Focus:
    """Return the focus for the leading tensor, which keeps the item's dtype; the others may have another."""
    return focus if focus.dtype is None else replace(focus, axes=focus.axes - {"dtype"})


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


def may_be_left_out(argument: Argument, domain: Domain, signature: Signature) -> bool:
    """Return whether a call may do without an argument, so that its default counts."""
    return argument.passed and not signature[argument.name].required and not isinstance(domain, Given)


def _holds_tensors(domain: Domain) -> bool:
    if isinstance(domain, (Given, Many)):
        return _holds_tensors(domain.each)
    if isinstance(domain, Together):
        return any(map(_holds_tensors, domain.parts))
    return any(isinstance(each, Tensors) for each in domain.options)


def _varies(domain: Domain, focus: Focus) -> bool:
    return bool(focus.axes - {"shape", "layout", "dtype"}) and _holds_tensors(domain)


def bound(argument: Argument, domain: Domain, value: Any, signature: Signature, scope: Scope) -> Scope:
    """Return the scope with one more argument settled; one left out counts as its default."""
    settled = scope.copy()
    settled[argument.name] = signature[argument.name].default if value is ABSENT else value
    if value is not ABSENT:
        domain.bind(value, settled)
    return settled


def drawn(overload: Overload, focus: Focus, count: int, seed: int) -> list[Plan]:
    """Return plans drawn from all of the domain, the same for the same seed."""
    source = random.Random(seed)
    found = [plan for plan in (_drawn(overload, focus, source) for _ in range(count)) if plan is not None]
    rejected = count - len(found)
    if count >= _ENOUGH and rejected > _WASTE * count:
        raise Wasteful(f"{rejected} of {count} drawn calls were rejected: narrow the domains to what `require:` allows")
    return found


def _drawn(overload: Overload, focus: Focus, source: random.Random) -> Plan | None:
    def draw(choice: Choice) -> Any:
        return choice(source)

    constructed: dict[str, Any] = {}
    training = True
    scope = Scope(overload.let)
    maker = overload.construct
    try:
        if maker is not None:
            constructed, scope = _drawn_arguments(maker.arguments, maker.signature, scope, focus, draw)
            training = scope["training"] = source.choice((True, False))
            if not all(condition(scope) for condition in maker.require):
                return None
            for rule in held(maker, scope):
                scope[rule.name] = TensorPlan(_state_dtype(focus), tuple(rule.shape(scope)))
        given, scope = _drawn_arguments(overload.arguments, overload.signature, scope, focus, draw)
        return Plan(overload, given, scope, constructed, training) if _holds(overload, scope) else None
    except ABSTAINED:
        return None


def _drawn_arguments(
    arguments: Sequence[Argument],
    signature: Signature,
    scope: Scope,
    focus: Focus,
    draw: Draw,
) -> tuple[dict[str, Any], Scope]:
    given: dict[str, Any] = {}
    leading = next((each for each in arguments if "tensor" in " ".join(each.kinds)), None)
    for argument in arguments:
        domain = argument.domain(scope)
        optional = may_be_left_out(argument, domain, signature)
        if isinstance(domain, Either) and not focus.on("options"):
            domain = domain.choices[0]
        value = (
            ABSENT
            if optional and draw(booleans())
            else domain.draw(draw, _led(focus) if argument is leading else focus)
        )
        given[argument.name] = value
        scope = bound(argument, domain, value, signature, scope)
    return given, scope


def case(
    op: Op,
    plan: Plan,
    *,
    form: Form = "function",
    observe: frozenset[Observation] = frozenset(),
    wrt: tuple[str, ...] = (),
    positional: tuple[str, ...] | None = None,
    seed: int | None = None,
    repeat: int = 1,
) -> Case:
    """Return the case of a plan: tensors filled, required arguments by position, the others by name."""
    signature = plan.overload.signature
    owners = {name.partition(".")[0] for name in wrt}
    order = {argument.name: index for index, argument in enumerate(plan.overload.arguments)}
    given = plan.given
    if any(has_fractions(dtype) for _, _, dtype in plan.due):
        given = {name: _held_by_floats(value) for name, value in given.items()}
    arguments = {
        name: materialise(given[name], order[_twin(name, given)], requires_grad=name in owners)
        for name in signature.names
        if name in given and given[name] is not ABSENT
    }
    if positional is None:
        positional = tuple(name for name in signature.positional if name in arguments and signature[name].required)
    unpacked = unpacked_of(signature, arguments, positional)
    objects = {name: value for name, value in arguments.items() if isinstance(value, Made)}
    before = [Step(value.target, value.arguments, name=name) for name, value in objects.items()]
    arguments |= {name: Ref(name) for name in objects}
    if plan.overload.construct is None:
        form = op.form if form == "function" else form
        steps: tuple[Step, ...] = (*before, Step(op.name, arguments, positional, form, unpacked=unpacked))
    else:
        steps = (*before, *making(op, plan), method_call(arguments, positional, unpacked=unpacked))
    return Case(op.name, steps, observe=observe, wrt=wrt, seed=seed, repeat=repeat)


def _twin(name: str, given: Mapping[str, Any]) -> str:
    """Return the argument whose elements an argument has: its own, or those of an equal tensor."""
    plan = given[name]
    if not isinstance(plan, TensorPlan) or plan.fill.kind != "same":
        return name
    plain = replace(plan, fill=replace(plan.fill, kind="plain"))
    return next((other for other, each in given.items() if each == plain), name)


def _held_by_floats(value: Any) -> Any:
    """Return a plan without integers that have more bits than a float: the result would be rounded twice."""
    if isinstance(value, TensorPlan) and value.fill.kind == "wide" and is_integral(value.dtype):
        return replace(value, fill=replace(value.fill, kind="large"))
    return value


def unpacked_of(signature: Signature, arguments: Mapping[str, Any], positional: tuple[str, ...]) -> str | None:
    """Return the name of the `*args` parameter, unless it is empty: `x.view()` is no call, `x.view(())` is."""
    many = next((each.name for each in signature.parameters if each.kind == "many"), None)
    return many if many in positional and arguments[many] else None


def making(op: Op, plan: Plan, *, loaded: bool = True) -> tuple[Step, ...]:
    """Return the steps that make the object of a plan, and load a state into it unless its initial state is kept."""
    maker = plan.overload.construct
    assert maker is not None
    arguments = {
        name: materialise(plan.constructed[name], 90)
        for name in maker.signature.names
        if name in plan.constructed and plan.constructed[name] is not ABSENT
    }
    state = {
        rule.name: materialise(_state_plan(rule, plan), 50 + index)
        for index, rule in enumerate(held(maker, plan.scope) if loaded else ())
    }
    dtype = next((each.dtype for each in state.values() if has_fractions(each.dtype)), DEFAULT_FLOAT)
    if dtype != DEFAULT_FLOAT and "dtype" in maker.signature:
        arguments.setdefault("dtype", Dtype(dtype))
    return made(op.name, arguments, state, training=plan.training)


def _state_plan(rule: StateRule, plan: Plan) -> TensorPlan:
    """Return a plan for a parameter or buffer: a counter is integral, a variance positive."""
    dtype = plan.scope[rule.name].dtype
    shape = plan.scope[rule.name].shape
    if rule.init is not None:
        kind, *numbers = rule.init(plan.scope)
        if kind == "constant" and isinstance(numbers[0], int) and not isinstance(numbers[0], bool):
            return TensorPlan("int64", shape, fill=Fill("plain", 1, 0, 5))
        if kind == "constant" and numbers[0] == 1.0:
            return TensorPlan(dtype, shape, fill=Fill("plain", 1, 0.5, 2.0))
    return TensorPlan(dtype, shape, fill=Fill("plain", 1, -1.0, 1.0))

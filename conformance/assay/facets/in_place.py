"""in-place: `op_`, operators and `out=` equal the plain form, and return the tensor that they write to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

import numpy as np

from assay.backends.interpreter import IN_PLACE_OPERATORS, OPERATORS
from assay.cases import calls, fill, written
from assay.cases.case import Case, TensorValue
from assay.cases.outcome import Array, Outcome
from assay.cases.plan import Plan
from assay.facets.base import Facet, Judgement, SamplingRequest, Trial, beyond, fail, gravest, plans, unanswered
from assay.facets.results import numbers_of
from assay.judge.bench import Bench
from assay.judge.budgets import Bounds
from assay.judge.comparison import measure
from assay.judge.floats import eps_of, rounded
from assay_spec import dtypes
from assay_spec.model import Budget, Op, Overload
from assay_spec.plans import ABSENT, Fill, Layout, TensorPlan
from assay_spec.steps import Form

# Another form may take another path through the library, and each may round once.
_BUDGET: Final = Budget("ulp", 2)
_NOTHING: Final = Bounds(lambda: np.zeros(()), lambda: np.zeros(()))

_HOLDS: Final = {  # another dtype to which a result can be cast
    "bool": "int64", "uint8": "int64", "int8": "int64", "int16": "int64", "int32": "int64", "int64": "float32",
    "float16": "float32", "bfloat16": "float32", "float32": "float64", "float64": "float32", "complex64": "complex128",
    "complex128": "complex64",
}  # fmt: skip
_LOSES: Final = {
    **dict.fromkeys(dtypes.INTEGRAL, "bool"),
    **dict.fromkeys(dtypes.FLOATING, "int64"),
}  # one to which it cannot


@dataclass(frozen=True, slots=True)
class Out:
    """A tensor to write into that may differ from the result in layout or dtype."""

    layout: Layout = "contiguous"
    dtype: str | None = None
    refused: bool = False  # that dtype must be refused


_PLAIN_OUT: Final = Out()


@dataclass(frozen=True, slots=True)
class Forms:
    """A call in one of its forms, and the plain one that it must equal."""

    case: Case
    plain: Case
    plan: Plan
    out: Out


def has_forms(overload: Overload) -> bool:
    drawn = overload.random is not None and not overload.random.source.startswith("constant")
    return bool({"in-place", "out", "operator"} & set(overload.variants)) and not drawn


def applies(op: Op) -> bool:
    return any(map(has_forms, op.overloads))


def trials(op: Op, request: SamplingRequest) -> Iterator[Trial]:
    for index, plan in enumerate(_plans(op, request)):
        for form in _forms(op, plan):
            yield _trial(op, plan, form)
            if form == "out":
                yield from (_trial(op, plan, form, out) for out in _outs(plan, index))


def _plans(op: Op, request: SamplingRequest) -> Iterator[Plan]:
    yield from plans(op, request, "options", "shape", fits=has_forms, limit=16)
    for plan in plans(op, request, "layout", fits=has_forms, limit=12):
        if any(isinstance(each, TensorPlan) and each.layout != "contiguous" for each in plan.given.values()):
            yield plan


def _outs(plan: Plan, index: int) -> Iterator[Out]:
    """Yield other tensors to write into: of another layout, and of a dtype that the result can or cannot be cast to."""
    if _is_of_matrices(plan):
        yield Out("transposed")
    (_, _, dtype), *_ = plan.due
    if index % 2:
        yield Out("block")
    rule = plan.overload.out_dtype
    if plan.given.get("dtype", ABSENT) not in (ABSENT, None):
        rule = "own"  # a dtype argument decides
    other, loses = (_LOSES, True) if index % 2 else (_HOLDS, False)
    computes_in_bool = rule == "any" and other.get(dtype) == "bool"  # for which there may be no kernel
    if dtype in other and rule != "free" and not computes_in_bool:
        yield Out(dtype=other[dtype], refused=rule == "own" or (rule == "castable" and loses))


def _is_of_matrices(plan: Plan) -> bool:
    """Return whether tensors and results are matrices, whose out= may be transposed; PyTorch refuses some others."""
    tensors = [each.shape for each in plan.given.values() if isinstance(each, TensorPlan)]
    results = [shape for _, shape, _ in plan.due]
    return all(len(shape) == 2 for shape in (*tensors, *results))


def _trial(op: Op, plan: Plan, form: Form, out: Out = _PLAIN_OUT) -> Trial:
    """Return the trial of one form, which must equal the plain call."""
    plain = calls.case(op, plan)
    case = _formed(plain, form, plan, out)
    if form == "reflected":
        (first, tensor), (second, number) = plain.arguments.items()
        plain = plain.with_arguments({first: written.tensor(number), second: tensor}, positional=(first, second))
        case = plain.with_arguments({first: number, second: tensor}, form=form)
    forms = Forms(case, plain, plan, out)
    return Trial(
        case,
        partial(_judge, forms),
        plan,
        lambda simpler: _trial(op, simpler, form, out) if form in _forms(op, simpler) else None,
        beside=plain,
    )


def _forms(op: Op, plan: Plan) -> Iterator[Form]:
    variants = plan.overload.variants
    rules = plan.due
    first = plan.given.get(plan.overload.signature.names[0])
    # A view's in-place form changes the tensor's own shape; any other keeps shape and dtype.
    keeps = (
        isinstance(first, TensorPlan)
        and len(rules) == 1
        and rules[0][2] == first.dtype
        and (rules[0][1] == first.shape or plan.overload.shares is not None)
        and first.layout != "expanded"  # PyTorch writes to no element twice
    )
    bare = all(value is ABSENT for value in list(plan.given.values())[2:])
    if "in-place" in variants and keeps:
        yield "in-place"
    if "operator" in variants and bare and op.short_name in OPERATORS:
        if isinstance(first, TensorPlan):
            yield "operator"
        if keeps and "in-place" in variants and op.short_name in IN_PLACE_OPERATORS:
            yield "in-place operator"
        second = list(plan.given.values())[1:2]
        if isinstance(first, TensorPlan) and first.ndim and second and isinstance(second[0], (int, float)):
            yield "reflected"
    if "out" in variants:
        yield "out"


def _formed(base: Case, form: Form, plan: Plan, out: Out) -> Case:
    if form == "out":
        (_, first, dtype), *others = plan.due
        rest = [_blank(TensorPlan(dtype, shape, out.layout)) for _, shape, dtype in others]
        outs = (_blank(TensorPlan(out.dtype or dtype, first, out.layout)), *rest)
        return base.with_arguments({**base.arguments, "out": outs if rest else outs[0]}, form="out")
    if form in ("operator", "in-place operator"):
        return base.with_step("", positional=tuple(base.arguments), form=form)
    return base.with_step("", form=form)


def _blank(plan: TensorPlan) -> TensorValue:
    """Return a tensor to write into; its old elements must not show in the result."""
    return fill.tensor(replace(plan, fill=Fill("given", given=3)))


def _judge(forms: Forms, bench: Bench) -> Judgement:
    case, out = forms.case, forms.out
    plain = bench.ask(forms.plain)
    if plain.raised and case.form == "reflected" and bench.ask(case).raised:
        return Judgement("pass")  # 5 % x raises where x holds a zero, like the plain call
    if plain.unsupported or plain.raised:
        return unanswered(plain) or Judgement("pass", compared=False)
    outcome = bench.ask(case)
    if out.refused and (outcome.raised or outcome.unsupported):
        return Judgement("pass")
    early = unanswered(outcome)
    if early is not None:
        return early
    if out.refused:
        return fail("A407", f"out= of {out.dtype} is accepted", "an error", "an answer")
    if case.form.startswith("in-place") and not outcome.returned_self:
        return fail("A404", f"the {case.form} form returns another tensor", "the tensor itself", "another")
    if case.form == "out" and not _filled(outcome):
        return fail("A405", "out= is not returned", "the out tensor", "another")
    pairs = zip(outcome.results, plain.results, strict=False)
    return gravest([_same(forms, index, got, want, bench) for index, (got, want) in enumerate(pairs)])


def _filled(outcome: Outcome) -> bool:
    return outcome.returned_self or outcome.structure != "single"


def _same(forms: Forms, index: int, got: Any, want: Any, bench: Bench) -> Judgement:
    form, plain, plan, out = forms.case.form, forms.plain, forms.plan, forms.out
    if not isinstance(got, Array) or not isinstance(want, Array):
        return fail("A406", f"the {form} form returns no tensor", "a tensor", repr(got))
    # A reflected form is compared with another call, with a 0-d tensor: either may have the wrong dtype. And the
    # plain form may have a dtype that is not in the corpus.
    rule = plan.due[index]
    dtype = rule[2] if form == "reflected" or want.dtype not in dtypes.ALL else want.dtype
    cast = dtype if index or out.dtype is None else out.dtype
    both: tuple[tuple[str, Array, str], ...] = ((form, got, cast), ("plain", want, dtype))
    for which, array, expected in both:
        said, due = f"{array.dtype}{list(array.shape)}", f"{expected}{list(want.shape)}"
        if said != due:
            return fail("A406", f"the {which} form returns {said}, not {due}", due, said)
    overload, budget, bounds = plan.overload, _BUDGET, _NOTHING
    own = overload.judge.get(overload.results[index].name, _BUDGET)
    fractions = dtypes.has_fractions(dtype) and dtypes.has_fractions(cast)
    narrow = dtype if fractions and eps_of(dtype) > eps_of(cast) else cast
    if own.kind == "free" or (overload.out_dtype == "any" and cast != dtype):  # computed in another dtype: unspecified
        return Judgement("pass", compared=False)
    if own.kind == "ulp":
        budget = Budget("ulp", 2 * own.amount)
    elif own.kind in ("accumulation", "conditioned"):
        answer = bench.expect(plain) or bench.ask(plain)
        budget, bounds = own, bench.bounds(plain, index, answer, numbers_of(overload))
    worst = measure(rounded(got.array, narrow), want.array, narrow, budget, bounds)
    said = f"the {form} form's result"
    if form == "reflected":  # either of the two may be wrong
        said += ", beside the plain call with a 0-d tensor,"
    return Judgement("pass", compared=False) if worst is None else beyond("A406", worst, said)


FACET = Facet("in-place", applies, trials, split=True, needs=("in-place",))

"""What a facet is: when it applies, which cases it runs, how it judges an outcome."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from assay.cases import calls
from assay.cases.case import Case
from assay.cases.draw import SHARES, drawn
from assay.cases.outcome import Array, Outcome, Raised
from assay.cases.plan import Plan
from assay.cases.walk import walk
from assay.judge.bench import Bench
from assay.judge.comparison import Comparison
from assay_reports.vocabulary import Effort
from assay_spec import dtypes
from assay_spec.domains import Axis, Focus
from assay_spec.model import Example, Misuse, Op, Overload, Scenario

_PARTS: Final = 3  # into which the dtypes of one kind divide a walk

Result = Literal["pass", "fail", "error", "unsupported", "self", "suite_error"]


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a trial does not pass."""

    code: str
    message: str
    expected: str = ""
    actual: str = ""
    budget: str | None = None
    index: tuple[int, ...] | None = None
    form: str | None = None  # what is wrong in general, where the message is about this case's numbers
    traceback: str = ""  # of what the candidate raised

    @property
    def general(self) -> str:
        """What is wrong in general, as far as that is said apart from the message."""
        return self.form or self.message


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict on one trial."""

    result: Result
    reason: Reason | None = None
    worst: Comparison | None = None
    excused: Mapping[str, int] = field(default_factory=dict)  # elements by the name of the excuse
    compared: bool = True
    fallback: bool = False


@dataclass(frozen=True, slots=True)
class Trial:
    """One case, and how its outcome is judged."""

    case: Case
    judge: Callable[[Bench], Judgement]
    plan: Plan | None = None  # that the case was made from
    again: Callable[[Plan], Trial | None] | None = None  # makes the same trial from a simpler plan, to shrink it
    about: Misuse | Example | Scenario | None = None  # the part of the spec that it was made from
    beside: Case | None = None  # another case that the judge asks the candidate for
    needs_oracle: bool = False  # nothing can be said of it without one


PASS = Judgement("pass")
SELF = Judgement("self")


@dataclass(frozen=True, slots=True)
class SamplingRequest:
    """Which dtype an item is about, and how many cases it may take."""

    dtype: str | None
    effort: Effort
    seed: int
    walk_only: bool = False

    @property
    def walked(self) -> int:
        return SHARES[self.effort][0]

    @property
    def random(self) -> int:
        return 0 if self.walk_only else SHARES[self.effort][1]


def drawn_trial(op: Op, plan: Plan, judge: Callable[[Case, Plan, Bench], Judgement], **how: Any) -> Trial:
    """Return the trial of a plan's call; `how` is passed to `calls.case`."""
    case = calls.case(op, plan, **how)
    return Trial(
        case, lambda bench: judge(case, plan, bench), plan, lambda simpler: drawn_trial(op, simpler, judge, **how)
    )


@dataclass(frozen=True, slots=True)
class Facet:
    """One aspect of an op that is tested."""

    name: str
    applies: Callable[[Op], bool]
    trials: Callable[[Op, SamplingRequest], Iterator[Trial]]
    split: bool = False  # one item for each dtype of the op's leading tensor
    dtypes: Callable[[Op], tuple[str, ...]] = lambda op: op.dtypes
    needs: tuple[str, ...] = ()  # features that a backend must have


def overloads(op: Op, dtype: str | None) -> list[Overload]:
    """Return the overloads whose leading tensor may have a dtype."""
    return [each for each in op.overloads if dtype is None or (each.lead is not None and dtype in each.lead.dtypes)]


def plans(
    op: Op,
    request: SamplingRequest,
    *axes: Axis,
    fits: Callable[[Overload], bool] = lambda overload: True,
    limit: int | None = None,
    divided: bool = True,
) -> Iterator[Plan]:
    """Yield the plans of an item: walked along the axes first, then drawn at random.

    What is `divided` the dtypes of one kind share among them.
    """
    chosen = [each for each in overloads(op, request.dtype) if fits(each)]
    for overload in chosen:
        focus = Focus(frozenset(axes), request.dtype, request.seed)
        share = max((limit or request.walked) // len(chosen), 6)
        walked = walk(overload, focus, share)
        yield from _part(overload, request.dtype, walked) if divided else walked
        if request.random and limit is None:
            yield from drawn(overload, focus, max(request.random // len(chosen), 1), request.seed)


def _part(overload: Overload, dtype: str | None, walked: Iterator[Plan]) -> Iterator[Plan]:
    """Yield what a dtype is asked of a walk: the first of its kind all of it, each other the plainest and a third.

    The thirds differ, so that three of a kind go the whole way together.
    """
    allowed = () if dtype is None or overload.lead is None else overload.lead.dtypes
    kin = [each for each in allowed if dtypes.kind(each) == dtypes.kind(str(dtype))]
    place = kin.index(dtype) if dtype in kin else 0
    for step, plan in enumerate(walked):
        if not place or not step or step % _PARTS == place % _PARTS:
            yield plan


def fail(code: str, message: str, expected: Any = "", actual: Any = "", **more: Any) -> Judgement:
    return Judgement("fail", Reason(code, message, str(expected), str(actual), **more))


def unanswered(outcome: Outcome) -> Judgement | None:
    """Judge a candidate that returned no result for a valid call; return None if it did."""
    if outcome.unsupported is not None:
        code = {"op": "A001", "dtype": "A002", "feature": "A003", "device": "A004"}[outcome.unsupported.kind]
        return Judgement(
            "unsupported", Reason(code, outcome.unsupported.message or f"no such {outcome.unsupported.kind}")
        )
    if outcome.raised is not None:
        code, raised = "A503" if outcome.during == "backward" else "A301", outcome.raised
        return Judgement(
            "error", Reason(code, f"raised {raised}", "an answer", str(raised), traceback=raised.traceback)
        )
    return None


def is_raised(due: str, outcome: Outcome) -> bool:
    """Return whether a call raised the due exception, even where its message says that the call is unsupported."""
    return outcome.raised is not None and due in outcome.raised.classes


def of_another_class(message: str, due: str, raised: Raised) -> Judgement:
    """Judge an exception of a class that is not due: a library with classes of its own raises them everywhere."""
    return fail("A303", message, due, raised, form=f"raises {raised.classes[0]}, not {due}")


def broken_oracle(outcome: Outcome) -> Judgement | None:
    """Judge an oracle that did not answer: an error of the suite, not of the candidate."""
    if outcome.raised is None and outcome.unsupported is None:
        return None
    why = outcome.raised or (outcome.unsupported and outcome.unsupported.message)
    return Judgement("suite_error", Reason("A901", f"the oracle did not answer: {why}"))


def beyond(code: str, worst: Comparison, what: str) -> Judgement:
    """Return the verdict on a measured array."""
    if worst.fraction <= 1:
        return Judgement("pass", worst=worst, excused=worst.excused)
    if code == "A101" and (worst.got in ("nan", "inf", "-inf") or worst.want in ("nan", "inf", "-inf")):
        code = "A102"
    if code == "A101" and {worst.got, worst.want} == {"0.0", "-0.0"}:
        code = "A103"
    ulps = f", {worst.ulp:.4g} ulp away" if worst.ulp else ""
    at = f" at {list(worst.index)}" if worst.index else ""
    reason = Reason(
        code,
        f"{what}{at} is {worst.got}, not {worst.want}{ulps}",
        worst.want,
        worst.got,
        worst.budget,
        worst.index,
        f"{what} differs",
    )
    return Judgement("fail", reason, worst, excused=worst.excused)


def gravest(judgements: list[Judgement]) -> Judgement:
    """Sum up the parts of one trial: the gravest that does not pass, else the one of the largest error/budget ratio."""
    for result in ("suite_error", "error", "fail", "unsupported", "self"):
        for each in judgements:
            if each.result == result:
                return each
    compared = [each for each in judgements if each.compared]
    if not compared:
        return Judgement("pass", compared=False)
    worst = max(compared, key=lambda each: each.worst.fraction if each.worst else -1.0)
    excused = sum((Counter(each.excused) for each in compared if each.excused), Counter())
    return replace(worst, excused=excused) if excused else worst


def describe(value: Any) -> str:
    """Return a short description of a result."""
    if isinstance(value, Array):
        return f"{value.dtype}{list(value.shape)}"
    return repr(value)

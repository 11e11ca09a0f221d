"""The hunt: one op's trials against one faulty backend after the other, until something notices."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

import numpy as np

from assay import spell
from assay.backends.base import Backend
from assay.bench import Bench
from assay.case import Array, Call, Case, Outcome, same
from assay.draw import Effort
from assay.engine import not_offered
from assay.facets.base import Asked, Judgement, Trial, describe
from assay.faults import faults_of
from assay.faults.base import Fault, Scene
from assay.items import Item, items_of
from assay.judge import show
from assay_reports.sharpness import Status, Verdict
from assay_spec.model import Op

_SHORT: Final = 200  # characters of an answer


@dataclass(frozen=True, slots=True)
class Noticed:
    """Where the suite first found fault."""

    item: str
    facet: str
    code: str
    cases: int  # how many cases of the op it took


@dataclass(frozen=True, slots=True)
class Record:
    """One trial, what was asked of the good backend on its behalf, and the bench it was judged on."""

    item: Item
    trial: Trial
    asked: tuple[tuple[Case, Outcome], ...]
    bench: Bench


class Listening(Backend):
    """A backend that remembers what it was asked and what it answered."""

    def __init__(self, good: Backend) -> None:
        self.good, self.capabilities = good, good.capabilities
        self.heard: list[tuple[Case, Outcome]] = []

    def perform(self, case: Case) -> Outcome:
        outcome = self.good.perform(case)
        self.heard.append((case, outcome))
        return outcome


class Faulty(Backend):
    """A good backend with one fault, which has been asked some cases already."""

    def __init__(self, fault: Fault, scene: Scene, asked: Iterable[tuple[Case, Outcome]]) -> None:
        self.fault, self.scene, self.asked = fault, scene, asked
        self.capabilities = scene.bench.candidate.capabilities

    def perform(self, case: Case) -> Outcome:
        known = next((outcome for each, outcome in self.asked if each is case), None)
        return self.fault.answer(case, known or self.scene.ask(case), self.scene)


class Hunt:
    """The trials of one op, asked of a good backend once, and then of each faulty one where it answers otherwise."""

    def __init__(self, op: Op, good: Backend, oracle: Backend, *, effort: Effort = "standard", seed: int = 0) -> None:
        self.op, self.bench, self.effort, self.seed = op, Bench(good, oracle), effort, seed

    def verdicts(self) -> Iterator[Verdict]:
        """Judge every fault that the op's spec makes possible."""
        for fault in faults_of(self.op):
            verdict = self.verdict(fault)
            if verdict is not None:
                yield verdict

    def verdict(self, fault: Fault) -> Verdict | None:
        """Say what became of one fault; None where no call shows it."""
        witness: tuple[Case, Outcome, Outcome] | None = None
        memory: dict[Any, Any] = {}
        for cases, record in enumerate(self.records, 1):
            scene = Scene(self.op, record.item.facet, record.trial, record.bench, memory)
            other = self._difference(fault, record, scene)
            if other is None:
                continue
            witness = witness or other
            judgement = record.item.question.judge(
                self.op, record.trial, record.bench.with_candidate(Faulty(fault, scene, record.asked))
            )
            if _is_finding(judgement):
                assert judgement.finding is not None
                noticed = Noticed(record.item.id, record.item.facet, judgement.finding.code, cases)
                return self._verdict(fault, witness, noticed)
        if witness is None:
            witness = next(self._further(fault), None)
        return None if witness is None else self._verdict(fault, witness, None)

    def _verdict(self, fault: Fault, witness: tuple[Case, Outcome, Outcome], noticed: Noticed | None) -> Verdict:
        case, right, wrong = witness
        because = self.op.both_right.get(fault.name)
        outcome: Status = "noticed" if noticed else "survived" if because is None else "both right"
        return Verdict(
            op=self.op.name,
            area=self.op.area,
            fault=fault.name,
            kind=fault.kind,
            outcome=outcome,
            facet=noticed.facet if noticed else None,
            item=noticed.item if noticed else None,
            code=noticed.code if noticed else None,
            cases=noticed.cases if noticed else len(self.records),
            call=spell.one_line(case),
            right=_brief(right, wrong),
            wrong=_brief(wrong, right),
            snippet="" if noticed else self.bench.candidate.spell(case),
            because=because,
        )

    @cached_property
    def records(self) -> list[Record]:
        """Every trial of the op that the good backend passes."""
        found = []
        for item, trial in self._trials(self.effort, self.seed):
            listening = Listening(self.bench.candidate)
            bench = self.bench.with_candidate(listening)
            judgement = item.question.judge(self.op, trial, bench)
            if not _is_finding(judgement):
                good = bench.with_candidate(self.bench.candidate)
                found.append(Record(item, trial, tuple(listening.heard), good))
        return found

    @cached_property
    def _deeper(self) -> list[Record]:
        """Further calls, to look for a difference where the suite's own show none."""
        trials = self._trials("deep", self.seed + 1, walk_only=True)
        return [Record(item, trial, ((trial.case, self.bench.ask(trial.case)),), self.bench) for item, trial in trials]

    def _trials(self, effort: Effort, seed: int, *, walk_only: bool = False) -> Iterator[tuple[Item, Trial]]:
        for item in items_of(self.op):
            if not_offered(item, self.bench.candidate) is None:
                for trial in item.question.trials(self.op, Asked(item.dtype, effort, seed, walk_only)):
                    yield item, trial

    def _difference(self, fault: Fault, record: Record, scene: Scene) -> tuple[Case, Outcome, Outcome] | None:
        for case, outcome in record.asked:
            answer = fault.answer(case, outcome, scene)
            if not same(_told(case, answer), _told(case, outcome)):
                return case, outcome, answer
        return None

    def _further(self, fault: Fault) -> Iterator[tuple[Case, Outcome, Outcome]]:
        for record in self._deeper:
            found = self._difference(fault, record, Scene(self.op, record.item.facet, record.trial, self.bench))
            if found is not None:
                yield found


def _told(case: Case, outcome: Outcome) -> Outcome:
    """Leave out what is random and was not seeded: how a module started that was given its parameters then."""
    if not isinstance(case, Call) or case.module is None or not case.module.state or case.seed is not None:
        return outcome
    return replace(outcome, state={name: each for name, each in outcome.state.items() if name.endswith(".after")})


def _is_finding(judgement: Judgement) -> bool:
    return judgement.result in ("fail", "error")


def _brief(outcome: Outcome, other: Outcome) -> str:
    """Say in a line what sets an outcome apart from another."""
    if outcome.raised is not None:
        return f"raises {outcome.raised}"[:_SHORT]
    names = ("results", "gradients", "changed", "shares", "returned_self", "state", "values")
    words = [each for name in names for each in _apart(name, getattr(outcome, name), getattr(other, name))]
    return ", ".join(words)[:_SHORT]


def _apart(name: str, value: Any, other: Any) -> Iterator[str]:
    """Write the parts of a value that are not another's."""
    if same(value, other):
        return
    if isinstance(value, Mapping) and isinstance(other, Mapping):
        yield from (f"no {name} {key}" for key in other if key not in value)
        for key, each in value.items():
            yield from _apart(f"{name} {key}", each, other.get(key))
    elif isinstance(value, tuple) and isinstance(other, tuple) and len(value) == len(other):
        for each, its in zip(value, other, strict=True):
            yield from _apart(name, each, its)
    elif isinstance(value, Array) and isinstance(other, Array) and describe(value) == describe(other):
        bits = [np.ascontiguousarray(each.array).reshape(-1, 1).view(np.uint8) for each in (value, other)]
        place = int(np.argmax((bits[0] != bits[1]).any(axis=1)))
        yield f"{name} {show(value.array.reshape(-1)[place])} at {place}"
    else:
        yield f"{name} {sorted(value) if isinstance(value, frozenset) else describe(value)}"

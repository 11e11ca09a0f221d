"""The hunt: one op's trials run against each of its mutants, until one kills it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np

from assay.backends.base import Backend
from assay.cases import spelling
from assay.cases.case import Case
from assay.cases.content import same
from assay.cases.outcome import Array, Outcome
from assay.facets.base import Judgement, SamplingRequest, Trial, describe
from assay.judge.bench import Bench
from assay.judge.comparison import show
from assay.mutants.families import mutants_of
from assay.mutants.mutant import Mutant, Scene
from assay.running.engine import not_offered
from assay.running.items import Item, items_of
from assay_reports.mutants import Status, Verdict
from assay_reports.vocabulary import Effort
from assay_spec.model import Op

_SHORT: Final = 200  # characters of an answer


@dataclass(frozen=True, slots=True)
class Kill:
    """The first trial that killed a mutant."""

    item: str
    facet: str
    code: str
    cases: int  # how many cases of the op it took


@dataclass(frozen=True, slots=True)
class Record:
    """One trial, the cases that it ran on the good backend with their outcomes, and the bench it was judged on."""

    item: Item
    trial: Trial
    asked: tuple[tuple[Case, Outcome], ...]
    bench: Bench


class RecordingBackend(Backend):
    """A backend that records its cases and outcomes."""

    def __init__(self, good: Backend) -> None:
        self.good, self.capabilities = good, good.capabilities
        self.calls: list[tuple[Case, Outcome]] = []

    def perform(self, case: Case) -> Outcome:
        outcome = self.good.perform(case)
        self.calls.append((case, outcome))
        return outcome


class MutatedBackend(Backend):
    """A good backend that answers as one mutant would; the good answers to some cases are known already."""

    def __init__(self, mutant: Mutant, scene: Scene, asked: Iterable[tuple[Case, Outcome]]) -> None:
        self.mutant, self.scene, self.asked = mutant, scene, asked
        self.capabilities = scene.bench.candidate.capabilities

    def perform(self, case: Case) -> Outcome:
        known = next((outcome for each, outcome in self.asked if each is case), None)
        return self.mutant.answer(case, known or self.scene.ask(case), self.scene)


class Hunt:
    """The trials of one op: run once on a good backend, then on each mutant that answers them otherwise."""

    def __init__(self, op: Op, good: Backend, oracle: Backend, *, effort: Effort = "standard", seed: int = 0) -> None:
        self.op, self.bench, self.effort, self.seed = op, Bench(good, oracle), effort, seed

    def verdicts(self) -> Iterator[Verdict]:
        """Yield the verdict on every mutant of the op that changes the outcome of some call."""
        for mutant in mutants_of(self.op):
            verdict = self.verdict(mutant)
            if verdict is not None:
                yield verdict

    def verdict(self, mutant: Mutant) -> Verdict | None:
        """Return the verdict on one mutant, or None if it changes the outcome of no call."""
        witness: tuple[Case, Outcome, Outcome] | None = None
        memory: dict[Any, Any] = {}
        for cases, record in enumerate(self.records, 1):
            scene = Scene(self.op, record.item.facet, record.trial, record.bench, memory)
            other = self._difference(mutant, record, scene)
            if other is None:
                continue
            witness = witness or other
            mutated = MutatedBackend(mutant, scene, record.asked)
            judgement = record.trial.judge(record.bench.with_candidate(mutated))
            if _is_finding(judgement):
                assert judgement.reason is not None
                killed = Kill(record.item.id, record.item.facet, judgement.reason.code, cases)
                return self._verdict(mutant, witness, killed)
        if witness is None:
            witness = next(self._further(mutant), None)
        return None if witness is None else self._verdict(mutant, witness, None)

    def _verdict(self, mutant: Mutant, witness: tuple[Case, Outcome, Outcome], killed: Kill | None) -> Verdict:
        case, original, mutated = witness
        because = self.op.equivalent.get(mutant.name)
        status: Status = "killed" if killed else "survived" if because is None else "equivalent"
        return Verdict(
            op=self.op.name,
            area=self.op.area,
            mutant=mutant.name,
            kind=mutant.kind,
            status=status,
            facet=killed.facet if killed else None,
            item=killed.item if killed else None,
            code=killed.code if killed else None,
            cases=killed.cases if killed else len(self.records),
            call=spelling.one_line(case),
            original=_brief(original, mutated),
            mutated=_brief(mutated, original),
            snippet="" if killed else self.bench.candidate.spell(case),
            because=because,
        )

    @cached_property
    def records(self) -> list[Record]:
        """The trials of the op that the good backend passes."""
        found = []
        for item, trial in self._trials(self.effort, self.seed):
            listening = RecordingBackend(self.bench.candidate)
            bench = self.bench.with_candidate(listening)
            judgement = trial.judge(bench)
            if not _is_finding(judgement):
                good = bench.with_candidate(self.bench.candidate)
                found.append(Record(item, trial, tuple(listening.calls), good))
        return found

    @cached_property
    def _deeper(self) -> list[Record]:
        """Deep trials with another seed, for mutants that change no outcome in the suite's own trials."""
        trials = self._trials("deep", self.seed + 1, walk_only=True)
        return [Record(item, trial, ((trial.case, self.bench.ask(trial.case)),), self.bench) for item, trial in trials]

    def _trials(self, effort: Effort, seed: int, *, walk_only: bool = False) -> Iterator[tuple[Item, Trial]]:
        for item in items_of(self.op):
            if not_offered(item, self.bench.candidate.capabilities) is None:
                for trial in item.trials(SamplingRequest(item.dtype, effort, seed, walk_only)):
                    yield item, trial

    def _difference(self, mutant: Mutant, record: Record, scene: Scene) -> tuple[Case, Outcome, Outcome] | None:
        for case, outcome in record.asked:
            answer = mutant.answer(case, outcome, scene)
            if not same(answer, outcome):
                return case, outcome, answer
        return None

    def _further(self, mutant: Mutant) -> Iterator[tuple[Case, Outcome, Outcome]]:
        for record in self._deeper:
            found = self._difference(mutant, record, Scene(self.op, record.item.facet, record.trial, self.bench))
            if found is not None:
                yield found


def _is_finding(judgement: Judgement) -> bool:
    return judgement.result in ("fail", "error")


def _brief(outcome: Outcome, other: Outcome) -> str:
    """Return in a line how an outcome differs from another."""
    if outcome.raised is not None:
        return f"raises {outcome.raised}"[:_SHORT]
    names = ("results", "gradients", "second", "changed", "shares", "returned_self")
    words = [each for name in names for each in _apart(name, getattr(outcome, name), getattr(other, name))]
    return ", ".join(words)[:_SHORT]


def _apart(name: str, value: Any, other: Any) -> Iterator[str]:
    """Yield the parts of a value that differ from another's, as text."""
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
        index = int(np.argmax((bits[0] != bits[1]).any(axis=1)))
        yield f"{name} {show(value.array.reshape(-1)[index])} at {index}"
    elif isinstance(value, tuple):
        yield f"{name} {', '.join(map(describe, value)) or 'none'}"
    else:
        yield f"{name} {sorted(value) if isinstance(value, frozenset) else describe(value)}"

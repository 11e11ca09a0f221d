"""The hunt of one source mutant: the items that run its line, until one of them shows it."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Final

from assay.backends.base import Backend, BackendUnusable, ProcessError
from assay.cases.case import Case
from assay.cases.content import same
from assay.cases.outcome import Outcome
from assay.facets.base import SamplingRequest, Trial
from assay.judge.bench import Bench
from assay.mutants.source.covering import Reach
from assay.mutants.source.making import SourceMutant
from assay.mutants.source.mutated import MutantBackend
from assay.running.engine import judge, not_offered
from assay.running.items import Item, items_of
from assay_reports.vocabulary import BROKEN, Effort
from assay_spec import load_corpus

_ITEMS: Final[Mapping[Effort, int]] = {"quick": 300, "standard": 40, "deep": 40}  # that a mutant is hunted by
_TIME_LIMIT: Final = 15.0  # seconds for a case: a mutant may loop for ever
_AHEAD: Final = 32  # cases that the mutant is sent before they are compared
_SHOWS: Final = BROKEN - {"suite_error"} | {"unsupported"}  # what shows a mutant, for the reference offers all


@dataclass(frozen=True, slots=True)
class Kill:
    """What showed a mutant: an item, the code of its finding, and how many cases it took."""

    item: str
    code: str
    cases: int


@dataclass(frozen=True, slots=True)
class Hunted:
    """What became of a mutant: which items were tried, in how many cases, and which of them killed it."""

    items: int
    cases: int
    differs: bool  # whether it answered any case otherwise
    kill: Kill | None = None


class Answered(Backend):
    """A backend whose answers to some cases are known."""

    def __init__(self, backend: Backend, answers: Sequence[tuple[Case, Outcome]]) -> None:
        self.backend, self.answers, self.capabilities = backend, answers, backend.capabilities

    def perform(self, case: Case) -> Outcome:
        known = next((outcome for each, outcome in self.answers if each is case), None)
        return known or self.backend.perform(case)


class SourceHunt:
    """Hunts mutants of the reference in this process, which holds the good one, the oracle and the items' cases."""

    def __init__(self, good: Backend, oracle: Backend, *, effort: Effort = "standard", seed: int = 0) -> None:
        self.good, self.oracle, self.seed = good, oracle, seed
        self.efforts: tuple[Effort, ...] = ("quick",) if effort == "quick" else ("quick", effort)
        self._cached = lru_cache(maxsize=4096)(self._answered)

    def hunted(self, mutant: SourceMutant, reach: Reach) -> Hunted:
        """Return what became of a mutant: its items are tried at quick effort, and some then at another."""
        try:
            candidate = MutantBackend(mutant, time_limit=_TIME_LIMIT)
        except BackendUnusable:
            return Hunted(0, 0, True, Kill("import", "A801", 0))
        try:
            return self._hunted(candidate, mutant, reach)
        finally:
            candidate.restart()

    def _hunted(self, candidate: Backend, mutant: SourceMutant, reach: Reach) -> Hunted:
        tried, cases, differs = set(), 0, False
        for effort in self.efforts:
            for name in queue(mutant, reach, effort):
                tried.add(name)
                for code in self._codes(candidate, name, effort):
                    cases += 1
                    differs |= code is not None
                    if code:
                        return Hunted(len(tried), cases, True, Kill(name, code, cases))
        return Hunted(len(tried), cases, differs)

    def _codes(self, candidate: Backend, name: str, effort: Effort) -> Iterator[str | None]:
        """Yield for each trial of an item how it shows a mutant: a code, none where the answer is the good one.

        It is an empty text where the answer is another one, and judged right.
        """
        item = _item(name)
        known = self._cached(name) if effort == "quick" else self._performed(item, effort)
        waiting: deque[tuple[Trial, tuple[Outcome, ...]]] = deque()
        for trial, right in known:
            for case in cases_of(trial):
                candidate.prepare(case)
            waiting.append((trial, right))
            if len(waiting) > _AHEAD:
                yield self._compared(candidate, item, *waiting.popleft())
        while waiting:
            yield self._compared(candidate, item, *waiting.popleft())

    def _compared(self, candidate: Backend, item: Item, trial: Trial, right: tuple[Outcome, ...]) -> str | None:
        try:
            found = tuple(candidate.perform(case) for case in cases_of(trial))
        except ProcessError as error:
            return type(error).__name__
        if same(found, right):
            return None
        answers = list(zip(cases_of(trial), found, strict=True))
        return self._judged(Answered(candidate, answers), item, trial)

    def _judged(self, candidate: Backend, item: Item, trial: Trial) -> str:
        """Return the code by which an item's trial is wrong for a mutant and right for the good reference, or ''."""
        bench = Bench(candidate, self.oracle)
        verdict = judge(item, trial, bench)
        if verdict.outcome not in _SHOWS:
            return ""
        good = judge(item, trial, bench.with_candidate(self.good))
        return verdict.reason.code if verdict.reason and good.outcome not in _SHOWS else ""

    def _answered(self, name: str) -> list[tuple[Trial, tuple[Outcome, ...]]]:
        return list(self._performed(_item(name), "quick"))

    def _performed(self, item: Item, effort: Effort) -> Iterator[tuple[Trial, tuple[Outcome, ...]]]:
        """Yield the trials of an item with the good reference's answers."""
        for trial in trials_of(item, self.good, effort, self.seed):
            yield trial, tuple(map(self.good.perform, cases_of(trial)))


def cases_of(trial: Trial) -> list[Case]:
    """Return the cases that a trial's judge is sure to ask for."""
    return [each for each in (trial.beside, trial.case) if each is not None]


def trials_of(item: Item, good: Backend, effort: Effort, seed: int) -> Iterator[Trial]:
    """Yield the trials of an item, none where the reference does not offer it."""
    if not_offered(item, good.capabilities) is None:
        yield from item.trials(SamplingRequest(item.dtype, effort, seed))


@cache
def _item(name: str) -> Item:
    op = load_corpus()[name.partition("::")[0]].within("current")
    assert op is not None
    return next(item for item in items_of(op) if item.id == name)


def queue(mutant: SourceMutant, reach: Reach, effort: Effort) -> list[str]:
    """Return the items that a mutant is hunted by: those that run its line before others nearby.

    Where none runs its line, those nearby are tried with more cases only, of which one may come by.
    """
    names = order(reach.direct, mutant)
    if reach.imported or effort != "quick":
        names += order(reach.near, mutant)
    return names[: _ITEMS[effort]]


def order(items: Sequence[str], mutant: SourceMutant) -> list[str]:
    """Return items in a mixed order, always the same: one of each op and facet before a second one of any."""
    mixed = sorted(items, key=lambda name: hashlib.sha256(f"{mutant.identity} {name}".encode()).digest())
    seen: dict[str, int] = {}
    rounds: list[tuple[int, int, str]] = []
    for name in mixed:
        group = name.partition("[")[0]
        rounds.append((seen.setdefault(group, 0), len(rounds), name))
        seen[group] += 1
    return [name for *_, name in sorted(rounds)]

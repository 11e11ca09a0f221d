"""One run: its settings, its backends, the items it has planned, and the file its results go to."""

from __future__ import annotations

import platform
import shlex
import sys
import uuid
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import cached_property
from importlib.metadata import version
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np

from assay.backends.base import Backend
from assay.backends.discover import open_backend
from assay.backends.self_check import self_check
from assay.facets.base import Finding, SamplingRequest
from assay.judge.bench import Bench
from assay.running import engine
from assay.running.interrupts import interruptible
from assay.running.items import Item, plan
from assay.settings import Settings
from assay_reports import query
from assay_reports.results import Event, Result, ResultsWriter, Tally, read_results
from assay_reports.vocabulary import BROKEN
from assay_spec import load_corpus
from assay_spec.model import Corpus

if TYPE_CHECKING:
    from assay_reports.expectations import Expectations


def oracle_for(settings: Settings) -> str | None:
    """Return the oracle's name: PyTorch if it is installed, else the reference, which cannot judge itself."""
    if settings.oracle is not None:
        return None if settings.oracle == "none" else settings.oracle
    if find_spec("torch") is not None:
        return "torch"
    return None if settings.backend == "reference" else "reference"


class Session:
    """A run in progress; in a worker process it measures, in the controlling one it records."""

    def __init__(self, settings: Settings, *, records: bool = True) -> None:
        self.settings = settings
        self.records = records
        self.corpus: Corpus = load_corpus()
        self.stop_reason: str | None = None
        self.on_result: Callable[[Result], None] = lambda result: None
        self._writer: ResultsWriter | None = None
        self._results: dict[str, Result] = {}
        self._finished = False

    @cached_property
    def planned(self) -> list[Item]:
        """All items of the run, those included that an earlier run has measured."""
        settings = self.settings
        return plan(self.corpus, edition=settings.edition, query=query.parse(settings.filter), shard=settings.part)

    @cached_property
    def done(self) -> dict[str, Result]:
        """The results that the file holds already, if the run resumes one; items that did not run are run now."""
        path = self.settings.results
        if not self.settings.resume or path is None or not path.exists():
            return {}
        return {each.id: each for each in read_results(path).results if each.outcome != "not_run"}

    @cached_property
    def due(self) -> list[Item]:
        """The items that are left to run."""
        return [item for item in self.planned if item.id not in self.done]

    @cached_property
    def candidate(self) -> Backend:
        chosen = self.settings
        return open_backend(chosen.backend, device=chosen.device, isolate=chosen.isolate, time_limit=chosen.time_limit)

    @cached_property
    def oracle(self) -> Backend | None:
        name = oracle_for(self.settings)
        return None if name is None else open_backend(name)

    @cached_property
    def bench(self) -> Bench:
        return Bench(self.candidate, self.oracle)

    @cached_property
    def expectations(self) -> Expectations | None:
        if self.settings.expect is None:
            return None
        from assay_reports.expectations import Expectations

        return Expectations.load(self.settings.expect)

    def measure(self, item: Item) -> tuple[Result, list[Event]]:
        """Run one item."""
        settings = self.settings
        with interruptible():
            return engine.measure(
                item, self.bench, effort=settings.effort, seed=settings.seed, edition=settings.edition
            )

    def is_expected(self, result: Result) -> bool:
        """Return whether a failure is a known one."""
        return self.expectations is not None and self.expectations.covers(result)

    def failed(self, results: Iterable[Result]) -> bool:
        """Return whether some results hold a failure that is not known."""
        return any(each.outcome in BROKEN and not self.is_expected(each) for each in results)

    def cut_short(self, item: Item, why: str) -> Result:
        """Return the result of an item that a time limit, or an error of the suite, stopped from outside."""
        outcome, code = ("timeout", "A802") if "Timeout" in why else ("suite_error", "A901")
        return self._ended(item, outcome, Finding(code, why))

    def _ended(self, item: Item, outcome: str, why: Finding) -> Result:
        request = SamplingRequest(item.dtype, self.settings.effort, self.settings.seed)
        return engine.ended(item, request, self.settings.edition, self.settings.device, outcome, why)

    def start(self) -> None:
        """Open the results file: every path is checked before anything runs."""
        _ = self.expectations
        self_check(self.candidate)
        if self.oracle is not None:
            self_check(self.oracle)
        if self.settings.results is not None:
            self._results.update(self.done)
            self._writer = ResultsWriter(self.settings.results, self.header(), resume=self.settings.resume)

    def header(self) -> dict[str, Any]:
        """Describe the run, as the first line of its results."""
        settings = self.settings
        has = self.candidate.capabilities
        oracle = self.oracle.capabilities if self.oracle else None
        return {
            "run_id": uuid.uuid4().hex[:12],
            "suite": {
                "version": version("assay"),
                "spec_hash": self.corpus.spec_hash,
                "torch": self.corpus.torch,
            },
            "settings": settings.given("repro"),
            "edition": settings.edition,
            "backend": {
                "name": has.name,
                "version": has.version,
                "language": has.language,
                "device": has.device,
                "devices": list(has.devices),
                "dtypes": list(has.dtypes),
                "features": list(has.features),
            },
            "oracle": {"name": oracle.name, "version": oracle.version} if oracle else {"name": "none", "version": ""},
            "env": {
                "python": platform.python_version(),
                "platform": platform.platform(),
                "numpy": np.__version__,
            },
            "selection": {
                "filter": settings.filter,
                "effort": settings.effort,
                "facets": None,
                "shard": None if settings.part == (1, 1) else settings.shard,
            },
            "seed": settings.seed,
            "planned": len(self.planned),
            "started": datetime.now(UTC).isoformat(timespec="seconds"),
            "command": shlex.join(["assay", *sys.argv[1:]]),
        }

    def record(self, result: Result, events: Sequence[Event] = ()) -> None:
        """Write a result at once, so that a killed run loses no result; an item's first result counts."""
        if result.id in self._results:
            return
        self._results[result.id] = result
        if self._writer is not None:
            for event in events:
                self._writer.event(event)
            self._writer.result(result)
        self.on_result(result)

    def record_crash(self, nodeid: str, why: str) -> None:
        """Record an item whose worker process died."""
        item = next((each for each in self.planned if each.id == nodeid), None)
        if item is not None:
            self.record(self._ended(item, "crash", Finding("A801", why)))

    def finish(self) -> None:
        """Write the footer."""
        if self._finished:
            return
        self._finished = True
        if self._writer is not None:
            complete = self.stop_reason is None and all(item.id in self._results for item in self.planned)
            counts = Tally.over(self._results.values()).counts
            self._writer.footer(complete=complete, counts=counts, stop_reason=self.stop_reason)
            self._writer.close()

    def close(self) -> None:
        """Close the backends."""
        for name in ("candidate", "oracle"):
            backend = self.__dict__.get(name)
            if backend is not None:
                backend.close()

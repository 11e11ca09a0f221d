"""One run: its settings, its backends, the items it has planned, and the file its results go to."""

from __future__ import annotations

import platform
import shlex
import sys
import warnings
from collections.abc import Callable, Sequence
from functools import cached_property
from importlib.metadata import version
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np

from assay.backends.base import Backend, BackendUnusable, Capabilities
from assay.backends.discover import open_candidate, open_oracle
from assay.backends.self_check import self_check, trusted
from assay.facets.base import Reason, SamplingRequest
from assay.judge.bench import Bench
from assay.running import engine
from assay.running.interrupts import interruptible
from assay.running.items import Item, plan
from assay.settings import Settings
from assay_reports import query
from assay_reports.printable import printable
from assay_reports.records import (
    SCHEMA_VERSION,
    Candidate,
    Environment,
    Event,
    Footer,
    Header,
    Oracle,
    Result,
    Selection,
    Suite,
)
from assay_reports.results import ResultsWriter, Run, Tally, now, unfinished
from assay_reports.vocabulary import BROKEN
from assay_spec import load_corpus
from assay_spec.model import Corpus
from assay_spec.suggestion import suggestion

if TYPE_CHECKING:
    from assay_reports.expectations import Comparison, Expectations


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
        run = unfinished(path) if self.settings.resume and path is not None else None
        return {each.id: each for each in run.results if each.outcome != "not_run"} if run else {}

    @cached_property
    def due(self) -> list[Item]:
        """The items that are left to run."""
        return [item for item in self.planned if item.id not in self.done]

    @cached_property
    def candidate(self) -> Backend:
        """The candidate, checked; a dtype that it cannot take in and return is not asked for."""
        candidate = open_candidate(self.settings)
        try:
            lost = trusted(candidate)
        except BackendUnusable:
            candidate.close()
            raise
        if self.records:
            self._tell(candidate.capabilities, lost)
        return candidate

    def _tell(self, has: Capabilities, lost: Sequence[str]) -> None:
        """Print what the author of a backend should know before a run."""
        odd = [name for name in has.ops or () if name not in self.corpus.ops]
        notes = [
            f"it offers {name!r}, which is no op of the corpus ({suggestion(name, self.corpus.ops)})" for name in odd
        ]
        told = [f"{words}; that dtype is not judged" for words in lost]
        told += [f"{has.name}: {words}" for words in (*notes, *has.notes)]
        for line in told:
            print(printable(line), file=sys.stderr)

    @cached_property
    def oracle(self) -> Backend | None:
        name = oracle_for(self.settings)
        return None if name is None else open_oracle(name)

    @cached_property
    def bench(self) -> Bench:
        return Bench(self.candidate, self.oracle)

    @cached_property
    def expectations(self) -> Expectations | None:
        if self.settings.expect is None:
            return None
        if not self.settings.expect.is_file():
            raise ValueError(f"--expect {self.settings.expect}: no such file; `assay expect update` writes one")
        from assay_reports.expectations import Expectations

        return Expectations.load(self.settings.expect)

    def measure(self, item: Item) -> tuple[Result, list[Event]]:
        """Run one item."""
        settings = self.settings
        with interruptible(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the oracle, whatever the settings of the project that runs us
            return engine.measure(
                item, self.bench, effort=settings.effort, seed=settings.seed, edition=settings.edition
            )

    def is_expected(self, result: Result) -> bool:
        """Return whether a failure is a known one."""
        return self.expectations is not None and self.expectations.covers(result)

    @property
    def holds(self) -> bool:
        """Whether nothing is wrong but what is expected, exactly."""
        if self.compared is not None:
            return self.compared.holds
        return not any(each.outcome in BROKEN for each in self._results.values())

    @cached_property
    def compared(self) -> Comparison | None:
        """How the run compares with what is expected, if anything is."""
        if self.expectations is None:
            return None
        return self.expectations.compare(Run(self.header(), tuple(self._results.values()), footer=self._footer()))

    def cut_short(self, item: Item, why: str) -> Result:
        """Return the result of an item that a time limit, or an error of the suite, stopped from outside."""
        outcome, code = ("timeout", "A802") if "Timeout" in why else ("suite_error", "A901")
        return self._ended(item, outcome, Reason(code, why))

    def _ended(self, item: Item, outcome: str, why: Reason) -> Result:
        request = SamplingRequest(item.dtype, self.settings.effort, self.settings.seed)
        return engine.ended(item, request, self.settings.edition, self.settings.device, outcome, why)

    def check(self) -> None:
        """Check all that was typed, before anything runs: the oracle is opened first, then the candidate."""
        if not self.planned:
            raise ValueError("nothing to run: no item matches the filter")
        _ = self.expectations
        if self.oracle is not None:
            self_check(self.oracle)
        if self.records and "candidate" not in self.__dict__:
            print(f"values are judged by {self._named_oracle()}", file=sys.stderr)
        _ = self.candidate, self.due

    def _named_oracle(self) -> str:
        if self.oracle is None:
            return "nobody: only what needs no oracle is judged"
        has = self.oracle.capabilities
        return f"{has.name} {has.version}" + (f" ({has.file})" if has.file else "")

    def start(self) -> None:
        """Open the results file."""
        self.check()
        if self.settings.results is not None:
            self._results.update(self.done)
            self._writer = ResultsWriter(self.settings.results, self.header(), resume=self.settings.resume)

    def terminate(self) -> None:
        """Take note that the run is stopped from outside."""
        self.stop_reason = "terminated"

    def header(self) -> Header:
        """Describe the run, as the first line of its results."""
        settings = self.settings
        has = self.candidate.capabilities
        return Header(
            schema_version=SCHEMA_VERSION,
            suite=Suite(version("assay"), self.corpus.spec_hash, self.corpus.torch),
            settings=settings.given("repro"),
            edition=settings.edition,
            backend=Candidate(
                has.name,
                has.version,
                has.language,
                has.device,
                has.devices,
                has.dtypes,
                tuple(has.features),
                has.flushes_subnormals,
            ),
            oracle=self._judge(),
            env=Environment(platform.python_version(), platform.platform(), np.__version__),
            selection=Selection(settings.filter, settings.effort, "" if settings.part == (1, 1) else settings.shard),
            seed=settings.seed,
            planned=len(self.planned),
            started=now(),
            command=shlex.join(["assay", *sys.argv[1:]]),
        )

    def _judge(self) -> Oracle:
        if self.oracle is None:
            return Oracle("none")
        has = self.oracle.capabilities
        return Oracle(has.name, has.version, has.file)

    def record(self, result: Result, events: Sequence[Event] = ()) -> None:
        """Write a result at once, so that a killed run loses no result; an item's first result counts."""
        if result.id in self._results:
            return
        self._results[result.id] = result
        if self._writer is not None:
            self._writer.result(result, events)
        self.on_result(result)

    def record_lost(self, nodeid: str, why: str) -> None:
        """Record an item whose worker process of the suite died: it did not run, and a resumed run asks for it."""
        item = next((each for each in self.planned if each.id == nodeid), None)
        if item is not None:
            self.record(self._ended(item, "not_run", Reason("A005", why)))

    def finish(self) -> None:
        """Put the results in order, and write the footer."""
        if self._finished:
            return
        self._finished = True
        if self._writer is not None:
            self._writer.finish(self._footer(), (item.id for item in self.planned))

    def _footer(self) -> Footer:
        """Say how the run ended; it is complete where every item ran, or was stopped for what it does."""
        ran = {id for id, result in self._results.items() if result.outcome != "not_run" or result.code == "A805"}
        complete = self.stop_reason is None and all(item.id in ran for item in self.planned)
        return Footer(complete, Tally.over(self._results.values()).counts, self.stop_reason, now())

    def close(self) -> None:
        """Close the backends, and the results file if the run did not come to its end."""
        if self._writer is not None:
            self._writer.close()
        for name in ("candidate", "oracle"):
            backend = self.__dict__.get(name)
            if backend is not None:
                backend.close()

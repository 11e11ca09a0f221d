"""One run: its settings, its backends, the items it has planned, and the file its results go to."""

from __future__ import annotations

import argparse
import platform
import shlex
import sys
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from assay.backends.base import Backend
from assay.backends.discover import open_backend
from assay.backends.self_check import self_check
from assay.cases.draw import Effort
from assay.facets.base import Asked, Finding
from assay.judge.bench import Bench
from assay.running import engine
from assay.running.interrupts import interruptible
from assay.running.items import Item, plan
from assay_reports import query
from assay_reports.expectations import Expectations
from assay_reports.results import ResultsWriter, read_results
from assay_spec import load_corpus
from assay_spec.model import Corpus, Edition


@dataclass(frozen=True, slots=True)
class Settings:
    """What a run was asked to do."""

    backend: str
    oracle: str | None = None
    device: str = "cpu"
    filter: str = ""
    edition: Edition = "current"
    effort: Effort = "standard"
    seed: int = 0
    shard: tuple[int, int] = (1, 1)
    isolate: bool = False
    time_limit: float = 30.0
    results: Path | None = None
    expect: Path | None = None
    resume: bool = False

    @classmethod
    def of(cls, option: argparse.Namespace) -> Settings:
        """Read the settings off pytest's options."""
        part, _, parts = option.assay_shard.partition("/")
        return cls(
            backend=option.assay_backend,
            oracle=option.assay_oracle,
            device=option.assay_device,
            filter=option.assay_filter,
            edition=option.assay_edition,
            effort=option.assay_effort,
            seed=option.assay_seed,
            shard=(int(part), int(parts)),
            isolate=option.assay_isolate,
            time_limit=option.assay_time_limit,
            results=option.assay_results,
            expect=option.assay_expect,
            resume=option.assay_resume,
        )


def oracle_for(backend: str, wanted: str | None) -> str | None:
    """Choose whose answer counts: PyTorch where it is installed, else the reference, which is no oracle of its own."""
    if wanted is not None:
        return None if wanted == "none" else wanted
    if find_spec("torch") is not None:
        return "torch"
    return None if backend == "reference" else "reference"


class Session:
    """A run in progress; in a worker process it measures, in the controlling one it records."""

    def __init__(self, settings: Settings, *, records: bool = True) -> None:
        self.settings = settings
        self.records = records
        self.corpus: Corpus = load_corpus()
        self.stop_reason: str | None = None
        self.counts: Counter[str] = Counter()
        self.cases: Counter[str] = Counter()
        self.on_row: Callable[[engine.Row], None] = lambda row: None
        self._writer: ResultsWriter | None = None
        self._recorded: set[str] = set()
        self._finished = False

    @cached_property
    def planned(self) -> list[Item]:
        """The items of the run, before what an earlier one has done already."""
        return plan(
            self.corpus,
            edition=self.settings.edition,
            query=query.parse(self.settings.filter),
            shard=self.settings.shard,
        )

    @cached_property
    def done(self) -> frozenset[str]:
        """The ids that the results file already holds, where the run resumes one."""
        path = self.settings.results
        if not self.settings.resume or path is None or not path.exists():
            return frozenset()
        return frozenset(row.id for row in read_results(path).results if row.outcome != "not_run")

    @cached_property
    def items_by_file(self) -> dict[Path, list[Item]]:
        found: dict[Path, list[Item]] = {}
        for item in self.planned:
            if item.id not in self.done:
                found.setdefault(item.spec.file, []).append(item)
        return found

    @cached_property
    def candidate(self) -> Backend:
        chosen = self.settings
        return open_backend(chosen.backend, device=chosen.device, isolate=chosen.isolate, time_limit=chosen.time_limit)

    @cached_property
    def oracle(self) -> Backend | None:
        name = oracle_for(self.settings.backend, self.settings.oracle)
        return None if name is None else open_backend(name)

    @cached_property
    def bench(self) -> Bench:
        return Bench(self.candidate, self.oracle)

    @cached_property
    def expectations(self) -> Expectations | None:
        return None if self.settings.expect is None else Expectations.load(self.settings.expect)

    def measure(self, item: Item) -> tuple[engine.Row, list[engine.Row]]:
        with interruptible():
            return engine.measure(
                item,
                self.bench,
                effort=self.settings.effort,
                seed=self.settings.seed,
                edition=self.settings.edition,
            )

    def is_expected(self, row: engine.Row) -> bool:
        return self.expectations is not None and self.expectations.covers(row)

    def cut_short(self, item: Item, why: str) -> engine.Row:
        """Write the row of an item that a time limit, or a fault of ours, ended from outside."""
        outcome, code = ("timeout", "A802") if "Timeout" in why else ("suite_error", "A901")
        return self._ended(item, outcome, Finding(code, why))

    def _ended(self, item: Item, outcome: str, why: Finding) -> engine.Row:
        asked = Asked(item.dtype, self.settings.effort, self.settings.seed)
        return engine.ended_row(item, asked, self.settings.edition, self.settings.device, outcome, why)

    def start(self) -> None:
        """Open the results file: every path is checked before anything runs."""
        self_check(self.candidate)
        if self.oracle is not None:
            self_check(self.oracle)
        if self.settings.results is not None:
            self._writer = ResultsWriter(self.settings.results, self.header(), resume=self.settings.resume)

    def header(self) -> engine.Row:
        has = self.candidate.capabilities
        oracle = self.oracle.capabilities if self.oracle else None
        part, parts = self.settings.shard
        return {
            "run_id": uuid.uuid4().hex[:12],
            "suite": {
                "version": version("assay"),
                "spec_hash": self.corpus.spec_hash,
                "torch": self.corpus.torch,
            },
            "edition": self.settings.edition,
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
                "filter": self.settings.filter,
                "effort": self.settings.effort,
                "facets": None,
                "shard": None if parts == 1 else f"{part}/{parts}",
            },
            "seed": self.settings.seed,
            "planned": len(self.planned),
            "started": datetime.now(UTC).isoformat(timespec="seconds"),
            "command": shlex.join(["assay", *sys.argv[1:]]),
        }

    def record(self, row: engine.Row, events: list[engine.Row]) -> None:
        """Write a row at once, so that a killed run loses nothing it has judged."""
        self._recorded.add(row["id"])
        self.counts[row["outcome"]] += 1
        for key in ("cases", "passed", "failed", "self", "unsupported", "fallback"):
            self.cases["total" if key == "cases" else key] += row[key]
        if self._writer is not None:
            for event in events:
                self._writer.event(event)
            self._writer.result(row)
        self.on_row(row)

    def record_crash(self, nodeid: str, why: str) -> None:
        """Write down an item whose worker process died."""
        item = next((each for each in self.planned if each.id == nodeid), None)
        if item is not None:
            self.record(self._ended(item, "crash", Finding("A801", why)), [])

    def finish(self) -> None:
        """Write the footer."""
        if self._finished:
            return
        self._finished = True
        if self._writer is not None:
            complete = self.stop_reason is None and len(self._recorded | self.done) == len(self.planned)
            counts = {"items": dict(self.counts), "cases": dict(self.cases)}
            self._writer.footer(complete=complete, counts=counts, stop_reason=self.stop_reason)
            self._writer.close()

    def close(self) -> None:
        for name in ("candidate", "oracle"):
            backend = self.__dict__.get(name)
            if backend is not None:
                backend.close()

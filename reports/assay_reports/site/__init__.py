"""The site: results as static pages that need no server, font or framework."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from assay_reports import diff, vocabulary
from assay_reports.badge import render as badge
from assay_reports.codes import CODES
from assay_reports.mutants import MutationRun, Score, Verdict
from assay_reports.results import Result, Run, Tally, in_excuses
from assay_reports.vocabulary import BROKEN, GRAVITY, OFFERED, OUTCOMES
from assay_spec.model import Corpus, Op
from assay_spec.words import in_words

GLYPHS: Final = {**{name: outcome.glyph for name, outcome in OUTCOMES.items()}, "partly": "◐", "none": " "}
# The order of the parts of a bar.
PARTS: Final = ("pass", "self", "fail", "error", "crash", "unsupported")


def render_site(runs: Sequence[Run], out: Path, corpus: Corpus, mutation: MutationRun | None = None) -> Path:
    """Write the site of some runs, and of a mutation run if there is one, into a folder; return its first page."""
    site = Site(runs, corpus, mutation)
    out.mkdir(parents=True, exist_ok=True)
    for name in ("style.css", "app.js"):
        shutil.copyfile(str(files("assay_reports.site").joinpath(name)), out / name)
    for path, template, content in site.pages():
        target = out / path
        target.parent.mkdir(parents=True, exist_ok=True)
        root = "../" * path.count("/")
        target.write_text(site.template(template).render(site=site, root=root, path=path, **content), encoding="utf-8")
    for run in runs:
        (out / f"badge-{slug(run.name)}.svg").write_text(badge(run), encoding="utf-8")
    return out / "index.html"


def slug(name: str) -> str:
    """Return a backend's or op's name as a file name."""
    return re.sub(r"[^\w.-]+", "-", name)


def state_of(results: Sequence[Result]) -> str:
    """Return one state for several items: their worst outcome, or `partly` where passes stand beside `self`."""
    outcomes = Counter(result.outcome for result in results)
    if not outcomes:
        return "none"
    for outcome in GRAVITY:
        if outcome in BROKEN and outcomes[outcome]:
            return outcome
    if outcomes["pass"]:
        return "partly" if outcomes["self"] else "pass"
    return next(iter(outcomes))


@dataclass(frozen=True)
class Cell:
    """A cell of a table: the state of its items, and how many of them pass."""

    state: str
    passed: int
    offered: int
    total: int

    @classmethod
    def of(cls, results: Sequence[Result]) -> Cell:
        tally = Tally.over(results)
        return cls(state_of(results), tally.items["pass"], tally.offered, tally.total)

    @property
    def glyph(self) -> str:
        return GLYPHS[self.state]

    @property
    def broken(self) -> bool:
        return self.state in BROKEN

    @property
    def text(self) -> str:
        return f"{self.passed}/{self.offered}" if self.offered else "not offered" if self.total else ""

    @property
    def title(self) -> str:
        return f"{self.state}: {self.passed} of {self.offered} offered items pass, {self.total} in all"


class Site:
    """The runs, the corpus and the mutation run, as the templates read them."""

    def __init__(self, runs: Sequence[Run], corpus: Corpus, mutation: MutationRun | None = None) -> None:
        self.runs, self.corpus, self.mutation = list(runs), corpus, mutation
        self.codes, self.glyphs, self.facets, self.parts = CODES, GLYPHS, vocabulary.FACETS, PARTS
        self.slug, self.in_words = slug, in_words
        self._by_op = [self._grouped(run) for run in self.runs]

    def template(self, name: str) -> Any:
        return self._environment.get_template(name)

    @cached_property
    def _environment(self) -> Any:
        from jinja2 import Environment, PackageLoader, StrictUndefined

        environment = Environment(
            loader=PackageLoader("assay_reports.site"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.filters["number"] = lambda value: f"{value:,}"
        environment.filters["percent"] = lambda part, whole: f"{part / whole:.1%}" if whole else "–"
        return environment

    @staticmethod
    def _grouped(run: Run) -> dict[str, list[Result]]:
        groups: dict[str, list[Result]] = {}
        for result in run.results:
            groups.setdefault(result.op, []).append(result)
        return groups

    def pages(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Yield every page: its path, its template, and the variables of its own."""
        yield "index.html", "overview.html", {"title": "Overview"}
        yield "matrix.html", "matrix.html", {"title": "Matrix"}
        yield "coverage.html", "coverage.html", {"title": "Coverage"}
        for index, run in enumerate(self.runs):
            yield f"backend/{slug(run.name)}.html", "backend.html", {"title": run.name, "run": run, "index": index}
        for op in self.ops:
            yield f"op/{slug(op.name)}.html", "op.html", {"title": op.name, "op": op}
        if len(self.runs) == 2 and self.runs[0].name == self.runs[1].name:
            found = diff.compare(self.runs[0], self.runs[1])
            yield "diff.html", "diff.html", {"title": "Difference", "difference": found}

    @property
    def has_diff(self) -> bool:
        return len(self.runs) == 2 and self.runs[0].name == self.runs[1].name

    @cached_property
    def ops(self) -> list[Op]:
        """The ops that any run has results for, in the order of the corpus."""
        named = {op for groups in self._by_op for op in groups}
        return [op for op in self.corpus if op.name in named]

    @cached_property
    def areas(self) -> dict[str, list[Op]]:
        groups: dict[str, list[Op]] = {}
        for op in self.ops:
            groups.setdefault(op.area, []).append(op)
        return dict(sorted(groups.items()))

    def results(self, index: int, op: str, facet: str | None = None, dtype: str | None = None) -> list[Result]:
        """Return what one run has for an op, a facet, a dtype."""
        return [
            each
            for each in self._by_op[index].get(op, ())
            if (facet is None or each.facet == facet) and (dtype is None or each.dtype == dtype)
        ]

    def cell(self, index: int, op: str, facet: str | None = None, dtype: str | None = None) -> Cell:
        return Cell.of(self.results(index, op, facet, dtype))

    def area_cell(self, index: int, ops: Sequence[Op]) -> Cell:
        return Cell.of([each for op in ops for each in self.results(index, op.name)])

    def cells(self, op: str) -> list[Cell]:
        return [self.cell(index, op) for index in range(len(self.runs))]

    def bar(self, run: Run) -> list[tuple[str, int, float]]:
        """Return the parts of a run's bar: kind, count, and share of all items."""
        items = run.tally.items
        counts = dict.fromkeys(PARTS, 0)
        for name, count in items.items():
            counts[OUTCOMES[name].part] += count
        total = max(run.tally.total, 1)
        return [(part, count, count / total) for part, count in counts.items() if count]

    def agreement(self) -> list[tuple[str, int]]:
        """Count the ops by whether all, some or none of the backends that offer them pass every item."""
        words: Counter[str] = Counter()
        for op in self.ops:
            offering = [cell for cell in self.cells(op.name) if cell.offered]
            good = sum(cell.state in ("pass", "partly") for cell in offering)
            if not offering:
                words["offered by none"] += 1
            elif good == len(offering):
                words["right wherever offered"] += 1
            elif good == 0:
                words["wrong wherever offered"] += 1
            else:
                words["right in some, wrong in others"] += 1
        return words.most_common()

    def frequent(self, run: Run) -> list[tuple[str, int]]:
        return Counter(each.code for each in run.results if each.outcome in BROKEN and each.code).most_common(6)

    def failing(self, index: int, op: str) -> list[Result]:
        return [each for each in self.results(index, op) if each.outcome in BROKEN]

    def excused(self, index: int, op: str) -> list[tuple[str, str]]:
        """Return the items of an op of which elements were excused, and which excuses."""
        return [(each.id, in_excuses(each.excused)) for each in self.results(index, op) if each.excused]

    def broken(self, run: Run) -> list[Result]:
        return [each for each in run.results if each.outcome in BROKEN]

    def slowest(self, run: Run) -> list[Result]:
        return sorted(run.results, key=lambda each: -each.ms)[:8]

    def closest(self, run: Run) -> list[Result]:
        """Return the passing items with the largest error / budget ratio."""
        near = [each for each in run.results if each.outcome == "pass" and each.worst and each.worst.fraction > 0]
        return sorted(near, key=lambda each: -each.worst.fraction if each.worst else 0.0)[:8]

    def offered(self, run: Run) -> list[str]:
        return sorted({each.op for each in run.results if each.outcome in OFFERED})

    def mutants(self, op: str) -> Sequence[Verdict]:
        """Return the verdicts on the mutants of an op; none without a mutation run."""
        return self.mutation.by_op.get(op, ()) if self.mutation else ()

    def score(self, op: str) -> Score:
        return Score.over(self.mutants(op))

    def summary(self, op: Op) -> Mapping[str, Any]:
        """Return counts of what the spec of an op holds."""
        overloads = op.overloads
        return {
            "examples": sum(len(each.examples) + len(each.trajectories) for each in overloads) + len(op.scenarios),
            "errors": sum(len(each.errors) for each in overloads),
            "dtypes": len(op.dtypes),
            "gradient": any(each.gradient for each in overloads),
            "errata": len(self.corpus.errata(op.name)),
            "documents": self.corpus.documented(op.name),
        }

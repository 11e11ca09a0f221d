"""Runs as columns of the site, each with what its backend's page shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from assay_reports import badge, causes, diff
from assay_reports.causes import Cause
from assay_reports.expectations import Expectations
from assay_reports.history import History
from assay_reports.records import Finding
from assay_reports.results import Result, Run
from assay_reports.site.cells import LABELS
from assay_reports.site.chart import Chart, chart
from assay_reports.site.names import anchor, suffix

_MOST: Final = 8  # rows of a table of extremes

Shown = Sequence[tuple[Result, Finding]]


@dataclass(frozen=True)
class Backend:
    """A run as a column of the site, under a name and an address of its own."""

    index: int
    run: Run
    label: str
    slug: str
    history: History
    expected: Expectations | None = None

    @property
    def page(self) -> str:
        return f"backend/{self.slug}.html"

    @property
    def changes_page(self) -> str:
        return f"changes/{self.slug}.html"

    @property
    def data(self) -> str:
        """The folder of what is published of the run."""
        return f"data/{self.slug}"

    @property
    def badge(self) -> str:
        """What the run's badge says."""
        shown = badge.endpoint(self.run)
        return f"{shown['label']}: {shown['message']}"

    @cached_property
    def by_op(self) -> dict[str, list[Result]]:
        groups: dict[str, list[Result]] = {}
        for result in self.run.results:
            groups.setdefault(result.op, []).append(result)
        return groups

    @cached_property
    def causes(self) -> list[Cause]:
        """What is wrong, by cause: what is unexpected first."""
        return sorted(causes.causes(self.run), key=lambda each: each.slug not in self.unexpected)

    @cached_property
    def _causes_of(self) -> dict[tuple[str, str, str], Cause]:
        return {(of.id, what.code, what.form): cause for cause in self.causes for of, what in cause.shown}

    def cause_of(self, result: Result, finding: Finding) -> Cause:
        """Return the cause that a finding is of."""
        return self._causes_of[result.id, finding.code, finding.form]

    @cached_property
    def unexpected(self) -> frozenset[str]:
        """The names of the causes that are unexpected; none where nothing is known of what is expected."""
        return frozenset(each.slug for each in self.expected.compare(self.run).causes) if self.expected else frozenset()

    @cached_property
    def lacks(self) -> list[tuple[str, Shown]]:
        """What is not offered: a code, and the findings of it that have one normal form; the most frequent first."""
        groups: dict[tuple[str, str], list[tuple[Result, Finding]]] = {}
        for result in self.run.results:
            for finding in result.findings:
                if not finding.broken:
                    groups.setdefault((finding.code, finding.form), []).append((result, finding))
        return [(code, shown) for (code, _), shown in sorted(groups.items(), key=lambda each: -len(each[1]))]

    @cached_property
    def bar(self) -> list[tuple[str, int]]:
        """The parts of the run's bar: outcome, and how many items came to it."""
        return [(outcome, self.run.tally.items[outcome]) for outcome in LABELS if self.run.tally.items[outcome]]

    @cached_property
    def changes(self) -> diff.Difference | None:
        """What changed since the run before, if there is one."""
        return diff.compare(self.history.before, self.run) if self.history.before else None

    @cached_property
    def steps(self) -> list[tuple[str, float]]:
        """By how many per cent of the whole each of the two numbers rose since the run before."""
        before, now = self.history.before, self.run.score
        found = []
        for name in ("coverage", "conformance") if before else ():
            old, new = getattr(before.score, name), getattr(now, name)  # type: ignore[union-attr]
            if old is not None and new is not None:
                found.append((name, 100 * (new - old)))
        return found

    @property
    def chart(self) -> Chart | None:
        return chart(self.history.points)

    @property
    def slowest(self) -> list[Result]:
        return sorted(self.run.results, key=lambda each: -each.ms)[:_MOST]

    @property
    def closest(self) -> list[Result]:
        """The passing items with the largest error / budget ratio."""
        near = [each for each in self.run.results if each.outcome == "pass" and each.worst and each.worst.fraction > 0]
        return sorted(near, key=lambda each: -each.worst.fraction if each.worst else 0.0)[:_MOST]

    def place(self, result: Result) -> str:
        """Return the id of the element that shows what the backend made of an item."""
        return f"{self.slug}:{anchor(suffix(result))}"

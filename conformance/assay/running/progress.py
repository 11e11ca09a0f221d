"""Progress of a run: a live bar on a terminal, plain lines in a pipe."""

from __future__ import annotations

import sys
import time
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import pytest

from assay.running.plugin import SESSION

if TYPE_CHECKING:
    from assay.running.session import Session
    from assay_reports.results import Result

_LINE_EVERY: Final = 15.0  # seconds between two plain lines


class Progress:
    """A pytest plugin that hands over the session of `assay run` and shows how far it has come."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.backend = session.settings.backend
        self.counts: Counter[str] = Counter()
        self.started = self.said = time.monotonic()
        self.total = len(session.due)
        self.cases = 0
        self.bar: Any = None

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        config.stash[SESSION] = self.session

    @pytest.hookimpl(trylast=True)
    def pytest_sessionstart(self) -> None:
        self.session.on_result = self.advance
        if sys.stderr.isatty():
            self._start_bar()
        else:
            print(f"{self.backend}: {self.total} items", file=sys.stderr, flush=True)

    def _start_bar(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        self.bar = Bar(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
            TextColumn("{task.fields[counts]}"), console=Console(stderr=True),
        )  # fmt: skip
        self.bar.start()
        self.task = self.bar.add_task(self.backend, total=self.total, counts="")

    def advance(self, result: Result) -> None:
        """Count one more item."""
        self.counts[result.outcome] += 1
        self.cases += result.cases
        if self.bar is not None:
            self.bar.update(self.task, advance=1, counts=self._words())
        elif time.monotonic() - self.said > _LINE_EVERY:
            self.said = time.monotonic()
            print(
                f"{self.backend}: {sum(self.counts.values())}/{self.total} {self._words()}",
                file=sys.stderr,
                flush=True,
            )

    def _words(self) -> str:
        return " ".join(f"{count} {outcome}" for outcome, count in self.counts.most_common())

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        if self.bar is not None:
            self.bar.stop()
        seconds = time.monotonic() - self.started
        rate = self.cases / seconds if seconds else 0.0
        print(
            f"{self.backend}: {self.cases:,} cases of {sum(self.counts.values()):,} items in {seconds:.1f} s"
            f" ({rate:,.0f} a second): {self._words()}",
            file=sys.stderr,
            flush=True,
        )

    def pytest_internalerror(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Raise errors that are meant for the user again; print a traceback for errors of the suite."""
        from assay.backends.base import BackendUnusable

        if isinstance(excinfo.value, (BackendUnusable, ValueError, OSError)):
            raise excinfo.value
        print(excinfo.getrepr(style="long"), file=sys.stderr, flush=True)

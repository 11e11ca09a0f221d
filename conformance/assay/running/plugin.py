"""The pytest plugin: each op × facet × dtype class is one item, run and judged like any other test.

It is loaded into every pytest run on a machine that has Assay, so it imports nothing until a backend is named.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from assay.settings import Settings, options
from assay_reports.vocabulary import BROKEN

if TYPE_CHECKING:
    from assay.running.items import Item
    from assay.running.session import Session
    from assay_reports.records import Event, Result

SESSION: Final = pytest.StashKey["Session"]()
_SETTINGS: Final = "assay-settings"
_RESULT: Final = "assay-result"
_EVENT: Final = "assay-event"


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("assay", "how much of PyTorch is in a tensor library")
    for each in options("pytest"):
        how: dict[str, Any] = {"action": "store_true"}
        if each.kind is not bool:
            how = {"type": each.kind, "choices": each.choices or None, "metavar": each.shown.metavar}
        # Without a backend this is a run of other tests.
        default = None if each.name == "backend" else each.default
        group.addoption(f"--assay-{each.flag}", dest=_dest(each.name), default=default, help=each.shown.help, **how)


def _dest(setting: str) -> str:
    return f"assay_{setting}"


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    if SESSION not in config.stash:
        settings = _settings(config)
        if settings is None:
            return
        from assay.running.session import Session

        config.stash[SESSION] = Session(settings, records=not hasattr(config, "workerinput"))
    config.args[:] = [str(config.stash[SESSION].corpus.root)]


def _settings(config: pytest.Config) -> Settings | None:
    """Return the settings from the command line, or in a worker process those sent to it; None for other runs."""
    if hasattr(config, "workerinput"):
        text = config.workerinput.get(_SETTINGS)
        return None if text is None else Settings.of_json(text)
    if config.getoption(_dest("backend")) is None:
        return None
    try:
        return Settings(**{each.name: config.getoption(_dest(each.name)) for each in options("pytest")})
    except ValueError as error:
        raise pytest.UsageError(str(error)) from None


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Send the settings to a worker process of pytest-xdist."""
    session = node.config.stash.get(SESSION, None)
    if session is not None:
        node.workerinput[_SETTINGS] = session.settings.to_json()


def pytest_unconfigure(config: pytest.Config) -> None:
    session = config.stash.get(SESSION, None)
    if session is not None:
        session.close()


@pytest.hookimpl(tryfirst=True)
def pytest_collect_directory(path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    session = parent.config.stash.get(SESSION, None)
    if session is None or not session.corpus.root.is_relative_to(path):
        return None
    return CorpusFolder.from_parent(parent, path=path)


class CorpusFolder(pytest.Directory):
    """The corpus, or a folder on the way to it: only planned items are collected, and no folder is searched."""

    def collect(self) -> Iterator[pytest.Item | pytest.Collector]:
        session = self.config.stash[SESSION]
        way = session.corpus.root.relative_to(self.path).parts
        if way:
            yield CorpusFolder.from_parent(self, path=self.path / way[0])
            return
        for item in session.due:
            yield SpecItem.from_parent(self, name=item.name, nodeid=item.id, path=item.spec.file, item=item)


class SpecItem(pytest.Item):
    """One op × facet × dtype class."""

    def __init__(self, *, item: Item, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.item = item
        self.result: Result | None = None
        self.events: list[Event] = []

    def runtest(self) -> None:
        session = self.config.stash[SESSION]
        self.result, self.events = session.measure(self.item)
        outcome = self.result.outcome
        if outcome in ("pass", "partial", "self"):
            return
        if outcome not in BROKEN:
            pytest.skip(f"{outcome}: {self.result.message}")
        if session.is_expected(self.result):
            pytest.xfail(str(self.result.code))
        raise Failed(self.result)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> str:
        if isinstance(excinfo.value, Failed):
            from assay_reports.terminal import failure

            return failure(excinfo.value.result, self.config.stash[SESSION].settings.given("repro"))
        return str(super().repr_failure(excinfo, style))

    def reportinfo(self) -> tuple[Path, int | None, str]:
        return self.path, 0, self.item.id


class Failed(Exception):
    """Raised for an item that does not pass; the result says why."""

    def __init__(self, result: Result) -> None:
        super().__init__(result.message)
        self.result = result


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Attach an item's result to its report, so that it arrives from a worker process too."""
    made = yield
    if not isinstance(item, SpecItem) or call.when != "call":
        return
    report = made.get_result()  # type: ignore[attr-defined]
    if item.result is None and call.excinfo is not None:
        session = item.config.stash[SESSION]
        item.result = session.cut_short(item.item, str(call.excinfo.value))
    if item.result is not None:
        from assay_reports.records import plain

        report.user_properties.append((_RESULT, json.dumps(plain(item.result))))
        report.user_properties.extend((_EVENT, json.dumps(plain(event))) for event in item.events)


class Recorder:
    """Writes the results in the reports, in the process that controls the run."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        from assay_reports.records import Event, Result
        from assay_spec.typed import read

        brought = [(name, json.loads(str(text))) for name, text in report.user_properties if name in (_RESULT, _EVENT)]
        events = [read(Event, record) for name, record in brought if name == _EVENT]
        for name, record in brought:
            if name == _RESULT:
                self.session.record(read(Result, record), events)
        if report.when not in ("setup", "call", "teardown"):
            # pytest-xdist reports a worker that died while it ran an item under a name of its own.
            self.session.record_lost(report.nodeid, str(report.longrepr))

    @pytest.hookimpl(tryfirst=True)
    def pytest_keyboard_interrupt(self) -> None:
        self.session.stop_reason = self.session.stop_reason or "interrupted"

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Write the footer; what is wrong, and not expected to be, decides the exit code."""
        self.session.finish()
        if exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
            session.exitstatus = pytest.ExitCode.OK if self.session.holds else pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        if self.session.compared is not None:
            terminalreporter.section("assay: what was expected")
            for line in self.session.compared.lines():
                terminalreporter.write_line(line)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    ours = session.config.stash.get(SESSION, None)
    if ours is not None and ours.records:
        ours.start()
        session.config.pluginmanager.register(Recorder(ours), "assay-recorder")

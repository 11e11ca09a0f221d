"""The pytest plugin: each op × facet × dtype class is one item, run and judged like any other test.

It is loaded into every pytest run on a machine that has Assay, so it imports nothing until a backend is asked for.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from assay.running.session import Session

SESSION: Final = pytest.StashKey["Session"]()
_PROPERTY: Final = "assay"
_EVENTS: Final = "assay-events"


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("assay", "how much of PyTorch is in a tensor library")
    group.addoption(
        "--assay-backend",
        metavar="BACKEND",
        help="the candidate: reference, torch, numpy, namespace:MODULE, …",
    )
    group.addoption(
        "--assay-oracle",
        metavar="BACKEND",
        help="the backend whose answer counts (torch if installed, else reference)",
    )
    group.addoption("--assay-device", default="cpu", help="the device that the candidate computes on")
    group.addoption(
        "--assay-filter", default="", metavar="QUERY", help="which items, e.g. 'op:torch.nn.* facet:gradient'"
    )
    group.addoption("--assay-edition", default="current", choices=["current", "documented"])
    group.addoption("--assay-effort", default="standard", choices=["quick", "standard", "deep"])
    group.addoption("--assay-seed", default=0, type=int)
    group.addoption("--assay-shard", default="1/1", metavar="I/N", help="run the I-th of N parts")
    group.addoption("--assay-isolate", action="store_true", help="run the candidate in a child process")
    group.addoption(
        "--assay-time-limit", default=30.0, type=float, help="seconds for one case of an isolated candidate"
    )
    group.addoption("--assay-results", type=Path, metavar="FILE", help="write the results here, as JSON lines")
    group.addoption("--assay-expect", type=Path, metavar="FILE", help="what is known to fail")
    group.addoption("--assay-resume", action="store_true", help="go on with the results file where it stopped")


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--assay-backend") is None:
        return
    from assay.running.session import Session, Settings

    settings = Settings.of(config.option)
    is_worker = hasattr(config, "workerinput")
    config.stash[SESSION] = session = Session(settings, records=not is_worker)
    config.args[:] = [str(session.corpus.root)]


def pytest_unconfigure(config: pytest.Config) -> None:
    session = config.stash.get(SESSION, None)
    if session is not None:
        session.close()


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    session = parent.config.stash.get(SESSION, None)
    if session is None or file_path.suffix != ".yaml":
        return None
    items = session.items_by_file.get(file_path)
    return SpecFile.from_parent(parent, path=file_path, nodeid=items[0].op) if items else None


class SpecFile(pytest.File):
    """One op's spec file."""

    def collect(self) -> Iterator[pytest.Item]:
        for item in self.config.stash[SESSION].items_by_file.get(self.path, ()):
            yield SpecItem.from_parent(self, name=item.name, item=item)


class SpecItem(pytest.Item):
    """One op × facet × dtype class."""

    def __init__(self, *, item: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.item = item
        self.row: dict[str, Any] | None = None
        self.events: list[dict[str, Any]] = []

    def runtest(self) -> None:
        session = self.config.stash[SESSION]
        self.row, self.events = session.measure(self.item)
        match self.row["outcome"]:
            case "pass" | "self":
                return
            case "unsupported" | "skipped" | "not_run":
                pytest.skip(f"{self.row['outcome']}: {self.row['message']}")
        if session.is_expected(self.row):
            pytest.xfail(self.row["code"])
        raise Failed(self.row)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> str:
        if isinstance(excinfo.value, Failed):
            from assay_reports.terminal import failure

            return failure(excinfo.value.row)
        return str(super().repr_failure(excinfo, style))

    def reportinfo(self) -> tuple[Path, int | None, str]:
        return self.path, 0, self.item.id


class Failed(Exception):
    """An item whose outcome is no pass; the row says why."""

    def __init__(self, row: dict[str, Any]) -> None:
        super().__init__(row["message"])
        self.row = row


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Let an item's row travel with its report, from a worker process too."""
    result = yield
    if not isinstance(item, SpecItem) or call.when != "call":
        return
    report = result.get_result()  # type: ignore[attr-defined]
    if item.row is None and call.excinfo is not None:
        session = item.config.stash[SESSION]
        item.row = session.cut_short(item.item, str(call.excinfo.value))
    if item.row is not None:
        report.user_properties.append((_PROPERTY, json.dumps(item.row)))
        report.user_properties.append((_EVENTS, json.dumps(item.events)))


class Recorder:
    """Writes what the reports bring, in the process that controls the run."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        properties = dict(report.user_properties)
        if _PROPERTY in properties:
            self.session.record(json.loads(str(properties[_PROPERTY])), json.loads(str(properties[_EVENTS])))
        elif report.when not in ("setup", "call", "teardown"):
            # pytest-xdist reports a worker that died while it ran an item under a name of its own.
            self.session.record_crash(report.nodeid, str(report.longrepr))

    @pytest.hookimpl(tryfirst=True)
    def pytest_keyboard_interrupt(self) -> None:
        self.session.stop_reason = "interrupted"

    def pytest_sessionfinish(self, exitstatus: int) -> None:
        self.session.finish()


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    ours = session.config.stash.get(SESSION, None)
    if ours is not None and ours.records:
        ours.start()
        session.config.pluginmanager.register(Recorder(ours), "assay-recorder")

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

from assay.cli.__main__ import main
from assay_reports.history import Point, histories
from assay_reports.results import Result, ResultsError, Run
from assay_reports.score import Score
from assay_reports.site import render_site
from assay_reports.site.chart import chart
from assay_spec import load_corpus

Make = Callable[..., Run]
New = Callable[..., Result]

EARLY, LATER = "2025-01-01T00:00:00+00:00", "2025-02-01T00:00:00+00:00"


def test_earlier_runs_of_a_backend_are_its_history_the_oldest_first(make: Make, result: New) -> None:
    now = make(result("torch.exp::shape"))
    later = make(result("torch.exp::shape", "fail", "A201"), started=LATER)
    early = make(result("torch.exp::shape", "unsupported", "A003"), started=EARLY, backend={"version": "0.9"})

    [found] = histories([now], [later, early])

    assert [(each.started, each.version, each.score) for each in found.points] == [
        (EARLY, "0.9", Score(0.0, None)),
        (LATER, "1.0", Score(1.0, 0.5)),
        (now.header.started, "1.0", Score(1.0, 1.0)),
    ]
    assert found.before is later


def test_the_run_before_is_the_latest_that_came_to_its_end(make: Make, result: New) -> None:
    now, whole = make(result("torch.exp::shape")), make(result("torch.exp::shape"), started=EARLY)
    cut = make(result("torch.exp::shape"), started=LATER, complete=None)

    assert histories([now], [cut, whole])[0].before is whole
    assert histories([now], [cut])[0].before is cut


def test_the_same_run_given_again_is_not_before_itself(make: Make, result: New) -> None:
    now = make(result("torch.exp::shape"))

    [found] = histories([now], [now])

    assert (len(found.points), found.before) == (1, None)


def test_of_two_runs_of_a_backend_the_older_is_before_the_newer(make: Make, result: New) -> None:
    now, early = make(result("torch.exp::shape")), make(result("torch.exp::shape"), started=EARLY)

    assert [each.before for each in histories([now, early])] == [early, None]


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"backend": {"name": "other"}}, "'other' on cpu, edition current, filter ''"),
        ({"backend": {"device": "cuda"}}, "'toy' on cuda, edition current, filter ''"),
        ({"edition": "documented"}, "'toy' on cpu, edition documented, filter ''"),
        ({"selection": {"filter": "exp"}}, "'toy' on cpu, edition current, filter 'exp'"),
        ({"selection": {"shard": "1/2"}}, "'toy' on cpu, edition current, filter '', shard 1/2"),
    ],
)
def test_an_earlier_run_of_something_else_is_refused(
    make: Make, result: New, changes: dict[str, object], what: str
) -> None:
    now, other = make(result("torch.exp::shape")), make(result("torch.exp::shape"), started=EARLY, **changes)

    with pytest.raises(ResultsError) as caught:
        histories([now], [other])

    assert str(caught.value) == (f"{other.path}: an earlier run of {what}, of which no run is reported; leave it out")


def test_a_later_run_is_no_earlier_one(make: Make, result: New) -> None:
    now, later = make(result("torch.exp::shape")), make(result("torch.exp::shape"), started="2027-01-01")

    with pytest.raises(ResultsError) as caught:
        histories([now], [later])

    assert str(caught.value) == f"{later.path}: began at 2027-01-01, after the run of 'toy' that is reported"


def points(*shares: tuple[float | None, float | None], complete: bool = True) -> list[Point]:
    return [Point(f"2025-01-0{day}", "1", complete, Score(*share)) for day, share in enumerate(shares, 1)]


def test_a_chart_has_a_line_for_each_number_from_its_low_to_a_hundred() -> None:
    found = chart(points((0.5, 1.0), (0.75, 0.9)))

    assert found is not None
    coverage, conformance = found.lines
    assert (found.low, coverage.points, conformance.points) == (50, "44.0,126.0 480.0,69.0", "44.0,12.0 480.0,34.8")
    assert (coverage.label, conformance.label) == ("75.0%", "90.0%")


def test_the_names_of_lines_that_meet_do_not_touch() -> None:
    found = chart(points((0.5, 0.5), (1.0, 1.0)))

    assert found is not None
    assert [line.label_y for line in found.lines] == [20.0, 4.0]


def test_a_run_without_a_number_leaves_its_place_empty() -> None:
    found = chart(points((0.5, 1.0), (0.0, None), (0.5, 1.0)))

    assert found is not None
    assert [[mark.x for mark in line.marks] for line in found.lines] == [[44, 262, 480], [44, 480]]


@pytest.mark.parametrize("shares", [[(1.0, 1.0)], [(0.0, None), (1.0, 1.0)]])
def test_one_run_makes_no_chart(shares: list[tuple[float, float | None]]) -> None:
    assert chart(points(*shares)) is None


def test_the_site_says_what_changed_since_the_run_before(make: Make, result: New, tmp_path: Path) -> None:
    now = make(result("torch.exp::shape", "fail", "A201"), result("torch.abs::shape"))
    before = make(result("torch.exp::shape"), result("torch.abs::shape"), result("torch.sign::shape"), started=EARLY)

    render_site([now], tmp_path, load_corpus(), earlier=[before])

    overview = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "conformance \N{MINUS SIGN}25.0; 1 regressed, 1 removed" in overview
    changes = (tmp_path / "changes" / "toy.html").read_text(encoding="utf-8")
    assert '<a href="../op/torch.exp.html#toy:shape">torch.exp::shape</a>' in changes
    assert "<code>torch.sign::shape</code>" in changes
    backend = (tmp_path / "backend" / "toy.html").read_text(encoding="utf-8")
    picture = ElementTree.fromstring(backend[backend.index("<svg") : backend.index("</svg>") + 6])
    assert picture.get("aria-label") == "Coverage and conformance over 2 runs, now 100% and 75.0%"
    assert len(picture.findall("polyline")) == 2


def test_a_site_without_earlier_runs_says_nothing_of_changes(make: Make, result: New, tmp_path: Path) -> None:
    render_site([make(result("torch.exp::shape"))], tmp_path, load_corpus())

    assert not (tmp_path / "changes").exists()
    assert "Since the run before" not in (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "<svg" not in (tmp_path / "backend" / "toy.html").read_text(encoding="utf-8")


def test_the_command_line_takes_earlier_results(make: Make, result: New, tmp_path: Path) -> None:
    now, early = make(result("torch.exp::shape")), make(result("torch.exp::shape"), started=EARLY)
    later = make(result("torch.exp::shape"), started=LATER)
    out = tmp_path / "site"

    ran = CliRunner().invoke(
        main,
        ["report", str(now.path), "--history", str(early.path), "--history", str(later.path), "-o", str(out)],
    )

    assert (ran.exit_code, ran.output) == (0, f"report: {out / 'index.html'}\n")
    assert "over 3 runs" in (out / "backend" / "toy.html").read_text(encoding="utf-8")


def test_history_is_refused_where_it_would_be_left_out(make: Make, result: New) -> None:
    now, early = make(result("torch.exp::shape")), make(result("torch.exp::shape"), started=EARLY)

    ran = CliRunner().invoke(main, ["report", str(now.path), "--format", "badge", "--history", str(early.path)])

    assert (ran.exit_code, ran.output) == (4, "assay: --history is for --format html, not badge\n")

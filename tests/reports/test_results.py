from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from assay_reports import vocabulary
from assay_reports.records import Event, Header
from assay_reports.results import (
    Footer,
    Result,
    ResultsError,
    ResultsWriter,
    Run,
    Tally,
    Worst,
    in_excuses,
    read_results,
    unfinished,
)

Make = Callable[..., Run]
New = Callable[..., Result]

SEE = " (docs/results-format.md says what may stand there)"
HOSTILE = "\u2028 \x85 \x0c \udc80 \x00 \x1b[31m | <script>alert(1)</script> & \n\r\t \ufffe 😀"


def path_of(run: Run) -> Path:
    assert run.path is not None
    return run.path


def test_what_was_written_is_read_back(make: Make, result: New) -> None:
    written = result("torch.exp::values[float32]", "fail", "A101", worst=Worst(2.5, "1.0", "2.0", 5.0, (0,)))
    run = make(written)

    assert run.results == (written,)
    assert run.complete


def test_events_are_read_back(header: Header, result: New, tmp_path: Path) -> None:
    event = Event("crash", "a::shape", "SIGSEGV", "core dumped", "it died")
    writer = ResultsWriter(tmp_path / "run.jsonl", header)
    writer.result(result("a::shape", "crash", "A801"), [event])
    writer.finish(Footer(True))

    assert read_results(tmp_path / "run.jsonl").events == (event,)


def test_a_result_is_in_the_file_as_soon_as_it_is_written(header: Header, result: New, tmp_path: Path) -> None:
    writer = ResultsWriter(tmp_path / "run.jsonl", header)
    writer.result(result("a::shape"))

    run = read_results(tmp_path / "run.jsonl")
    writer.close()

    assert ([*run.by_id], run.complete) == (["a::shape"], False)


def test_results_stand_in_the_order_of_the_plan(header: Header, result: New, tmp_path: Path) -> None:
    writer = ResultsWriter(tmp_path / "run.jsonl", header)
    for id in ("c::shape", "a::shape", "b::shape"):
        writer.result(result(id))
    writer.finish(Footer(True), ["a::shape", "b::shape", "c::shape"])

    assert [*read_results(tmp_path / "run.jsonl").by_id] == ["a::shape", "b::shape", "c::shape"]


def test_whatever_a_backend_says_the_file_can_be_read(make: Make, result: New, finding: Any) -> None:
    told = finding(form=HOSTILE, message=HOSTILE, expected=HOSTILE, call=HOSTILE, snippet=HOSTILE)
    written = result("a::shape", "fail", findings=(told,), excused={HOSTILE: 1})

    run = make(written, backend={"name": HOSTILE, "version": HOSTILE, "devices": (HOSTILE,)}, command=HOSTILE)

    assert run.results == (written,)
    assert (run.name, run.header.command) == (HOSTILE, HOSTILE)
    assert len(path_of(run).read_bytes().splitlines()) == 3


def test_numbers_that_json_lacks_are_written_as_the_largest(make: Make, result: New) -> None:
    worst = Worst(float("inf"), ulp=float("nan"))

    (found,) = make(result("a::shape", worst=worst)).results

    assert found.worst == Worst(1e308, ulp=1e308)


def test_a_header_that_could_not_be_read_is_not_written(header: Header, tmp_path: Path) -> None:
    nameless = replace(header, backend=replace(header.backend, name=""))

    with pytest.raises(ResultsError) as caught:
        ResultsWriter(tmp_path / "run.jsonl", nameless)

    assert str(caught.value) == f"{tmp_path / 'run.jsonl'}:1: backend: the key 'name' is missing{SEE}"
    assert not (tmp_path / "run.jsonl").exists()


def test_a_run_without_footer_is_partial(make: Make, result: New) -> None:
    assert not make(result("torch.exp::shape"), complete=None).complete


def test_unsupported_items_are_not_offered(make: Make, result: New) -> None:
    tally = make(
        result("a::shape"), result("b::shape", "unsupported", "A001"), result("c::shape", "fail", "A201")
    ).tally

    assert (tally.total, tally.offered, tally.broken, tally.items["pass"]) == (3, 2, 1, 1)


def test_the_counts_of_a_footer_do_not_depend_on_the_order_of_the_results(result: New) -> None:
    results = [result("a::shape"), result("b::shape", "fail", "A201"), result("c::shape", "self")]

    one, other = (json.dumps(Tally.over(each).counts) for each in (results, results[::-1]))

    assert one == other


def test_excuses_are_read_back_and_added_up(make: Make, result: New) -> None:
    run = make(
        result("torch.exp::values[float32]", excused={"brink of overflow": 2}),
        result("torch.exp::special[float32]", excused={"brink of overflow": 1, "flushed subnormal": 4}),
        result("torch.exp::shape"),
    )

    assert run.by_id["torch.exp::values[float32]"].excused == {"brink of overflow": 2}
    assert run.tally.excused == {"brink of overflow": 3, "flushed subnormal": 4}


@pytest.mark.parametrize(
    ("excused", "words"),
    [
        ({"flushed subnormal": 1}, "1 element excused: flushed subnormal"),
        ({"flushed subnormal": 1200}, "1,200 elements excused: flushed subnormal"),
        (
            {"brink of overflow": 3, "flushed subnormal": 4},
            "7 elements excused: flushed subnormal 4, brink of overflow 3",
        ),
    ],
)
def test_excuses_are_said_in_words(excused: dict[str, int], words: str) -> None:
    assert in_excuses(excused) == words


# Two writers


def test_a_file_that_is_being_written_is_refused(header: Header, result: New, tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    first = ResultsWriter(path, header)
    first.result(result("a::shape"))

    for resume in (False, True):
        with pytest.raises(ResultsError) as caught:
            ResultsWriter(path, header, resume=resume)
        assert str(caught.value) == f"{path}: another run is writing it; wait for it, or choose another --out"
    first.result(result("b::shape"))
    first.close()

    assert [*read_results(path).by_id] == ["a::shape", "b::shape"]


def test_a_file_is_free_when_its_run_has_ended(make: Make, header: Header, result: New) -> None:
    for complete in (True, None):
        path = path_of(make(result("a::shape"), complete=complete))

        ResultsWriter(path, header).close()

        assert read_results(path).results == ()


# Resuming


def test_resuming_keeps_what_is_there(make: Make, result: New, header: Header) -> None:
    path = path_of(make(result("torch.exp::shape"), complete=False))
    writer = ResultsWriter(path, header, resume=True)
    writer.result(result("torch.exp::dtype"))
    writer.finish(Footer(True))

    resumed = read_results(path)

    assert [*resumed.by_id] == ["torch.exp::shape", "torch.exp::dtype"]
    assert resumed.complete


def test_resuming_drops_what_did_not_run(make: Make, result: New, header: Header) -> None:
    path = path_of(make(result("torch.exp::shape", "not_run", "A805"), result("torch.exp::dtype"), complete=False))
    writer = ResultsWriter(path, header, resume=True)
    writer.result(result("torch.exp::shape"))
    writer.close()

    resumed = read_results(path)

    assert [(each.id, each.outcome) for each in resumed.results] == [
        ("torch.exp::dtype", "pass"), ("torch.exp::shape", "pass"),
    ]  # fmt: skip


def test_without_resume_a_run_begins_anew(make: Make, result: New, header: Header) -> None:
    path = path_of(make(result("a::shape")))

    ResultsWriter(path, header).close()

    assert read_results(path).results == ()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"seed": 3}, "its seed is 3, and now it would be 0"),
        ({"selection": {"effort": "deep"}}, "its selection.effort is deep, and now it would be nothing"),
        ({"selection": {"filter": "op:a"}}, "its selection.filter is op:a, and now it would be nothing"),
        ({"suite": {"spec_hash": "old"}}, "its suite.spec_hash is old, and now it would be abc"),
        ({"suite": {"version": "0.0.9"}}, "its suite.version is 0.0.9, and now it would be 0.1.0"),
        ({"backend": {"name": "other"}}, "its backend.name is other, and now it would be toy"),
        ({"backend": {"version": "0.9"}}, "its backend.version is 0.9, and now it would be 1.0"),
        ({"oracle": {"version": "2.12"}}, "its oracle.version is 2.12, and now it would be 2.13.0"),
        ({"edition": "documented"}, "its edition is documented, and now it would be current"),
        ({"settings": {"backend": "toy.py:Toy", "time_limit": 5.0}},
         "its settings.time_limit is 5.0, and now it would be nothing"),
    ],
)  # fmt: skip
def test_another_run_is_not_resumed_and_keeps_its_file(
    change: dict[str, Any], told: str, make: Make, result: New, header: Header
) -> None:
    path = path_of(make(result("a::shape"), **change))
    before = path.read_bytes()

    with pytest.raises(ResultsError) as caught:
        ResultsWriter(path, header, resume=True)

    assert str(caught.value) == f"{path}:1: {told}; go on as it began, or leave out --resume to begin anew"
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


def test_what_is_no_results_file_is_not_resumed_and_stays(header: Header, tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("dear diary")

    with pytest.raises(ResultsError) as caught:
        ResultsWriter(path, header, resume=True)

    assert str(caught.value) == f"{path}:1: no header; a results file begins with one, written by `assay run`"
    assert path.read_text() == "dear diary"


PLAN = ["a::shape", "b::shape"]


def results_of(new: New) -> list[tuple[Result, list[Event]]]:
    return [
        (new("a::shape", "crash", findings=()), [Event("incident", "a::shape"), Event("crash", "a::shape", "SIGSEGV")]),
        (new("b::shape", excused={"größer": 1}), []),
    ]


def run_to_its_end(path: Path, header: Header, new: New, *, resume: bool) -> None:
    """Run what is left, as a session does."""
    kept = unfinished(path) if resume else None
    done = {} if kept is None else {each.id: each for each in kept.results if each.outcome != "not_run"}
    writer = ResultsWriter(path, header, resume=resume)
    for result, events in results_of(new):
        if result.id not in done:
            done[result.id] = result
            writer.result(result, events)
    writer.finish(Footer(True, Tally.over(done.values()).counts), PLAN)


def test_a_file_cut_at_any_byte_is_resumed_to_the_same_file(
    header: Header, result: New, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)  # it takes long
    path = tmp_path / "run.jsonl"
    run_to_its_end(path, header, result, resume=False)
    whole = path.read_bytes()

    for end in range(len(whole) + 1):
        path.write_bytes(whole[:end])
        run_to_its_end(path, header, result, resume=True)
        assert path.read_bytes() == whole, end


def test_a_run_that_is_resumed_and_killed_and_resumed_comes_to_the_same_file(
    header: Header, result: New, tmp_path: Path
) -> None:
    path = tmp_path / "run.jsonl"
    run_to_its_end(path, header, result, resume=False)
    whole = path.read_bytes()
    path.write_bytes(whole[: whole.index(b'"SIGSEGV"')])  # after the first of an item's events

    ResultsWriter(path, header, resume=True).close()
    run_to_its_end(path, header, result, resume=True)

    assert path.read_bytes() == whole


def test_a_run_that_is_resumed_keeps_when_and_how_it_began(make: Make, result: New, header: Header) -> None:
    run = make(result("a::shape"), complete=None)

    ResultsWriter(path_of(run), replace(header, started="later", command="again"), resume=True).close()

    assert read_results(path_of(run)).header == run.header


# A full disk


def full(*_: Any) -> int:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("call", ["write", "fsync", "replace"])
def test_a_disk_that_is_full_at_the_end_leaves_every_result(
    call: str, header: Header, result: New, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "run.jsonl"
    writer = ResultsWriter(path, header)
    writer.result(result("a::shape"))
    before = path.read_bytes()
    monkeypatch.setattr(os, call, full)

    with pytest.raises(OSError, match="No space left"):
        writer.finish(Footer(True))

    writer.close()
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["run.jsonl"]


def test_a_disk_that_is_full_when_a_run_is_resumed_leaves_every_result(
    make: Make, result: New, header: Header, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = path_of(make(result("a::shape"), complete=None))
    before = path.read_bytes()
    monkeypatch.setattr(os, "write", full)

    with pytest.raises(OSError, match="No space left"):
        ResultsWriter(path, header, resume=True)

    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


def test_no_half_result_stands_before_another(
    header: Header, result: New, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "run.jsonl"
    writer = ResultsWriter(path, header)
    write, left = os.write, [20]  # bytes

    def filling(descriptor: int, data: bytes) -> int:
        if not left[0]:
            full()
        written = write(descriptor, data[: left[0]])
        left[0] -= written
        return written

    monkeypatch.setattr(os, "write", filling)
    with pytest.raises(OSError, match="No space left"):
        writer.result(result("a::shape"))
    left[0] = 10**6
    writer.result(result("b::shape"))
    writer.close()

    assert [*read_results(path).by_id] == ["b::shape"]


def test_the_guide_explains_every_outcome() -> None:
    guide = (Path(__file__).parents[2] / "docs" / "reading-a-report.md").read_text(encoding="utf-8")
    table = guide.partition("| outcome | means |")[2].partition("\n\n")[0]

    assert {outcome for outcome in vocabulary.OUTCOMES if f"`{outcome}`" not in table} == set()

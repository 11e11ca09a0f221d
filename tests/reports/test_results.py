from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assay_reports.merge import merge
from assay_reports.results import ResultsError, ResultsWriter, Run, in_excuses, read_results, write_run

Make = Callable[..., Run]
Row = Callable[..., dict[str, Any]]


def test_what_was_written_is_read_back(make: Make, row: Row, header: dict[str, Any]) -> None:
    run = make(row("torch.exp::values[float32]", "fail", "A101"))

    result = run.by_id["torch.exp::values[float32]"]
    assert (result.outcome, result.code, result.dtype, result.failures[0].more) == ("fail", "A101", "float32", 4)
    assert run.complete


def test_excuses_are_read_back_and_added_up(make: Make, row: Row) -> None:
    run = make(
        row("torch.exp::values[float32]", excused={"brink of overflow": 2}),
        row("torch.exp::special[float32]", excused={"brink of overflow": 1, "flushed subnormal": 4}),
        row("torch.exp::shape"),
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


def test_a_run_without_footer_is_partial(make: Make, row: Row, header: dict[str, Any]) -> None:
    assert not make(row("torch.exp::shape"), complete=None).complete


def test_a_line_that_was_cut_off_is_left_out(make: Make, row: Row, header: dict[str, Any]) -> None:
    run = make(row("torch.exp::shape"), complete=None)
    assert run.path is not None
    with run.path.open("a") as file:
        file.write('{"type":"result","id":"torch.exp::dty')

    assert list(read_results(run.path).by_id) == ["torch.exp::shape"]


def test_a_broken_line_in_the_middle_names_file_and_line(tmp_path: Path) -> None:
    path = tmp_path / "broken.jsonl"
    path.write_text("nonsense\n{}\n")

    with pytest.raises(ResultsError) as caught:
        read_results(path)

    assert str(caught.value) == f"{path}:1: not JSON: Expecting value; is this a results file?"


def test_a_file_without_header_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "headless.jsonl"
    path.write_text("")

    with pytest.raises(ResultsError, match="no header"):
        read_results(path)


def test_resuming_keeps_what_is_there_and_drops_the_footer(make: Make, row: Row, header: dict[str, Any]) -> None:
    run = make(row("torch.exp::shape"), complete=False)
    assert run.path is not None
    writer = ResultsWriter(run.path, header, resume=True)
    writer.result(row("torch.exp::dtype"))
    writer.footer(complete=True, counts={}, stop_reason=None)
    writer.close()

    resumed = read_results(run.path)

    assert list(resumed.by_id) == ["torch.exp::shape", "torch.exp::dtype"]
    assert resumed.complete


def test_unsupported_items_are_not_offered(make: Make, row: Row, header: dict[str, Any]) -> None:
    tally = make(row("a::shape"), row("b::shape", "unsupported", "A001"), row("c::shape", "fail", "A201")).tally

    assert (tally.total, tally.offered, tally.broken, tally.items["pass"]) == (3, 2, 1, 1)


def test_shards_of_one_run_merge(make: Make, row: Row, header: dict[str, Any], tmp_path: Path) -> None:
    def shard(part: str, id: str) -> object:
        return make(row(id), selection={**header["selection"], "shard": part})

    merged = merge([shard("1/2", "a::shape"), shard("2/2", "b::shape")])  # type: ignore[list-item]
    write_run(merged, tmp_path / "merged.jsonl")

    again = read_results(tmp_path / "merged.jsonl")
    assert (sorted(again.by_id), again.complete, again.header["planned"]) == (["a::shape", "b::shape"], True, 2)


def test_a_missing_shard_makes_the_whole_partial(make: Make, row: Row, header: dict[str, Any]) -> None:
    run = make(row("a::shape"), selection={**header["selection"], "shard": "1/2"})

    assert not merge([run]).complete


def test_runs_of_different_corpora_do_not_merge(make: Make, row: Row, header: dict[str, Any]) -> None:
    first, second = make(row("a::shape")), make(row("a::shape"), suite={"spec_hash": "other"})

    with pytest.raises(ResultsError, match="only shards of one run can be merged"):
        merge([first, second])

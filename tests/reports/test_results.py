from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assay_reports.merge import merge
from assay_reports.results import Result, ResultsError, ResultsWriter, Run, Worst, read_results, write_run

Make = Callable[..., Run]
New = Callable[..., Result]


def test_what_was_written_is_read_back(make: Make, result: New, header: dict[str, Any]) -> None:
    written = result("torch.exp::values[float32]", "fail", "A101", worst=Worst(2.5, 5.0, (0,), "1.0", "2.0"))
    run = make(written)

    assert run.results == (written,)
    assert run.complete


def test_a_run_without_footer_is_partial(make: Make, result: New, header: dict[str, Any]) -> None:
    assert not make(result("torch.exp::shape"), complete=None).complete


def test_a_line_that_was_cut_off_is_left_out(make: Make, result: New, header: dict[str, Any]) -> None:
    run = make(result("torch.exp::shape"), complete=None)
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


def test_resuming_keeps_what_is_there_and_drops_the_footer(make: Make, result: New, header: dict[str, Any]) -> None:
    run = make(result("torch.exp::shape"), complete=False)
    assert run.path is not None
    writer = ResultsWriter(run.path, header, resume=True)
    writer.result(result("torch.exp::dtype"))
    writer.footer(complete=True, counts={}, stop_reason=None)
    writer.close()

    resumed = read_results(run.path)

    assert list(resumed.by_id) == ["torch.exp::shape", "torch.exp::dtype"]
    assert resumed.complete


def test_unsupported_items_are_not_offered(make: Make, result: New, header: dict[str, Any]) -> None:
    tally = make(
        result("a::shape"), result("b::shape", "unsupported", "A001"), result("c::shape", "fail", "A201")
    ).tally

    assert (tally.total, tally.offered, tally.broken, tally.items["pass"]) == (3, 2, 1, 1)


def test_shards_of_one_run_merge(make: Make, result: New, header: dict[str, Any], tmp_path: Path) -> None:
    def shard(part: str, id: str) -> object:
        return make(result(id), selection={**header["selection"], "shard": part})

    merged = merge([shard("1/2", "a::shape"), shard("2/2", "b::shape")])  # type: ignore[list-item]
    write_run(merged, tmp_path / "merged.jsonl")

    again = read_results(tmp_path / "merged.jsonl")
    assert (sorted(again.by_id), again.complete, again.header["planned"]) == (["a::shape", "b::shape"], True, 2)


def test_a_missing_shard_makes_the_whole_partial(make: Make, result: New, header: dict[str, Any]) -> None:
    run = make(result("a::shape"), selection={**header["selection"], "shard": "1/2"})

    assert not merge([run]).complete


def test_runs_of_different_corpora_do_not_merge(make: Make, result: New, header: dict[str, Any]) -> None:
    first, second = make(result("a::shape")), make(result("a::shape"), suite={"spec_hash": "other"})

    with pytest.raises(ResultsError, match="only shards of one run can be merged"):
        merge([first, second])

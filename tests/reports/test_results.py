from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assay_reports import vocabulary
from assay_reports.merge import merge
from assay_reports.results import Result, ResultsError, ResultsWriter, Run, Worst, in_excuses, read_results, write_run

Make = Callable[..., Run]
New = Callable[..., Result]


def test_what_was_written_is_read_back(make: Make, result: New, header: dict[str, Any]) -> None:
    written = result("torch.exp::values[float32]", "fail", "A101", worst=Worst(2.5, 5.0, (0,), "1.0", "2.0"))
    run = make(written)

    assert run.results == (written,)
    assert run.complete


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


def test_resuming_drops_what_did_not_run(make: Make, result: New, header: dict[str, Any]) -> None:
    run = make(result("torch.exp::shape", "not_run", "A805"), result("torch.exp::dtype"), complete=False)
    assert run.path is not None
    writer = ResultsWriter(run.path, header, resume=True)
    writer.result(result("torch.exp::shape"))
    writer.close()

    resumed = read_results(run.path)

    assert [(each.id, each.outcome) for each in resumed.results] == [
        ("torch.exp::dtype", "pass"), ("torch.exp::shape", "pass"),
    ]  # fmt: skip


def test_a_second_result_of_an_item_is_refused_with_file_and_line(make: Make, result: New) -> None:
    with pytest.raises(ResultsError) as caught:
        make(result("a::shape"), result("b::shape"), result("a::shape", "fail", "A201"))

    path, _, message = str(caught.value).partition(":")
    assert Path(path).name == "run1.jsonl"
    assert message == (
        "4: a second result of a::shape, which line 2 has already; `assay merge` puts results files together"
    )


def test_a_result_that_lacks_a_key_is_refused_with_file_and_line(make: Make, result: New) -> None:
    run = make(result("a::shape"))
    assert run.path is not None
    run.path.write_text(run.path.read_text().replace('"failures":[]', '"failed":0'))

    with pytest.raises(ResultsError) as caught:
        read_results(run.path)

    assert str(caught.value) == f"{run.path}:2: KeyError: 'failures'; run it again"


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


def test_shards_that_share_an_item_do_not_merge(make: Make, result: New) -> None:
    first, second = make(result("a::shape")), make(result("a::shape"))

    with pytest.raises(ResultsError) as caught:
        merge([first, second])

    assert str(caught.value) == (
        f"{second.path}: a::shape is in {first.path} too; only shards of one run can be merged"
    )


def test_the_guide_explains_every_outcome() -> None:
    guide = (Path(__file__).parents[2] / "docs" / "reading-a-report.md").read_text(encoding="utf-8")
    table = guide.partition("| outcome | means |")[2].partition("\n\n")[0]

    assert {outcome for outcome in vocabulary.OUTCOMES if f"`{outcome}`" not in table} == set()

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assay_reports.merge import merge
from assay_reports.records import Event
from assay_reports.results import Result, ResultsError, Run, read_results, write_run

Make = Callable[..., Run]
New = Callable[..., Result]


def shard(make: Make, part: str, *results: Result, **more: Any) -> Run:
    return make(*results, selection={"shard": part}, **more)


def test_shards_of_one_run_merge(make: Make, result: New, tmp_path: Path) -> None:
    merged = merge([shard(make, "1/2", result("a::shape")), shard(make, "2/2", result("b::shape", "fail", "A201"))])

    write_run(merged, tmp_path / "merged.jsonl")
    again = read_results(tmp_path / "merged.jsonl")

    assert ([*again.by_id], again.complete, again.header.planned) == (["a::shape", "b::shape"], True, 2)
    assert again.header.selection.shard == ""
    assert again.footer is not None
    assert again.footer.counts["items"] == {"fail": 1, "pass": 1}


def test_a_missing_shard_makes_the_whole_partial(make: Make, result: New) -> None:
    merged = merge([shard(make, "1/3", result("a::shape")), shard(make, "3/3", result("c::shape"))])

    assert (merged.complete, merged.header.planned) == (False, 3)
    assert merged.footer is not None
    assert merged.footer.stop_reason == "a shard is missing or partial"


def test_a_shard_that_did_not_finish_makes_the_whole_partial(make: Make, result: New) -> None:
    first, second = shard(make, "1/2", result("a::shape")), shard(make, "2/2", result("b::shape"), complete=None)

    assert not merge([first, second]).complete


def test_what_happened_in_every_shard_is_kept(make: Make, result: New) -> None:
    run = shard(make, "1/1", result("a::shape"))
    event = Event("incident", "a::shape", message="an earlier case changed the default dtype")

    assert merge([Run(run.header, run.results, (event,), run.footer, run.path)]).events == (event,)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"suite": {"spec_hash": "other"}}, "its suite.spec_hash is other, but {first} has abc"),
        ({"backend": {"version": "2.0"}}, "its backend.version is 2.0, but {first} has 1.0"),
        ({"seed": 3}, "its seed is 3, but {first} has 0"),
        ({"edition": "documented"}, "its edition is documented, but {first} has current"),
        ({"settings": {"backend": "toy.py:Toy", "device": "gpu"}},
         "its settings.device is gpu, but {first} has nothing"),
    ],
)  # fmt: skip
def test_runs_that_differ_do_not_merge(change: dict[str, Any], told: str, make: Make, result: New) -> None:
    first, second = shard(make, "1/2", result("a::shape")), shard(make, "2/2", result("b::shape"), **change)

    with pytest.raises(ResultsError) as caught:
        merge([first, second])

    message = told.format(first=first.path)
    assert str(caught.value) == f"{second.path}: {message}; only shards of one run can be merged"


def test_runs_of_different_filters_do_not_merge(make: Make, result: New) -> None:
    first = make(result("a::shape"), selection={"filter": "op:a", "shard": "1/2"})
    second = make(result("b::shape"), selection={"filter": "op:b", "shard": "2/2"})

    with pytest.raises(ResultsError) as caught:
        merge([first, second])

    assert str(caught.value) == (
        f"{second.path}: its selection.filter is op:b, but {first.path} has op:a; only shards of one run can be merged"
    )


def test_halves_and_thirds_do_not_merge(make: Make, result: New) -> None:
    first, second = shard(make, "1/2", result("a::shape")), shard(make, "2/3", result("b::shape"))

    with pytest.raises(ResultsError) as caught:
        merge([first, second])

    assert str(caught.value) == (
        f"{second.path}: a shard of 3, but {first.path} is of 2; only shards of one run can be merged"
    )


def test_where_the_oracle_lies_on_a_machine_does_not_matter(make: Make, result: New) -> None:
    first = shard(make, "1/2", result("a::shape"), oracle={"file": "/one/torch/__init__.py"})
    second = shard(make, "2/2", result("b::shape"), oracle={"file": "/other/torch/__init__.py"})

    assert merge([first, second]).complete


def test_shards_that_share_an_item_do_not_merge(make: Make, result: New) -> None:
    first, second = make(result("a::shape")), make(result("a::shape"))

    with pytest.raises(ResultsError) as caught:
        merge([first, second])

    assert str(caught.value) == (
        f"{second.path}: a::shape is in {first.path} too; only shards of one run can be merged"
    )

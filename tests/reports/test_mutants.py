from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from assay_reports import json_report, mutants
from assay_reports.mutants import MutationRun, Score, Status, Verdict
from assay_reports.records import Mutants, Selection, Suite
from assay_reports.results import Result, Run

HEADER = Mutants(3, Suite("0.1.0", "abc", "2.13"), "reference", "reference", Selection(), seed=0, ops=2)


def verdict(op: str, mutant: str, status: Status = "killed", **more: Any) -> Verdict:
    content: dict[str, Any] = {
        "op": op, "area": "pointwise", "mutant": mutant, "kind": mutant.partition(":")[0], "status": status, "cases": 7,
        "call": f"{op}(float32[2])", "original": "results 1.0 at 0", "mutated": "results 2.0 at 0",
    }  # fmt: skip
    if status == "killed":
        content |= {"facet": "values", "item": f"{op}::values[float32]", "code": "A101"}
    return Verdict(**content | more)


KILLED = verdict("torch.exp", "NaN turned to zero")
SURVIVED = verdict("torch.exp", "strides ignored: input", "survived", snippet="import torch\nprint(1)")
EQUIVALENT = verdict("torch.sign", "NaN turned to zero", "equivalent", because="PyTorch does so itself")
STALE = verdict("torch.sign", "infinity clipped", because="PyTorch has no one answer")
VERDICTS = (KILLED, SURVIVED, EQUIVALENT, STALE)


def written(folder: Path, verdicts: Sequence[Verdict] = VERDICTS) -> Path:
    path = folder / "mutants.jsonl"
    mutants.write(path, HEADER, [verdicts[:1], verdicts[1:]])
    return path


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    path = written(tmp_path)
    found = mutants.read(path)

    assert mutants.is_mutation_run(path)
    assert found.verdicts == VERDICTS
    assert found.complete
    assert found.header == HEADER


def test_a_run_that_was_interrupted_is_partial_and_keeps_its_verdicts(tmp_path: Path) -> None:
    path = written(tmp_path)
    lines = path.read_text().splitlines()
    path.write_text("\n".join(lines[:3]) + "\n" + lines[3][:40])

    found = mutants.read(path)

    assert (found.verdicts, found.complete) == (VERDICTS[:2], False)


def test_whatever_a_mutant_answers_the_file_can_be_read(tmp_path: Path) -> None:
    hostile = verdict("torch.exp", "x", "survived", original="\u2028 \udc80 \x00", mutated="\n\x1b[31m")

    assert mutants.read(written(tmp_path, [hostile])).verdicts == (hostile,)


def test_a_results_file_is_told_from_a_mutation_run(make: Callable[..., Run], tmp_path: Path) -> None:
    run = make()
    assert run.path is not None

    assert not mutants.is_mutation_run(run.path)


def test_a_score_leaves_out_equivalent_mutants() -> None:
    assert (Score.over(VERDICTS), str(Score.over(VERDICTS))) == (Score(2, 3), "66.6%")
    assert str(Score.over([EQUIVALENT])) == "–"


def test_a_score_reads_100_percent_only_where_every_mutant_was_killed() -> None:
    assert str(Score(9999, 10000)) == "99.9%"
    assert str(Score(10000, 10000)) == "100%"


def test_the_kill_matrix_shows_mutation_operators_against_areas() -> None:
    lines = mutants.table(MutationRun(HEADER, VERDICTS)).splitlines()

    assert [line.split("  ")[0] for line in lines[2:]] == [
        "NaN turned to zero", "strides ignored", "infinity clipped", "all",
    ]  # fmt: skip
    assert lines[2].split()[-3:] == ["1", "1", "100%"]
    assert lines[3].split()[-3:] == ["0/1", "0/1", "0%"]
    assert lines[5].split()[-3:] == ["2/3", "2/3", "66.6%"]


def test_a_survivor_is_shown_with_its_witness() -> None:
    assert list(mutants.survivors(MutationRun(HEADER, VERDICTS))) == [
        "torch.exp  strides ignored: input: survived 7 cases",
        "  witness:   torch.exp(float32[2])",
        "  original:  results 1.0 at 0",
        "  mutant:    results 2.0 at 0",
        "torch.sign  infinity clipped: declared under `equivalent:`, but torch.sign::values[float32] kills it",
    ]


def test_the_lines_about_a_survivor_are_inert() -> None:
    hostile = verdict("torch.exp", "\x1b[2J", "survived", original="a\nb")

    assert list(mutants.survivors(MutationRun(HEADER, (hostile,)))) == [
        "torch.exp  \\x1b[2J: survived 7 cases",
        "  witness:   torch.exp(float32[2])",
        "  original:  a\\nb",
        "  mutant:    results 2.0 at 0",
    ]


def test_the_summary_says_of_how_many_and_which_facets_killed_them() -> None:
    assert mutants.summary(MutationRun(HEADER, VERDICTS)) == (
        "mutation score 66.6%: 2 killed, 1 survived, 1 equivalent, in 2 ops\nfirst killed by: values 2"
    )


def test_the_summary_of_one_op_without_a_kill() -> None:
    assert mutants.summary(MutationRun(HEADER, (SURVIVED,))) == (
        "mutation score 0%: 0 killed, 1 survived, 0 equivalent, in 1 op\nfirst killed by: none"
    )


def test_the_json_report_carries_every_verdict(
    make: Callable[..., Run], result: Callable[..., Result], tmp_path: Path
) -> None:
    runs = [make(result("torch.exp::shape"))]

    found = json.loads(json_report.render(runs, mutants.read(written(tmp_path))))["mutants"]

    assert (found["killed"], found["counted"], len(found["verdicts"])) == (2, 3, 4)
    assert found["verdicts"][1]["call"] == "torch.exp(float32[2])"
    assert "mutants" not in json.loads(json_report.render(runs))

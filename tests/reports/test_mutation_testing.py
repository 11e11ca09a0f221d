from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import jsonschema
import pytest
from click.testing import CliRunner

from assay.cli.__main__ import main
from assay.mutants.families import mutants_of
from assay_reports import mutants
from assay_reports.mutants import MutationRun, Status, Verdict
from assay_reports.mutation_testing import line_of, render
from assay_reports.records import SCHEMA_VERSION, Mutants, Selection, Suite
from assay_spec import load_corpus
from assay_spec.documents import read

ROOT: Final = Path(__file__).parents[2]
PUBLISHED: Final = ROOT / "node_modules/mutation-testing-report-schema/dist/src/mutation-testing-report-schema.json"


def _object(required: dict[str, Any], **optional: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {**required, **optional},
        "required": list(required),
        "additionalProperties": False,
    }


_TEXT: Final = {"type": "string", "minLength": 1}
_POSITION: Final = _object({key: {"type": "integer", "minimum": 1} for key in ("line", "column")})
_PERCENT: Final = {"type": "integer", "minimum": 0, "maximum": 100}
_MUTANT: Final = _object(
    {
        "id": _TEXT,
        "mutatorName": _TEXT,
        "location": _object({"start": _POSITION, "end": _POSITION}),
        "status": {"enum": ["Killed", "Survived", "Ignored"]},
    },
    description=_TEXT,
    replacement=_TEXT,
    statusReason=_TEXT,
    killedBy={"type": "array", "items": _TEXT},
)
# What the public schema asks of the fields that we write; nothing more may be there.
OURS: Final = _object(
    {
        "schemaVersion": {"const": "2"},
        "thresholds": _object({"high": _PERCENT, "low": _PERCENT}),
        "files": {
            "type": "object",
            "additionalProperties": _object(
                {"language": {"const": "yaml"}, "source": _TEXT, "mutants": {"type": "array", "items": _MUTANT}}
            ),
        },
    },
    testFiles={
        "type": "object",
        "additionalProperties": _object({"tests": {"type": "array", "items": _object({"id": _TEXT, "name": _TEXT})}}),
    },
    framework=_object({"name": _TEXT, "version": _TEXT}),
    config={"type": "object"},
)


def header(spec_hash: str | None = None) -> Mutants:
    suite = Suite("1.0", spec_hash or load_corpus().spec_hash, "2.13")
    return Mutants(SCHEMA_VERSION, suite, "reference", "reference", Selection(effort="quick"), seed=0, ops=2)


def verdict(op: str, mutant: str, status: Status = "killed", because: str | None = None) -> Verdict:
    item = f"{op}::values[float32]" if status == "killed" else None
    return Verdict(
        op, "pointwise", mutant, mutant.partition(": ")[0], status, 7, f"{op}(float32[2])", "results 1.0 at 0",
        "results 2.0 at 0", facet=item and "values", item=item, code=item and "A101", because=because,
    )  # fmt: skip


def rendered(*verdicts: Verdict) -> dict[str, Any]:
    return dict(json.loads(render(MutationRun(header(), verdicts), load_corpus())))


ALL_STATUSES: Final = (
    verdict("torch.topk", "strides ignored: input"),
    verdict("torch.topk", "NaN turned to zero", "survived"),
    verdict("torch.remainder", "infinity clipped", "equivalent", "PyTorch has no one answer"),
)


def test_a_report_has_the_fields_that_the_public_format_asks_for() -> None:
    jsonschema.validate(rendered(*ALL_STATUSES), OURS)


@pytest.mark.skipif(not PUBLISHED.exists(), reason="npm install mutation-testing-report-schema puts it there")
def test_a_report_is_valid_by_the_published_schema() -> None:
    jsonschema.Draft7Validator(json.loads(PUBLISHED.read_text(encoding="utf-8"))).validate(rendered(*ALL_STATUSES))


def test_a_report_shows_each_spec_with_its_mutants() -> None:
    files = rendered(*ALL_STATUSES)["files"]

    assert list(files) == ["torch/topk.yaml", "torch/remainder.yaml"]
    assert files["torch/topk.yaml"]["source"].startswith("name: torch.topk\n")
    assert [mutant["status"] for file in files.values() for mutant in file["mutants"]] == [
        "Killed", "Survived", "Ignored",
    ]  # fmt: skip


def test_a_killed_mutant_names_the_item_that_killed_it() -> None:
    report = rendered(ALL_STATUSES[0])

    assert report["files"]["torch/topk.yaml"]["mutants"] == [
        {
            "id": "torch.topk: strides ignored: input",
            "mutatorName": "strides ignored",
            "description": "torch.topk(float32[2]); original: results 1.0 at 0; mutant: results 2.0 at 0",
            "replacement": "input: tensor(real)  # strides ignored: input",
            "location": {"start": {"line": 7, "column": 3}, "end": {"line": 7, "column": 22}},
            "status": "Killed",
            "statusReason": "A101 after 7 cases: A value lies beyond the error budget.",
            "killedBy": ["torch.topk::values[float32]"],
        }
    ]
    assert report["testFiles"] == {
        "torch.topk": {"tests": [{"id": "torch.topk::values[float32]", "name": "values[float32]"}]}
    }


def test_a_mutant_that_was_not_killed_says_why() -> None:
    files = rendered(*ALL_STATUSES[1:])["files"]

    assert [(mutant["statusReason"], mutant["killedBy"]) for file in files.values() for mutant in file["mutants"]] == [
        ("survived 7 cases", []),
        ("PyTorch has no one answer", []),
    ]


@pytest.mark.parametrize(
    ("op", "mutant", "line"),
    [
        ("torch.topk", "strides ignored: input", "  input: tensor(real)"),
        ("torch.topk", "an argument ignored: largest", "  largest: boolean()"),
        ("torch.topk", "out= not filled", "variants: [method, out]"),
        ("torch.topk", "NaN turned to zero", "judge: {values: law, indices: law}"),
        ("torch.topk", "float64 for float32", "result:"),
        ("torch.topk", "a gradient dropped: input", "gradient: {values: [input]}"),
        ("torch.topk", "an error not raised: RuntimeError because k is out of range",
         "  - {out_of_range: k, raises: RuntimeError, because: k is out of range}"),
        ("torch.nn.BatchNorm1d", "training and evaluation confused", "family: batch-normalization-layer"),
        ("torch.nn.BatchNorm1d", "a gradient dropped: bias", "family: batch-normalization-layer"),
        ("torch.optim.SGD", "a scenario's step changed: zero_grad drops the gradients: "
         "without line 4, `optimizer.zero_grad()`", "family: optimizer"),
        ("torch.sign", "a gradient dropped: input", "family: pointwise-same"),
    ],
)  # fmt: skip
def test_a_mutant_stands_on_the_line_that_makes_it_possible(op: str, mutant: str, line: str) -> None:
    file = load_corpus()[op].file
    lines = file.read_text(encoding="utf-8").splitlines()

    assert lines[line_of(verdict(op, mutant), read(file), lines) - 1].strip() == line.strip()


def test_every_mutant_of_the_corpus_has_a_line_below_the_name() -> None:
    for op in load_corpus():
        document, lines = read(op.file), op.file.read_text(encoding="utf-8").splitlines()
        for mutant in mutants_of(op):
            found = Verdict(op.name, op.area, mutant.name, mutant.kind, "killed", 1, "", "", "")
            assert 1 < line_of(found, document, lines) <= len(lines), f"{op.name}: {mutant.name}"


def test_mutants_of_another_corpus_are_refused() -> None:
    stale = MutationRun(header("abc"), ALL_STATUSES)

    with pytest.raises(ValueError, match="run `assay mutants` again") as caught:
        render(stale, load_corpus())

    assert str(caught.value) == (
        f"these mutants were made from corpus abc, but the corpus is now {load_corpus().spec_hash}; "
        "run `assay mutants` again"
    )


def test_a_mutant_of_an_op_that_the_corpus_lacks_is_refused() -> None:
    with pytest.raises(ValueError, match="no op") as caught:
        render(MutationRun(header(), (verdict("torch.nope", "NaN kept"),)), load_corpus())

    assert str(caught.value) == "the corpus has no op 'torch.nope'; run `assay mutants` again"


def test_the_command_line_writes_the_report(tmp_path: Path) -> None:
    mutants.write(tmp_path / "mutants.jsonl", header(), [ALL_STATUSES])
    words = ["report", str(tmp_path / "mutants.jsonl"), "--format", "mutation-testing", "-o", str(tmp_path / "m.json")]

    result = CliRunner().invoke(main, words)

    assert (result.exit_code, result.output) == (0, "")
    assert json.loads((tmp_path / "m.json").read_text(encoding="utf-8")) == rendered(*ALL_STATUSES)


def test_the_command_line_takes_one_mutation_run_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "mutants.jsonl"
    mutants.write(path, header(), [ALL_STATUSES])

    result = CliRunner().invoke(main, ["report", str(path), str(path), "--format", "mutation-testing"])

    assert result.exit_code == 4
    assert result.output == "assay: --format mutation-testing takes one file of `assay mutants` and no run's results\n"

"""What holds of every file that ships."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from assay_spec import load_corpus
from assay_spec.builder import build_op
from assay_spec.documents import read
from assay_spec.expression import is_size_name
from assay_spec.loader import TORCH, corpus_root

CORPUS = load_corpus()
ROOT = corpus_root()
FILES = sorted(ROOT.rglob("*.yaml"))
SCHEMA = json.loads((ROOT / "schema.json").read_text(encoding="utf-8"))
VALIDATOR = Draft202012Validator(SCHEMA)
FAMILIES = CORPUS.families

each_file = pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)


def test_the_corpus_has_every_file() -> None:
    assert len(FILES) == len(CORPUS) + len(CORPUS.families) + len(CORPUS.documents)
    assert len(CORPUS) >= 100
    assert (CORPUS.torch, TORCH, CORPUS.root) == ("2.13", "2.13", ROOT)


def test_a_file_stands_at_the_path_of_its_name() -> None:
    due = {op.name: ROOT.joinpath(*op.name.split(".")).with_suffix(".yaml") for op in CORPUS}

    assert {op.name: op.file for op in CORPUS} == due
    assert {family: document.file.stem for family, document in FAMILIES.items()} == {name: name for name in FAMILIES}


def test_a_family_has_a_member() -> None:
    named = [re.findall(r"\bfamily: ([\w-]+)", file.read_text(encoding="utf-8")) for file in FILES]
    own = [[file.stem] if file.parent.name == "families" else [] for file in FILES]

    assert {name for names, own in zip(named, own, strict=True) for name in names if [name] != own} == set(FAMILIES)


def test_no_two_ops_have_one_name() -> None:
    names = [name for op in CORPUS for name in (op.name, *op.aliases)]

    assert sorted(names) == sorted(set(names))


def test_an_op_loads_alike_twice() -> None:
    again = [build_op(read(op.file), FAMILIES, CORPUS.sources) for op in CORPUS]

    assert [(op.name, op.digest) for op in again] == [(op.name, op.digest) for op in CORPUS]


@each_file
def test_a_file_keeps_its_meaning_as_json(file: Path) -> None:
    content = read(file).content

    again = json.loads(json.dumps(content))

    assert repr(again) == repr(content)  # repr, because NaN is not itself
    VALIDATOR.validate(again)


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)


def objects(schema: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every part of the schema that lists the keys of an object."""
    if isinstance(schema, dict):
        if isinstance(schema.get("properties"), dict) and not path.endswith("/if"):
            yield path, schema
        for key, part in schema.items():
            yield from objects(part, f"{path}/{key}")
    elif isinstance(schema, list):
        for index, part in enumerate(schema):
            yield from objects(part, f"{path}/{index}")


def test_the_schema_allows_no_key_that_it_does_not_list() -> None:
    found = dict(objects(SCHEMA))

    assert len(found) > 20
    assert [path for path, part in found.items() if part.get("additionalProperties") is not False] == []


# Mappings whose keys a file chooses: names of arguments, of results, of rules.
NAMED = {"arguments", "let", "judge", "gradient", "rules", "gives", "expect", "special"}


def levels(content: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every mapping whose keys are the format's own."""
    if isinstance(content, list):
        for index, part in enumerate(content):
            yield from levels(part, (*path, index))
    elif isinstance(content, dict):
        yield path
        for key, part in content.items():
            if key in ("parameters", "buffers", "call", "methods") or (
                key == "result" and not {"dtype", "value"} & set(part)
            ):
                for name, rule in part.items():
                    yield from levels(rule, (*path, key, name))
            elif key == "examples":
                for index, each in enumerate(part):
                    if isinstance(each, list):  # a call and what it gives
                        each, at = {"call": each[0]}, (*path, key, index)
                        yield from ((*at, 0, *rest[1:]) for rest in levels(each) if rest)
                    else:
                        yield from levels(each, (*path, key, index))
            elif key not in NAMED:
                yield from levels(part, (*path, key))


@each_file
def test_the_schema_refuses_an_unknown_key_at_every_level(file: Path) -> None:
    content = read(file).content

    for path in levels(content):
        broken = copy.deepcopy(content)
        part = broken
        for step in path:
            part = part[step]
        part["no_such_key"] = 1
        assert not VALIDATOR.is_valid(broken), path


OVERLOADS = [(op.name, overload) for op in CORPUS for overload in op.overloads]


def test_every_argument_has_a_domain_with_a_name() -> None:
    assert [(name, each.name) for name, overload in OVERLOADS for each in overload.arguments if not each.kinds] == []


def test_what_has_a_leading_tensor_has_dtypes() -> None:
    leading = [(name, overload.lead) for name, overload in OVERLOADS if overload.leading is not None]

    assert [name for name, lead in leading if lead is None or not lead.dtypes] == []


def test_an_overload_asks_something() -> None:
    assert [
        name for name, each in OVERLOADS if not (each.arguments or each.examples or each.special or each.trajectories)
    ] == []


def test_every_size_that_a_rule_names_is_fixed_by_an_argument() -> None:
    unfixed = []
    for op, overload in OVERLOADS:
        fixed = {name for argument in overload.arguments for name in (*argument.source.names, argument.name)}
        shapes = [rule.shape.names for rule in overload.results if rule.shape is not None]
        unfixed += [(op, name) for names in shapes for name in names if is_size_name(name) and name not in fixed]

    assert unfixed == []


def test_a_place_in_the_documents_is_one_of_a_document_that_there_is() -> None:
    citations = [
        citation
        for op in CORPUS
        for citation in (
            *(each.documents for each in op.scenarios),
            *(each.at for overload in op.overloads for each in (*overload.examples, *overload.trajectories)),
        )
        if citation is not None
    ]

    assert len(citations) > 100
    assert {citation.partition(":")[0] for citation in citations} <= set(CORPUS.documents)


def test_what_no_document_describes_stands_beside_what_one_does() -> None:
    undescribed = [name for name in CORPUS.ops if not CORPUS.documented(name)]

    assert {name.rpartition(".")[0] for name in undescribed} <= {
        "torch.nn", "torch.nn.Module", "torch.nn.functional", "torch.nn.init", "torch.nn.utils", "torch.nn.utils.rnn",
        "torch.optim.lr_scheduler", "torch", "torch.distributions", "torch.utils.data", "torch.cuda", "torch.Tensor",
        "torch.multiprocessing", "torchvision.transforms", "torchvision.transforms.functional",
    }  # fmt: skip


def test_a_bug_of_pytorchs_own_is_among_the_findings() -> None:
    findings = (Path(__file__).parents[2] / "docs" / "findings" / "pytorch.md").read_text(encoding="utf-8")
    named = {bug.finding for op in load_corpus() for overload in op.overloads for bug in overload.bugs}

    assert named and all(f"| {name} |" in findings for name in named)

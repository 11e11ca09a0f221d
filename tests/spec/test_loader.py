"""What the loader makes of sound files."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest

from assay_spec import Corpus, SpecError, load_corpus
from assay_spec.expression import Expression, ExpressionError
from assay_spec.model import Argument, Budget, Documented, Erratum, Example, Misuse, Scenario, Trajectory

Load = Callable[..., Corpus]

TOPK = """\
name: torch.topk
aliases: [torch.largest]
area: comparison
summary: The k largest.
signature: (input, k, dim=-1, *, out=None)
variants: [method, out]
arguments:
  input: tensor(real)
  dim: dim(input)
  n: integer(1, 3)
  k: integer(0, size(input, dim))
let: {left: "replace(input.shape, dim, k)"}
require: k < 9
result:
  values: {shape: left, dtype: input.dtype}
  indices: {shape: values.shape, dtype: int64}
judge: {values: {ulp: 2}, indices: law}
laws: ["different(indices, dim)"]
gradient: {values: [input]}
rules: {R1: NaN is the largest.}
special:
  - [.inf, 0, 1, 1.0]
examples:
  - [{input: [1.0], k: 1}, [1.0]]
  - call: {input: [1.0], k: 1}
    gives: {values: [1.0], indices: [0]}
    gradient: {input: [1.0]}
    shows: R1
    decimals: 4
    at: handbook:150
errors:
  - {out_of_range: k, raises: RuntimeError, because: k is too large}
  - {call: {input: [1.0], k: 2}, raises: RuntimeError, because: k is too large}
scenarios:
  - {name: one, run: x = 1, expect: {x: 1}, needs: [files], documents: handbook:9, shows: R1, editions: [current]}
equivalent:
  - {mutant: ties, because: either is right}
"""


def test_a_function_is_loaded_whole(load: Load, tmp_path: Path) -> None:
    op = load(topk=TOPK)["torch.topk"]
    (overload,) = op.overloads

    assert (op.name, op.area, op.summary, op.family) == ("torch.topk", "comparison", "The k largest.", None)
    assert (op.aliases, op.editions) == (("torch.largest",), ("current", "documented"))
    assert op.file == tmp_path / "torch" / "topk.yaml"
    assert (op.rules, op.equivalent) == ({"R1": "NaN is the largest."}, {"ties": "either is right"})
    assert (op.short_name, op.is_method, op.variants, op.dtypes[:2]) == (
        "topk", False, ("method", "out"), ("float32", "float64"),
    )  # fmt: skip
    assert op.scenarios == (
        Scenario(
            name="one",
            run="x = 1",
            expect={"x": 1},
            needs=("files",),
            documents="handbook:9",
            shows="R1",
            editions=("current",),
            line=35,
        ),
    )
    assert (overload.label, overload.method, overload.construct, overload.trail) == ("", None, None, None)
    assert overload.signature.names == ("input", "k", "dim", "out")
    assert [(each.name, each.passed) for each in overload.arguments] == [
        ("input", True), ("dim", True), ("n", False), ("k", True),
    ]  # fmt: skip
    assert [(rule.name, rule.kind, str(rule.dtype)) for rule in overload.results] == [
        ("values", "tensor", "Expression('input.dtype')"), ("indices", "tensor", "Expression('int64')"),
    ]  # fmt: skip
    assert overload.named
    assert overload.judge == {"values": Budget("ulp", 2), "indices": Budget("law")}
    assert overload.gradient == {"values": ("input",)}
    assert (overload.laws, overload.special) == (("different(indices, dim)",), ((math.inf, 0, 1, 1.0),))
    assert [rule.source for rule in overload.require] == ["k < 9"]
    assert {name: rule.source for name, rule in overload.let.items()} == {"left": "replace(input.shape, dim, k)"}
    assert overload.examples == (
        Example(call={"input": [1.0], "k": 1}, gives=[1.0], line=24),
        Example(
            call={"input": [1.0], "k": 1}, gives={"values": [1.0], "indices": [0]}, gradient={"input": [1.0]},
            at="handbook:150", shows="R1", decimals=4, line=25,
        ),
    )  # fmt: skip
    assert overload.errors == (
        Misuse("RuntimeError", "k is too large", out_of_range="k", line=32),
        Misuse("RuntimeError", "k is too large", call={"input": [1.0], "k": 2}, line=33),
        Misuse("IndexError", "the dimension is out of range", out_of_range="dim", line=9),
    )


PLAIN = "name: torch.f\narea: a\nsummary: S.\n"
FAMILY = """\
family: unary
summary: A family.
signature: (input, *, out=None)
variants: [method]
arguments: {input: tensor(real)}
result: {shape: input.shape, dtype: input.dtype}
judge: {ulp: 4}
gradient: [input]
"""


def test_a_member_has_what_its_family_says(load: Load) -> None:
    op = load(of_unary=FAMILY, f=PLAIN + "family: unary\n")["torch.f"]
    (overload,) = op.overloads

    assert (op.family, op.summary, op.variants) == ("unary", "S.", ("method",))
    assert overload.signature.names == ("input", "out")
    assert overload.judge == {"result": Budget("ulp", 4)}
    assert overload.gradient == {"result": ("input",)}
    assert not overload.named


def test_a_member_overrides_its_family_key_by_key(load: Load) -> None:
    op = load(of_unary=FAMILY, f=PLAIN + "family: unary\njudge: exact\narguments: {input: tensor(bool)}\n")["torch.f"]

    assert op.overloads[0].judge == {"result": Budget("exact")}
    assert op.dtypes == ("bool",)
    assert op.variants == ("method",)


def test_a_family_is_no_op(load: Load) -> None:
    corpus = load(of_unary=FAMILY, f=PLAIN + "family: unary\n")

    assert list(corpus.ops) == ["torch.f"]
    assert list(corpus.families) == ["unary"]
    assert len(corpus) == 1
    assert "torch.f" in corpus and "unary" not in corpus
    assert [op.name for op in corpus] == ["torch.f"]


def test_an_overload_inherits_what_it_leaves_out(load: Load) -> None:
    op = load(
        of_unary=FAMILY,
        f=PLAIN
        + """\
family: unary
judge: exact
overloads:
  - label: of numbers
    arguments: {input: tensor(floating)}
  - label: of others
    arguments: {input: tensor(bool)}
    judge: {accumulation: 2}
    variants: [out]
""",
    )["torch.f"]
    first, second = op.overloads

    assert (first.label, first.judge, first.variants) == ("of numbers", {"result": Budget("exact")}, ("method",))
    assert (second.label, second.judge, second.variants) == (
        "of others", {"result": Budget("accumulation", 2)}, ("out",),
    )  # fmt: skip
    assert first.signature == second.signature
    assert op.dtypes == ("float32", "float64", "float16", "bfloat16", "bool")
    assert op.variants == ("method", "out")


def test_an_overload_without_a_label_has_its_number(load: Load) -> None:
    op = load(f=PLAIN + "overloads:\n  - signature: (a)\n  - signature: (b)\n")["torch.f"]

    assert [overload.label for overload in op.overloads] == ["1", "2"]


def test_an_instance_is_made_and_then_its_method_is_called(load: Load) -> None:
    op = load(
        f=PLAIN
        + """\
kind: class
construct:
  signature: (size, bias=True)
  let: {k: 1 / size}
  arguments: {size: "integer(1, 4)", bias: boolean()}
  require: size < 4
state:
  parameters:
    weight: {shape: "[size]", init: "uniform(-k, k)"}
  buffers:
    count: {shape: "[]", when: bias}
methods:
  forward:
    signature: (input)
    let: {flat: "[prod(input.shape)]"}
    arguments: {input: "tensor(floating, shape=[*N, size])"}
    result: {shape: flat, dtype: input.dtype}
    gradient: [input, weight]
    examples:
      - [{size: 1, weight: [2.0], input: [1.0]}, [2.0]]
"""
    )["torch.f"]
    (overload,) = op.overloads
    made = overload.construct

    assert made is not None
    assert (overload.label, overload.method) == ("", "forward")
    assert (made.signature.names, overload.signature.names) == (("size", "bias"), ("input",))
    assert [rule.source for rule in made.require] == ["size < 4"]
    assert (list(made.let), list(overload.let)) == (["k"], ["k", "flat"])
    assert [rule.name for rule in made.parameters] == ["weight"]
    assert [(rule.name, rule.init) for rule in made.buffers] == [("count", None)]
    assert made.parameters[0].init is not None
    assert made.parameters[0].init({"k": 0.5}) == ("uniform", -0.5, 0.5)
    assert overload.gradient == {"result": ("input", "weight")}


def test_a_method_may_be_called_again_and_again_and_leaves_a_trail(load: Load) -> None:
    op = load(
        f=PLAIN
        + """\
kind: class
construct:
  signature: (params, lr=0.1)
  arguments: {params: parameter_groups(), lr: "one_of(0.5)"}
methods:
  step:
    signature: (closure=None)
    trail: params[0]
    trajectories:
      - {call: {lr: 1.0}, start: [0.0], gradients: [[1.0]], gives: [[-1.0]]}
      - {call: {}, start: [0.0], gives: [[0.0]]}
"""
    )["torch.f"]

    assert (op.overloads[0].method, op.overloads[0].trail) == ("step", "params[0]")
    assert op.overloads[0].trajectories == (
        Trajectory(call={"lr": 1.0}, start=[0.0], gradients=[[1.0]], gives=[[-1.0]]),
        Trajectory(call={}, start=[0.0], gives=[[0.0]]),
    )


def test_a_class_has_methods_and_a_method_overloads_that_inherit_from_it(load: Load) -> None:
    op = load(
        f=PLAIN
        + """\
kind: class
construct:
  signature: (size, deep=False)
  arguments: {size: "integer(1, 4)"}
methods:
  sample:
    signature: (shape=())
  log_prob:
    signature: (value)
    judge: {ulp: 2}
    result: {shape: value.shape, dtype: value.dtype}
    overloads:
      - label: of one
        arguments: {value: tensor(floating)}
      - label: of many
        construct: {arguments: {size: "integer(2, 4)", deep: boolean()}}
        arguments: {value: tensor(floating)}
        judge: exact
"""
    )["torch.f"]

    assert [(each.method, each.label, each.judge) for each in op.overloads] == [
        ("sample", "", {}),
        ("log_prob", "of one", {"result": Budget("ulp", 2)}),
        ("log_prob", "of many", {"result": Budget("exact")}),
    ]
    assert [[arg.source.source for arg in each.construct.arguments] for each in op.overloads if each.construct] == [
        ["integer(1, 4)"], ["integer(1, 4)"], ["integer(2, 4)", "boolean()"],
    ]  # fmt: skip


WORDED = """\
family: extreme
where: {most: null, of: real}
summary: The {most}.
judge: exact
overloads:
  - label: of all
    signature: (input)
    arguments: {input: "tensor({of})"}
    result: {shape: "[]", dtype: input.dtype}
  - label: of some
    family: chosen
    signature: (input, dim)
rules:
  R1: NaN is {most}.
"""
CHOSEN = """\
family: chosen
summary: Chosen.
signature: (input, dim=-1)
variants: [method]
arguments: {input: tensor(real), dim: dim(input)}
result: {shape: input.shape, dtype: input.dtype}
errors:
  - {call: {input: [], dim: 0}, raises: IndexError, because: it is empty}
"""


def test_a_family_leaves_words_open_and_a_member_says_them(load: Load) -> None:
    op = load(of_extreme=WORDED, of_chosen=CHOSEN, f=PLAIN + "family: extreme\nwhere: {most: largest, of: bool}\n")[
        "torch.f"
    ]

    assert op.rules == {"R1": "NaN is largest."}
    assert [each.label for each in op.overloads] == ["of all", "of some"]
    assert op.overloads[0].arguments[0].source.source == "tensor(bool)"


def test_a_family_has_scenarios_for_its_members_in_their_words(load: Load) -> None:
    family = """\
family: g
summary: S.
where: {name: null}
scenarios: [{name: a, run: "x = {name}()", expect: {x: 1}}]
"""
    member = PLAIN + "family: g\nwhere: {name: f}\nscenarios:\n  - {name: b, run: y = 2, expect: {y: 2}}\n"

    scenarios = load(of_g=family, f=member)["torch.f"].scenarios

    assert [(each.name, each.run) for each in scenarios] == [("b", "y = 2"), ("a", "x = f()")]


def test_an_overload_of_a_member_fills_in_from_that_of_its_family_with_the_same_label(load: Load) -> None:
    text = """\
family: extreme
where: {most: largest}
overloads:
  - label: of others
    signature: (input, other)
  - label: of some
    judge: {ulp: 2}
    errors:
      - {call: {input: [1.0], dim: 2}, raises: IndexError, because: that is too far}
"""
    op = load(of_extreme=WORDED, of_chosen=CHOSEN, f=PLAIN + text)["torch.f"]
    _, some, others = op.overloads

    assert [each.label for each in op.overloads] == ["of all", "of some", "of others"]
    assert (some.signature.source, some.variants, some.judge) == (
        "(input, dim)",
        ("method",),
        {"result": Budget("ulp", 2)},
    )
    assert [each.name for each in some.arguments] == ["input", "dim"]
    assert [each.because for each in some.errors] == [
        "that is too far", "it is empty", "the dimension is out of range",
    ]  # fmt: skip
    assert others.signature.names == ("input", "other")


def test_arguments_are_filled_in_name_by_name_and_null_takes_one_out(load: Load) -> None:
    text = """\
signature: (input, dim=0, k=1)
arguments: {input: tensor(real), dim: dim(input), k: "integer(0, 1)"}
overloads:
  - arguments: {input: tensor(bool), j: boolean()}
  - arguments: {dim: null}
"""
    first, second = load(f=PLAIN + text)["torch.f"].overloads

    assert [(each.name, each.source.source) for each in first.arguments] == [
        ("input", "tensor(bool)"), ("dim", "dim(input)"), ("k", "integer(0, 1)"), ("j", "boolean()"),
    ]  # fmt: skip
    assert [each.name for each in second.arguments] == ["input", "k"]


def test_a_dimension_out_of_range_is_an_error_that_no_file_need_say(load: Load) -> None:
    text = """\
signature: (input, dim, other=0)
arguments: {input: tensor(real), dim: given(dim(input)), other: dim(input)}
errors:
  - {out_of_range: other, raises: RuntimeError, because: of that}
"""
    (overload,) = load(f=PLAIN + text)["torch.f"].overloads

    assert overload.errors == (
        Misuse("RuntimeError", "of that", out_of_range="other", line=7),
        Misuse("IndexError", "the dimension is out of range", out_of_range="dim", line=5),
    )


FUNCTION = (
    PLAIN
    + """\
signature: (input, target, reduction='mean', weight=None)
arguments: {input: tensor(floating), target: tensor(floating), reduction: "one_of('sum')", weight: tensor(floating)}
result: {shape: "[]", dtype: input.dtype}
judge: conditioned
gradient: [input]
errors:
  - {call: {input: [1.0], target: [1.0], reduction: none}, raises: ValueError, because: of that}
  - {call: {input: [1.0], target: [1.0], weight: 1.0}, raises: TypeError, because: it is no tensor}
"""
)
MODULE = (
    PLAIN.replace("torch.f", "torch.G")
    + """\
kind: class
functional: torch.f
construct:
  signature: (size=1, reduction='mean')
methods:
  forward:
    signature: (input, target)
  extra:
    signature: (input)
"""
)


def test_a_module_has_in_common_with_its_function_what_it_does_not_say_itself(load: Load) -> None:
    forward, extra = load(f=FUNCTION, G=MODULE)["torch.G"].overloads

    assert forward.construct is not None
    assert [each.name for each in forward.construct.arguments] == ["reduction"]
    assert [each.name for each in forward.arguments] == ["input", "target"]
    assert forward.judge == {"result": Budget("conditioned")}
    assert forward.gradient == {"result": ("input",)}
    assert [each.raises for each in forward.errors] == ["ValueError"]
    assert (extra.arguments, extra.results) == ((), ())


def test_a_module_that_says_itself_what_its_arguments_are_takes_none_of_its_function(load: Load) -> None:
    own = MODULE.replace(
        "(input, target)",
        "(input, target)\n    judge: exact\n    arguments: {input: tensor(bool), target: tensor(bool)}",
    )
    forward, _ = load(f=FUNCTION, G=own.replace("'mean')", "'mean')\n  arguments: {size: \"integer(1, 2)\"}"))[
        "torch.G"
    ].overloads

    assert forward.construct is not None
    assert [each.name for each in forward.construct.arguments] == ["size"]
    assert [each.source.source for each in forward.arguments] == ["tensor(bool)", "tensor(bool)"]
    assert forward.judge == {"result": Budget("exact")}


def test_the_digest_of_a_module_covers_its_function(load: Load, tmp_path: Path) -> None:
    before = load(f=FUNCTION, G=MODULE)["torch.G"].digest
    load_corpus.cache_clear()

    assert load(f=FUNCTION.replace("conditioned", "exact"), G=MODULE)["torch.G"].digest != before


def test_an_op_names_every_file_that_it_is_built_from(load: Load, tmp_path: Path) -> None:
    overloaded = PLAIN.replace("torch.f", "torch.h") + "overloads:\n  - {family: chosen}\n"
    corpus = load(of_chosen=CHOSEN, f=FUNCTION, G=MODULE, h=overloaded)

    assert {op.short_name: [str(each.relative_to(tmp_path)) for each in op.files] for op in corpus} == {
        "f": ["torch/f.yaml"],
        "G": ["torch/G.yaml", "torch/f.yaml"],
        "h": ["torch/h.yaml", "families/chosen.yaml"],
    }


def test_parameters_repeat_by_layer_and_direction(load: Load) -> None:
    op = load(
        f=PLAIN
        + """\
kind: class
construct:
  signature: (size, layers=1, both=False)
  arguments: {size: "integer(1, 2)", layers: "integer(1, 2)", both: boolean()}
state:
  each: {layer: [0, 1], suffix: ["", _back]}
  each_when: layer < layers and (both or not suffix)
  parameters:
    "w{layer}{suffix}": {shape: "[size if layer == 0 else 2 * size]", init: "uniform(0, layer + 1)"}
    "b{layer}{suffix}": {shape: "[size]", when: size > 1}
    scale: {shape: "[]"}
methods:
  forward: {signature: (input), gradient: [w1_back], result: {shape: "[]", dtype: bool}}
"""
    )["torch.f"]
    made = op.overloads[0].construct

    assert made is not None
    assert [each.name for each in made.parameters] == [
        "scale", "w0", "b0", "w0_back", "b0_back", "w1", "b1", "w1_back", "b1_back",
    ]  # fmt: skip
    scope = {"size": 3, "layers": 2, "both": False}
    assert [each.shape(scope) for each in made.parameters[1::4]] == [(3,), (6,)]
    assert [each.init(scope) for each in made.parameters[1::4] if each.init] == [("uniform", 0, 1), ("uniform", 0, 2)]
    assert [each.name for each in made.parameters if each.when is None or each.when(scope)] == [
        "scale", "w0", "b0", "w1", "b1",
    ]  # fmt: skip


def test_a_refused_form_is_expected_of_one_edition_and_raises_in_the_other(load: Load) -> None:
    scenario = "{name: n, run: x = 1, expect: {x: 1}, documents: handbook:9, refused: TypeError}"
    op = load(f=PLAIN + f"scenarios:\n  - {scenario}\n")["torch.f"]
    documented, current = op.within("documented"), op.within("current")

    assert documented is not None and current is not None
    assert documented.scenarios == (
        Scenario(
            name="n",
            run="x = 1",
            expect={"x": 1},
            documents="handbook:9",
            editions=("documented",),
            line=5,
        ),
    )
    assert current.scenarios == (
        Scenario(
            name="n, refused",
            run="x = 1",
            raises="TypeError",
            documents="handbook:9",
            editions=("current",),
            line=5,
        ),
    )


def test_what_has_neither_signature_nor_overloads_is_a_scenario(load: Load) -> None:
    op = load(f=PLAIN + "scenarios:\n  - {name: n, run: x, raises: ValueError}\n")["torch.f"]

    assert (op.overloads, op.scenarios[0].raises) == ((), "ValueError")


@pytest.mark.parametrize(
    ("rule", "kind"),
    [
        ("{shape: '[]', dtype: bool}", "tensor"),
        ("{shapes: '[[1], [2]]', dtype: bool}", "sequence"),
        ("{value: bool}", "value"),
    ],
)
def test_a_result_is_a_tensor_a_sequence_or_a_value(load: Load, rule: str, kind: str) -> None:
    op = load(f=PLAIN + f"signature: ()\nresult: {rule}\n")["torch.f"]

    assert [(each.name, each.kind) for each in op.overloads[0].results] == [("result", kind)]


def test_the_digest_covers_what_an_op_says_and_its_family(load: Load, tmp_path: Path) -> None:
    before = load(of_unary=FAMILY, f=PLAIN + "family: unary\n")
    changed = {"families/unary": FAMILY.replace("ulp: 4", "ulp: 2"), "torch/f": PLAIN + "family: unary\n"}
    for name, text in changed.items():
        file = (tmp_path / "later" / name).with_suffix(".yaml")
        file.parent.mkdir(parents=True)
        file.write_text(text)
    after = load_corpus(tmp_path / "later")

    assert before["torch.f"].digest != after["torch.f"].digest
    assert before.spec_hash != after.spec_hash


def test_the_hash_of_the_corpus_is_that_of_its_files_and_their_names(tmp_path: Path) -> None:
    for folder, name, text in (("a", "f", PLAIN), ("b", "f", PLAIN), ("c", "g", PLAIN), ("d", "f", PLAIN + "\n")):
        (tmp_path / folder / "torch").mkdir(parents=True)
        (tmp_path / folder / "torch" / f"{name}.yaml").write_text(text)
    a, b, c, d = (load_corpus(tmp_path / folder).spec_hash for folder in "abcd")

    assert a == b
    assert len({a, c, d}) == 3


def test_a_file_is_read_when_its_op_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch" / "f.yaml").write_text(PLAIN)
    (tmp_path / "torch" / "broken.yaml").write_text("[")
    corpus = load_corpus(tmp_path)

    assert list(corpus.ops) == ["torch.broken", "torch.f"]
    assert "torch.broken" in corpus
    assert corpus["torch.f"].name == "torch.f"
    assert corpus["torch.f"] is corpus["torch.f"]
    with pytest.raises(SpecError):
        corpus["torch.broken"]
    with pytest.raises(SpecError):
        list(corpus)


def test_a_document_says_where_it_describes_an_op_and_what_it_says_wrongly(tmp_path: Path) -> None:
    files = {
        "torch/f": PLAIN,
        "documented/handbook": """\
document: handbook
title: A Handbook
about: a handbook
file: 001.txt
ops:
  torch.f: [7, 9-12, {lines: 14, signature: (input), note: older}]
errata:
  torch.f:
    - {lines: 8, says: one thing, holds: another, evidence: 1 -> 1}
""",
    }
    for name, text in files.items():
        file = (tmp_path / name).with_suffix(".yaml")
        file.parent.mkdir()
        file.write_text(text)
    corpus = load_corpus(tmp_path)

    assert list(corpus.ops) == ["torch.f"]
    assert corpus.documented("torch.f") == (
        Documented("handbook", "A Handbook", "7"),
        Documented("handbook", "A Handbook", "9-12"),
        Documented("handbook", "A Handbook", "14", "(input)", "older"),
    )
    assert corpus.errata("torch.f") == (Erratum("handbook", "A Handbook", "8", "one thing", "another", "1 -> 1"),)
    assert [each.at for each in (*corpus.documented("torch.f"), *corpus.errata("torch.f"))] == [
        "handbook:7", "handbook:9-12", "handbook:14", "handbook:8",
    ]  # fmt: skip
    assert [each.where for each in corpus.documented("torch.f")[:2]] == [
        "the handbook (A Handbook), line 7", "the handbook (A Handbook), lines 9-12",
    ]  # fmt: skip
    assert corpus.documented("torch.g") == ()


@pytest.mark.parametrize(
    ("domain", "is_tensor"),
    [
        ("tensor(real)", True),
        ("number(0, 1) | tensor(real)", True),
        ("given(many(tensor(real)))", True),
        ("maybe(tensor(real))", True),
        ("number(0, 1)", False),
        ("many(number(0, 1))", False),
        ("made('torch.f', input=tensor(real))", False),
        ("parameter_groups()", False),
    ],
)
def test_an_argument_that_may_be_a_tensor_leads(load: Load, domain: str, is_tensor: bool) -> None:
    (overload,) = load(f=PLAIN + f'signature: (a)\narguments: {{a: "{domain}"}}\n')["torch.f"].overloads

    assert overload.arguments[0].is_tensor is is_tensor
    assert (overload.leading is overload.arguments[0]) is is_tensor


def test_an_argument_whose_expression_is_not_a_domain_is_refused() -> None:
    with pytest.raises(ExpressionError) as caught:
        Argument("k", Expression("1 + 1", {})).domain({})

    assert str(caught.value) == "'1 + 1' is not a domain"


def test_a_folder_without_specs_is_no_corpus(tmp_path: Path) -> None:
    with pytest.raises(SpecError) as caught:
        load_corpus(tmp_path)

    assert str(caught.value) == f"{tmp_path}:1: no spec files here (point at a folder that holds .yaml files)"

"""What the loader says against broken files: `file:line: what (hint)`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from assay_spec import SpecError, load_corpus

Complaint = Callable[..., str]

TOP = "name: torch.f\narea: a\nsummary: S.\n"

OP = """\
name: torch.f
area: a
summary: S.
signature: (input, k, dim=-1)
arguments: {input: tensor(real), k: "integer(0, 3)", dim: dim(input)}
result: {shape: input.shape, dtype: input.dtype}
"""

NAMED = """\
name: torch.f
area: a
summary: S.
signature: (input)
arguments: {input: tensor(real)}
result:
  values: {shape: input.shape, dtype: input.dtype}
  indices: {shape: values.shape, dtype: int64}
"""

CLASS = """\
name: torch.f
kind: class
area: a
summary: S.
construct:
  signature: (size)
  arguments: {size: "integer(1, 4)"}
"""

FORWARD = """\
methods:
  forward:
    signature: (input)
    arguments: {input: tensor(real)}
"""

DOCS = "(see docs/spec-format.md)"
EXPRESSIONS = "(see the expressions in docs/spec-format.md)"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("argumnets: {}", "unknown key 'argumnets' (did you mean 'arguments' or 'variants'?)"),
        ("examples: [{call: {input: 1, k: 1}, givs: 1}]", "unknown key 'givs' (did you mean 'gives'?)"),
        ("errors: [{out_of_range: k, raises: E, becuase: b}]", "unknown key 'becuase' (did you mean 'because'?)"),
        ("errors: [{call: {input: 1, k: 1}, raises: E, why: b}]",
         "unknown key 'why' (known: call, raises, because)"),
        ("examples: [[{input: {tensor: [1], dtpye: int8}, k: 1}, 1]]", "unknown key 'dtpye' (did you mean 'dtype'?)"),
        ("examples: [{call: {input: {tensor: [1], dtype: int7}, k: 1}}]",
         "unknown word 'int7' (did you mean 'int8' or 'uint8'?)"),
        ("overloads: [{lable: x}]", "unknown key 'lable' (did you mean 'label' or 'let'?)"),
        ("scenarios: [{name: a, run: b, raise: c}]", "unknown key 'raise' (did you mean 'raises' or 'refused'?)"),
        ("judge: {upl: 2}", "unknown key 'upl' (did you mean 'ulp'?)"),
        ("judge: exct", "unknown word 'exct' (did you mean 'exact'?)"),
        ("kind: clas", "unknown word 'clas' (did you mean 'class'?)"),
        ("variants: [methd]", "unknown word 'methd' (did you mean 'method'?)"),
        ("editions: [now]", "unknown word 'now' (known: current, documented)"),
        ("scenarios: [{name: a, documents: page 3, run: b, raises: E}]",
         "'page 3' does not fit (write DOCUMENT:LINE or DOCUMENT:LINE-LINE)"),
        ("rules: {X: it holds}", "'X' does not fit (number it R1 or E1)"),
        ("errors: [{out_of_range: k, because: b}]", "the key 'raises' is missing (add `raises:`)"),
        ("examples: [[{input: 1, k: 1}]]", f"a list of 1, not of 2 {DOCS}"),
        ("special: [[1.0]]", "a row of 0 inputs and a result (write [input, k, dim, result])"),
        ("let: [1]", f"[1] is not a mapping {DOCS}"),
    ],
)  # fmt: skip
def test_a_file_that_breaks_the_schema_says_where_and_what(complaint: Complaint, line: str, message: str) -> None:
    assert complaint(f=f"{OP}{line}\n") == f"f.yaml:7: {message}"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("examples: [[{input: 1, kk: 1}, 1]]", "the signature has no 'kk' (did you mean 'k'?)"),
        ("examples: [[{input: 1}, 1]]", "the call leaves out 'k', which has no default (add `k:`)"),
        ("errors: [{call: {k: 1}, raises: E, because: b}]",
         "the call leaves out 'input', which has no default (add `input:`)"),
        ("errors: [{out_of_range: kk, raises: E, because: b}]", "out_of_range names 'kk' (did you mean 'k'?)"),
        ("examples: [{call: {input: 1, k: 1}, shows: R1}]",
         "shows 'R1', which is no rule here (number it under rules:)"),
        ("judge: {valuse: exact}", "judge names 'valuse' (known: result)"),
        ("special: [[1.0, 2, 0, 1.0], [1.0, 2.0]]", "a row of 1 inputs and a result (write [input, k, dim, result])"),
        ("special: [[1.0, 2, 0, 0, 1.0]]", "a row of 4 inputs and a result (write [input, k, dim, result])"),
        ("gradient: [inptu]", "gradient names 'inptu' (did you mean 'input'?)"),
        ("gradient: {input: [result]}", "gradient names 'input', which is no result (known: result)"),
        ("shares: inptu", "shares names 'inptu' (did you mean 'input'?)"),
        ("changes: [input, inptu]", "changes names 'inptu' (did you mean 'input'?)"),
        ("shares_when: inptu", "unknown name 'inptu' (did you mean 'input' or 'int'?)"),
        ("require: [k > 1, kk > 1]", "unknown name 'kk' (did you mean 'k'?)"),
        ("let: {s: inptu}", "unknown name 'inptu' (did you mean 'input' or 'int'?)"),
        ("let: {size: k}", "let defines 'size', a word of the vocabulary (give it another name)"),
        ("let: {K: k}", "let defines 'K', the name of a size (give it another name)"),
        ("random: uniform(0, dmi)", "unknown name 'dmi' (did you mean 'min' or 'dim'?)"),
        ("random: unifrom(0, 1)", "the vocabulary has no function 'unifrom' (did you mean 'uniform'?)"),
        ("family: unary", "no family 'unary' (there is none)"),
        ("scenarios: [{name: a, run: b}]", "a scenario that expects nothing (add expect: or raises:)"),
    ],
)  # fmt: skip
def test_a_name_that_nothing_defines_is_refused(complaint: Complaint, line: str, message: str) -> None:
    assert complaint(f=f"{OP}{line}\n") == f"f.yaml:7: {message}"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("tensor(real)", "tensr(real)",
         "5: the vocabulary has no function 'tensr' (did you mean 'tensor' or 'insert'?)"),
        ("dim(input)", "dim(inptu)", "5: unknown name 'inptu' (did you mean 'input' or 'int'?)"),
        ("dim(input)", "dim(zzzzz)", "5: unknown name 'zzzzz' (known: dim, input, k)"),
        ("shape: input", "shape: inptu", "6: unknown name 'inptu' (did you mean 'input' or 'int'?)"),
        ("dtype: input.dtype", "dtype: other.dtype", "6: unknown name 'other' (did you mean 'together' or 'order'?)"),
        ("input.shape", "input.shap",
         f"6: .shap is not one of dtype, layout, ndim, numel, shape, strides {EXPRESSIONS}"),
        ("input.shape", '"lambda: k"', f"6: the language has no Lambda {EXPRESSIONS}"),
        ("input.shape", '"k +"', f"6: 'k +' is not an expression: invalid syntax {EXPRESSIONS}"),
        ('k: "integer(0, 3)", ', "", "5: the signature requires 'k', which has no domain (add `k:`)"),
        ("dim=-1", "dim=int", "4: the default of 'dim' is not a literal: int "
         "(write it as Python would: (input, dim=-1, *, out=None))"),
        ("dim=-1", "k=-1", "4: '(input, k, k=-1)' is not a signature: 'k' appears twice "
         "(write it as Python would: (input, dim=-1, *, out=None))"),
        ("torch.f", "f", "1: 'f' does not fit (write it as torch.nn.Linear)"),
        ("area: a\n", "", "1: the key 'area' is missing (add `area:`)"),
        ("summary: S.\n", "", "1: the key 'summary' is missing (add `summary:`)"),
        ("dtype: input.dtype", "dtpe: bool", "6: unknown key 'dtpe' (did you mean 'dtype'?)"),
        ("name: torch.f\n", "", "1: neither name nor family (begin with `name:` or `family:`)"),
    ],
)  # fmt: skip
def test_a_part_that_is_wrong_is_said_at_its_line(complaint: Complaint, old: str, new: str, message: str) -> None:
    assert complaint(f=OP.replace(old, new, 1)) == f"f.yaml:{message}"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "dtype: int64}",
            "dtype: int64}\njudge: {values: exact}",
            "9: judge says nothing of 'indices' (add `indices:`)",
        ),
        ("shape: values.shape", "shape: valeus.shape", "8: unknown name 'valeus' (did you mean 'values'?)"),
        (
            "shape: input.shape",
            "shape: indices.shape",
            "7: unknown name 'indices' (did you mean 'index' or 'indexed'?)",
        ),
    ],
)
def test_named_results_are_checked_by_name(complaint: Complaint, old: str, new: str, message: str) -> None:
    assert complaint(f=NAMED.replace(old, new, 1)) == f"f.yaml:{message}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (CLASS, "1: the class has no methods (add `methods:`)"),
        (TOP + "kind: class\n", "1: the class has no construction (add `construct:`)"),
        (CLASS.replace("  signature: (size)\n", "") + FORWARD, "5: no signature (add `signature:` here)"),
        (CLASS + "methods:\n  forward:\n    judge: exact\n",
         "9: no signature (add `signature:` here or at the top)"),
        (CLASS + "methods:\n  forward: {signatur: (a)}\n", "9: unknown key 'signatur' (did you mean 'signature'?)"),
        (CLASS + FORWARD.replace("tensor(real)", "tensr(real)"),
         "11: the vocabulary has no function 'tensr' (did you mean 'tensor' or 'insert'?)"),
        (CLASS + FORWARD.replace("(input)", "(input, other)"),
         "11: the signature requires 'other', which has no domain (add `other:`)"),
        (CLASS.replace("{size:", "{sizes:") + FORWARD,
         "7: the signature requires 'size', which has no domain (add `size:`)"),
        (CLASS + "state:\n  parameters:\n    weight: {shape: '[sizes]'}\n" + FORWARD,
         "10: unknown name 'sizes' (did you mean 'size' or 'shapes'?)"),
        (CLASS + "state:\n  parameters:\n    weight: {shape: '[size]', init: 'uniform(0, k)'}\n" + FORWARD,
         "10: unknown name 'k' (known: size)"),
        (CLASS + FORWARD + "    trail: siez[0]\n", "12: trail names 'siez' (did you mean 'size'?)"),
        (CLASS + FORWARD + "    examples:\n      - [{size: 1, input: 1}, 1]\n      - [{input: 1}, 1]\n",
         "14: the call leaves out 'size', which has no default (add `size:`)"),
        (CLASS + FORWARD + "    examples:\n      - [{size: 1, input: 1, wieght: 1}, 1]\n",
         "13: the signature has no 'wieght' (known: input, size, training)"),
        (CLASS + FORWARD + "    overloads:\n      - construct: {arguments: {size: integr(1)}}\n",
         "13: the vocabulary has no function 'integr' (did you mean 'integer' or 'is_integral'?)"),
        (CLASS.replace("integer", "integr") + FORWARD + "    overloads:\n      - construct: {let: {k: size}}\n",
         "7: the vocabulary has no function 'integr' (did you mean 'integer' or 'is_integral'?)"),
        (CLASS + FORWARD.replace("tensor", "tensr") + "    overloads:\n      - label: x\n",
         "11: the vocabulary has no function 'tensr' (did you mean 'tensor' or 'insert'?)"),
    ],
)  # fmt: skip
def test_a_class_is_checked_where_it_is_made_and_where_it_is_called(
    complaint: Complaint, text: str, message: str
) -> None:
    assert complaint(f=text) == f"f.yaml:{message}"


BROKEN = "signature: (input)\narguments: {input: tensr(real)}\n"
SAID = "the vocabulary has no function 'tensr' (did you mean 'tensor' or 'insert'?)"


def test_an_error_in_a_family_is_said_of_the_family(complaint: Complaint) -> None:
    assert complaint(f=TOP + "family: u\n", of_u="family: u\nsummary: S.\n" + BROKEN) == f"u.yaml:4: {SAID}"


def test_an_error_at_the_top_is_said_of_the_top_and_not_of_an_overload(complaint: Complaint) -> None:
    assert complaint(f=TOP + BROKEN + "overloads:\n  - label: x\n") == f"f.yaml:5: {SAID}"


def test_an_error_in_an_overload_is_said_of_the_overload(complaint: Complaint) -> None:
    text = TOP + "overloads:\n  - label: x\n    signature: (input)\n    arguments:\n      input: tensr(real)\n"

    assert complaint(f=text) == f"f.yaml:8: {SAID}"


def test_an_overload_needs_a_signature(complaint: Complaint) -> None:
    text = TOP + "overloads:\n  - label: x\n"

    assert complaint(f=text) == "f.yaml:5: no signature (add `signature:` here or at the top)"


def test_a_gradient_needs_a_result(complaint: Complaint) -> None:
    text = TOP + "signature: (input)\ngradient: [input]\n"

    assert complaint(f=text) == "f.yaml:5: a gradient without a result (add `result:`)"


def test_an_unknown_family_is_compared_with_those_there_are(complaint: Complaint) -> None:
    said = complaint(f=TOP + "family: unray\n", of_unary="family: unary\nsummary: S.\n")

    assert said == "f.yaml:4: no family 'unray' (did you mean 'unary'?)"


def test_an_op_stands_at_the_path_of_its_name(complaint: Complaint) -> None:
    said = complaint(f=OP, g=OP)

    assert said == "g.yaml:1: torch.f belongs at torch/f.yaml (move the file or change its name)"


def test_a_family_stands_at_the_path_of_its_name(complaint: Complaint) -> None:
    said = complaint(of_f="summary: S.\nfamily: u\n")

    assert said == "f.yaml:2: u belongs at families/u.yaml (move the file or change its name)"


@pytest.mark.parametrize("file", ["f", "of_f"])
def test_an_op_is_no_family_and_a_family_no_op(complaint: Complaint, file: str) -> None:
    text = {"f": "family: f\nsummary: S.\n", "of_f": OP}[file]

    assert (
        complaint(**{file: text})
        == {
            "f": "f.yaml:1: f belongs at families/f.yaml (move the file or change its name)",
            "of_f": "f.yaml:1: torch.f belongs at torch/f.yaml (move the file or change its name)",
        }[file]
    )


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("{mots: x}", "5: u has no word 'mots' (did you mean 'most'?)"),
        ("{}", "4: u needs the word 'most' (add `where: {most: …}`)"),
    ],
)
def test_the_words_of_a_family_are_checked(complaint: Complaint, where: str, message: str) -> None:
    said = complaint(f=TOP + f"family: u\nwhere: {where}\n", of_u="family: u\nwhere: {most: null}\nsummary: S.\n")

    assert said == f"f.yaml:{message}"


def test_words_without_a_family_are_refused(complaint: Complaint) -> None:
    assert complaint(f=TOP + "where: {most: x}\n") == "f.yaml:4: where without a family (add `family:`)"


def test_two_overloads_have_two_labels(complaint: Complaint) -> None:
    said = complaint(f=TOP + "signature: ()\noverloads:\n  - {label: x}\n  - {label: x}\n")

    assert said == "f.yaml:7: the label 'x' appears twice (give each its own)"


def test_a_family_of_an_overload_is_compared_with_those_there_are(complaint: Complaint) -> None:
    said = complaint(f=TOP + "overloads:\n  - {family: v}\n", of_u="family: u\nsummary: S.\n")

    assert said == "f.yaml:5: no family 'v' (known: u)"


def test_an_error_in_the_family_of_an_overload_is_said_of_the_family(complaint: Complaint) -> None:
    said = complaint(f=TOP + "overloads:\n  - {family: u}\n", of_u="family: u\nsummary: S.\n" + BROKEN)

    assert said == f"u.yaml:4: {SAID}"


def test_the_function_of_a_module_is_one_that_there_is(complaint: Complaint) -> None:
    said = complaint(f=OP, g=CLASS.replace("torch.f", "torch.g") + "functional: torch.ff\n" + FORWARD)

    assert said == "g.yaml:8: no function 'torch.ff' (did you mean 'torch.f' or 'torch.g'?)"


@pytest.mark.parametrize("text", ["", "- 1\n", "torch.f\n"])
def test_a_file_is_a_mapping(complaint: Complaint, text: str) -> None:
    assert complaint(f=text) == "f.yaml:1: a spec file is a mapping (begin with `name:` or `family:`)"


def test_the_first_line_that_holds_something_wrong_is_said(complaint: Complaint) -> None:
    text = TOP + "variants: [methd]\neditions: [now]\n"

    assert complaint(f="# a comment\n" + text) == "f.yaml:5: unknown word 'methd' (did you mean 'method'?)"


def test_a_key_written_wrong_is_said_before_the_key_that_is_missing(complaint: Complaint) -> None:
    said = complaint(f=TOP.replace("summary", "sumary"))

    assert said == "f.yaml:3: unknown key 'sumary' (did you mean 'summary' or 'shares'?)"


DOCUMENT = "document: d\ntitle: T\nabout: a\nfile: f.txt\nops:\n  torch.f: [1]\n"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("document: d", "document: e", "1: e belongs at documented/e.yaml (move the file or change its name)"),
        ("title: T\n", "", "1: the key 'title' is missing (add `title:`)"),
        ("torch.f", "torch.ff", "6: no op 'torch.ff' (did you mean 'torch.f'?)"),
        ("[1]", "[1-]", "6: '1-' does not fit (write LINE or LINE-LINE)"),
        ("[1]", "[{line: 1}]", "6: unknown key 'line' (did you mean 'lines' or 'note'?)"),
        ("[1]\n", "[1]\nerrata: {torch.f: [{lines: 1, says: a, holds: b}]}\n",
         "7: the key 'evidence' is missing (add `evidence:`)"),
        ("[1]\n", "[1]\nerrata: {torch.g: []}\n", "7: no op 'torch.g' (did you mean 'torch.f'?)"),
    ],
)  # fmt: skip
def test_a_document_is_checked(tmp_path: Path, old: str, new: str, message: str) -> None:
    for name, text in {"torch/f": OP, "documented/d": DOCUMENT.replace(old, new)}.items():
        file = (tmp_path / name).with_suffix(".yaml")
        file.parent.mkdir()
        file.write_text(text)

    with pytest.raises(SpecError) as caught:
        list(load_corpus(tmp_path).documents.values())

    assert str(caught.value) == f"{tmp_path}/documented/d.yaml:{message}"

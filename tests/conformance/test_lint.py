from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from assay.cli.lint import (
    RULES,
    Rule,
    arguments_are_passed,
    check,
    complaints,
    domains_can_be_drawn,
    equivalents_are_right,
    family_is_not_repeated,
    has_worked_cases,
    is_at_its_path,
    keys_in_order,
    laws_can_be_read,
    misuses_can_be_tried,
    rules_are_shown,
    scenarios_can_be_read,
    sentences_end,
)
from assay_spec import SpecError
from assay_spec.builder import build_op
from assay_spec.documents import read
from assay_spec.loader import corpus_root, load_corpus

ERRORS = """\
errors:
  - {out_of_range: dim, raises: IndexError, because: there is no such dimension}
"""

SOUND = """\
name: torch.f
area: a
summary: A sentence.
signature: (input, dim=-1)
arguments:
  input: tensor(real)
  dim: dim(input)
require: dim < 9
result: {shape: input.shape, dtype: input.dtype}
laws: ["same(input, result)"]
examples:
  - {call: {input: [1.0]}, gives: [1.0], shows: R1}
errors:
  - {out_of_range: dim, raises: IndexError, because: there is no such dimension}
rules: {R1: It holds.}
"""


def said(folder: Path, text: str, path: str = "torch/f.yaml") -> list[str]:
    """Lint one file; return the complaints without the folder that it lies in."""
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return [each.replace(f"{folder}/", "") for each in complaints(build_op(read(file), load_corpus().families))]


def test_a_sound_file_has_no_complaints(tmp_path: Path) -> None:
    assert said(tmp_path, SOUND) == []


BROKEN: list[tuple[Rule, str, str, str]] = [
    (keys_in_order, "area: a\nsummary: A sentence.\n", "summary: A sentence.\narea: a\n",
     "2: the key 'summary' comes before 'area'; the order is name, area, summary, signature, arguments, "
     "require, result, laws, examples, errors, rules"),
    (is_at_its_path, "name: torch.f\n", "name: torch.nn.f\n", "1: torch.nn.f belongs at torch/nn/f.yaml"),
    (has_worked_cases,
     "examples:\n  - {call: {input: [1.0]}, gives: [1.0], shows: R1}\n" + ERRORS + "rules: {R1: It holds.}\n", ERRORS,
     "1: no examples, trajectories or scenarios: add at least one worked case"),
    (scenarios_can_be_read, "It holds.}\n", "It holds.}\nscenarios: [{name: s, run: 'y = = 1', expect: {y: 1}}]\n",
     "16: the scenario 's' is no Python: invalid syntax"),
    (rules_are_shown, ", shows: R1", "", "15: nothing shows R1: add `shows: R1` to an example or scenario"),
    (domains_can_be_drawn, "dim < 9", "dim > 9",
     "1: no call can be drawn: the domains or require: leave no call"),
    (domains_can_be_drawn, "dim: dim(input)", "dim: dim(input.ndim)",
     "1: no call can be drawn: AttributeError: 'int' object has no attribute 'ndim'"),
    (misuses_can_be_tried, "errors:\n", "errors:\n  - {out_of_range: input, raises: IndexError, because: of that}\n",
     "14: no value of 'input' is out of range: write a call instead"),
    (arguments_are_passed, "dim=-1)", "dim=-1, keepdim=False)",
     "1: no call passes 'keepdim': add a domain, or pass it in an example or a scenario"),
    (equivalents_are_right, "rules: {R1: It holds.}\n",
     "rules: {R1: It holds.}\nequivalent:\n  - {mutant: an input chagned, because: of that}\n",
     "17: the spec makes no mutant 'an input chagned' possible; did you mean 'an input changed: input' or "
     "'an argument ignored: dim'?"),
    (laws_can_be_read, "same(input, result)", "same(input, reslt)",
     "1: 'same(input, reslt)': nothing defines 'reslt'"),
    (laws_can_be_read, "same(input, result)", "smae(input, result)",
     "1: 'smae(input, result)': the vocabulary has no function 'smae'"),
    (sentences_end, "A sentence.", "A sentence", "3: the summary ends without a full stop"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "old", "new", "words"), BROKEN)
def test_a_rule_says_what_breaks_it_and_where(tmp_path: Path, rule: Rule, old: str, new: str, words: str) -> None:
    assert old in SOUND
    assert said(tmp_path, SOUND.replace(old, new)) == [f"torch/f.yaml:{words}"]


def test_a_folder_that_only_ends_in_torch_is_another(tmp_path: Path) -> None:
    assert said(tmp_path, SOUND, "mytorch/f.yaml") == ["mytorch/f.yaml:1: torch.f belongs at torch/f.yaml"]


def test_a_member_does_not_say_again_what_its_family_says(tmp_path: Path) -> None:
    text = """\
name: torch.f
family: pointwise-unary
area: a
summary: A sentence.
variants: [method, in-place, out]
examples:
  - [{input: [1.0]}, [1.0]]
"""

    assert said(tmp_path, text) == ["torch/f.yaml:5: 'variants' repeats the family pointwise-unary: leave it out"]


def test_an_overload_does_not_say_again_what_its_family_says(tmp_path: Path) -> None:
    form = "overloads:\n  - {family: creation-filled, signature: '(input, dim=-1)', variants: [out]}\n"

    assert "torch/f.yaml:16: 'variants' repeats the family creation-filled: leave it out" in said(
        tmp_path, SOUND.replace("rules:", f"{form}rules:")
    )


def test_a_form_that_cannot_be_drawn_is_named(tmp_path: Path) -> None:
    text = SOUND.replace("require: dim < 9\n", "").replace(
        "rules:", "overloads:\n  - {label: one}\n  - {label: two, require: dim > 9}\nrules:"
    )

    assert "torch/f.yaml:1: no call can be drawn for two: the domains or require: leave no call" in said(tmp_path, text)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("gives: [1.0], shows: R1}", "gives: [1.0], shows: R1}\n  - [{input: [1.0], keepdim: true}, 1.0]"),
        ("rules:", "scenarios: [{name: s, run: 'y = torch.f(x, keepdim=True)', expect: {y: 1}}]\nrules:"),
    ],
)
def test_an_argument_may_be_passed_by_an_example_or_a_scenario(tmp_path: Path, old: str, new: str) -> None:
    text = SOUND.replace("dim=-1)", "dim=-1, keepdim=False)").replace(old, new)

    assert [words for words in said(tmp_path, text) if "passes" in words] == []


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("torch.abs", "torch.abs::special[float32] kills the mutant 'NaN turned to zero'"),
        ("torch.sign", "no call distinguishes the mutant 'NaN turned to zero'"),  # it does so itself
    ],
)
def test_a_mutant_is_not_said_to_be_equivalent_where_nothing_or_the_suite_shows_it(name: str, words: str) -> None:
    op = replace(load_corpus()[name], equivalent={"NaN turned to zero": "of nothing"})

    assert [said for _, said in equivalents_are_right(op)] == [f"{words}: leave the declaration out"]


def test_every_rule_has_a_file_that_breaks_it() -> None:
    assert {rule for rule, *_ in BROKEN} | {family_is_not_repeated} == set(RULES)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("gives: [1.0], shows: R1", "shows: R1, gives: [1.0]",
         "the key 'shows' comes before 'gives'; the order is call, gives, shows"),
        ("rules:", "overloads:\n  - {require: dim < 8, label: x}\nrules:",
         "the key 'require' comes before 'label'; the order is label, require"),
    ],
)  # fmt: skip
def test_the_keys_of_every_part_have_their_order(tmp_path: Path, old: str, new: str, words: str) -> None:
    assert any(words in each for each in said(tmp_path, SOUND.replace(old, new)))


def test_linting_counts_the_scenarios_that_stay_programs_and_says_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    loop = "{name: in a loop, run: 'for x in torch.f(1): y = x', expect: {y: 1}}"
    file = tmp_path / "torch" / "f.yaml"
    file.parent.mkdir()
    file.write_text(SOUND + f"scenarios: [{loop}, {{name: s, run: y = 1, expect: {{y: 1}}}}]\n")

    assert check([file]) == 0
    assert capsys.readouterr().out == (
        f"{file}:16: 'in a loop' stays a program: a loop\n"
        "1 of 2 scenarios stay programs, because they contain: a loop 1\n1 specs, 0 complaints\n"
    )


def test_linting_files_prints_the_complaints_and_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "torch" / "f.yaml"
    file.parent.mkdir()
    file.write_text(SOUND.replace("A sentence.", "A sentence"))

    code = check([file])

    assert code == 1
    assert capsys.readouterr().out == (f"{file}:3: the summary ends without a full stop\n1 specs, 1 complaints\n")


def test_linting_sound_files_passes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "torch" / "f.yaml"
    file.parent.mkdir()
    file.write_text(SOUND)

    code = check([file, corpus_root() / "families" / "pointwise-unary.yaml"])

    assert (code, capsys.readouterr().out) == (0, "1 specs, 0 complaints\n")


def test_a_file_that_does_not_load_is_an_error_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "f.yaml"
    file.write_text(SOUND.replace("summary", "sumary"))

    with pytest.raises(SpecError) as caught:
        check([file])

    assert str(caught.value) == f"{file}:3: unknown key 'sumary' (did you mean 'summary' or 'shares'?)"


def test_the_corpus_has_no_complaints(capsys: pytest.CaptureFixture[str]) -> None:
    assert check([]) == 0
    assert capsys.readouterr().out.endswith(" specs, 0 complaints\n")

from __future__ import annotations

import pytest

from assay_spec import load_corpus
from assay_spec.words import in_words


def test_every_argument_of_the_corpus_has_words() -> None:
    for op in load_corpus():
        for overload in op.overloads:
            passed = [each.name for each in overload.arguments if each.passed]
            made = [each.name for each in overload.construct.arguments if each.passed] if overload.construct else []

            assert [argument.name for argument, _ in in_words(overload)] == made + passed
            assert all(words for _, words in in_words(overload))


@pytest.mark.parametrize(
    ("op", "argument", "words"),
    [
        ("torch.kthvalue", "k", "an integer from 1 to 2"),
        ("torch.kthvalue", "dim", "a dimension, counted from the front or, negative, from the back"),
        ("torch.nn.functional.dropout", "p", "one of 0.25, 0.0, 1.0"),
        ("torch.nn.Linear", "bias", "one of False, True"),
    ],
)
def test_words_follow_the_arguments_before_them(op: str, argument: str, words: str) -> None:
    assert {each.name: said for each, said in in_words(load_corpus()[op].overloads[0])}[argument] == words

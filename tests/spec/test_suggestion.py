from __future__ import annotations

import pytest

from assay_spec.suggestion import suggestion


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("dmi", "did you mean 'dim'?"),
        ("inputs", "did you mean 'input'?"),
        ("other_", "did you mean 'other' or 'others'?"),
        ("zzz", "known: input, dim, other, others"),
    ],
)
def test_a_suggestion_is_what_a_word_resembles_or_what_there_is(word: str, said: str) -> None:
    assert suggestion(word, ["input", "dim", "other", "others"]) == said


def test_a_suggestion_may_be_a_word_that_is_not_listed() -> None:
    assert suggestion("tensr", {"k", "input"}, ["tensor"]) == "did you mean 'tensor'?"
    assert suggestion("zzz", {"k", "input"}, ["tensor"]) == "known: input, k"
    assert suggestion("zzz", []) == "there is none"

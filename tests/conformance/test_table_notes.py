"""What the author of a table is told before a run."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from assay.backends.base import Capabilities
from assay.backends.table import TableBackend


def notes(names: Sequence[str]) -> tuple[str, ...]:
    backend = TableBackend()
    backend.table = dict.fromkeys(names, abs)  # type: ignore[misc]
    backend.capabilities = Capabilities("mine", "1")
    return backend.declared().notes


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (["add", "add_", "nn.Linear", "Tensor.view".removeprefix("Tensor.")], ()),
        (["frobnicate"], ("the table has 'frobnicate', which is no op of the corpus",)),
        (["frobnicate", "quux"], ("the table has 'frobnicate', 'quux', which are no ops of the corpus",)),
        (["quux", "sofmax", "nn.functional.sofmax"], (
            "the table has 'nn.functional.sofmax', which is no op of the corpus"
            " (did you mean 'nn.functional.softmax'?)",
            "the table has 'quux', 'sofmax', which are no ops of the corpus",
        )),
    ],
)  # fmt: skip
def test_entries_that_are_no_ops_of_the_corpus_are_named(names: list[str], told: tuple[str, ...]) -> None:
    assert notes(names) == told


def test_of_many_entries_the_first_are_named_and_the_others_counted() -> None:
    (note,) = notes([f"quux{number}" * 3 for number in range(20)])

    assert note.count("'quux") == 8
    assert note.endswith(" and 12 more, which are no ops of the corpus")

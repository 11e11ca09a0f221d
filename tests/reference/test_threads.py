"""The number of threads, which is only kept."""

from __future__ import annotations

from typing import Any

import pytest

import assay_reference as torch


def test_the_number_of_threads_is_the_one_that_was_set() -> None:
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(before + 2)
        assert torch.get_num_threads() == before + 2
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (0, "set_num_threads expects a positive integer"),
        (1.5, "set_num_threads expects an int, but got float"),
        (True, "set_num_threads expects an int, but got bool"),
    ],
)
def test_what_is_no_number_of_threads_is_refused(number: Any, message: str) -> None:
    with pytest.raises(RuntimeError) as error:
        torch.set_num_threads(number)

    assert str(error.value) == message

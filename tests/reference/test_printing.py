from __future__ import annotations

from collections.abc import Iterator

import pytest

import assay_reference as reference


@pytest.fixture(autouse=True)
def default_options() -> Iterator[None]:
    yield
    reference.set_printoptions(profile="default")


def test_whole_floats_show_a_bare_point() -> None:
    assert repr(reference.tensor([1.0, -2.0])) == "tensor([ 1., -2.])"


def test_fractions_show_four_digits() -> None:
    assert repr(reference.tensor([0.5, 100.25])) == "tensor([  0.5000, 100.2500])"


def test_far_apart_magnitudes_show_in_scientific_notation() -> None:
    assert repr(reference.tensor([1e-5, 1.0])) == "tensor([1.0000e-05, 1.0000e+00])"


def test_rows_are_aligned() -> None:
    assert repr(reference.tensor([[1, -20], [300, 4]])) == "tensor([[  1, -20],\n        [300,   4]])"


def test_what_is_not_default_stands_behind() -> None:
    assert repr(reference.ones(1, dtype=reference.float64)) == "tensor([1.], dtype=torch.float64)"
    assert repr(reference.ones(1, requires_grad=True) * 2) == "tensor([2.], grad_fn=<MulBackward0>)"


def test_a_summary_shows_the_edges() -> None:
    reference.set_printoptions(threshold=5, edgeitems=1)

    assert repr(reference.arange(10)) == "tensor([0,  ..., 9])"

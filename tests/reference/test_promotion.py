"""Result types, against real PyTorch where it is installed and by hand where not."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest

import assay_reference

NAMES = (
    "bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64", "complex64",
    "complex128",
)  # fmt: skip


@pytest.fixture
def default_float64() -> Iterator[None]:
    assay_reference.set_default_dtype(assay_reference.float64)
    try:
        yield
    finally:
        assay_reference.set_default_dtype(assay_reference.float32)


def test_two_types_promote_as_in_pytorch() -> None:
    torch = pytest.importorskip("torch")
    for left, right in itertools.product(NAMES, repeat=2):
        expected = str(torch.promote_types(getattr(torch, left), getattr(torch, right)))

        actual = assay_reference.promote_types(getattr(assay_reference, left), getattr(assay_reference, right))

        assert str(actual) == expected, (left, right)


def test_which_types_may_be_stored_in_which_is_as_in_pytorch() -> None:
    torch = pytest.importorskip("torch")
    for left, right in itertools.product(NAMES, repeat=2):
        expected = torch.can_cast(getattr(torch, left), getattr(torch, right))

        assert assay_reference.can_cast(getattr(assay_reference, left), getattr(assay_reference, right)) == expected


def operands(library: Any) -> list[Any]:
    made = [library.ones((2,), dtype=getattr(library, name)) for name in NAMES]
    made += [library.ones((), dtype=getattr(library, name)) for name in NAMES]
    return [*made, True, 1, 1.0, 1j]


# PyTorch has a 32-bit complex type, which is not among ours; where it would give it, we give complex64.
KNOWN = {"torch.complex32": "torch.complex64"}


@pytest.mark.filterwarnings("ignore:ComplexHalf support is experimental")
def test_tensors_zero_dim_tensors_and_numbers_promote_by_category_as_in_pytorch() -> None:
    torch = pytest.importorskip("torch")
    for left, right in itertools.product(range(24), range(28)):
        expected = str((operands(torch)[left] * operands(torch)[right]).dtype)

        actual = str((operands(assay_reference)[left] * operands(assay_reference)[right]).dtype)

        assert actual == KNOWN.get(expected, expected), (left, right)


def test_a_number_does_not_widen_a_tensor() -> None:
    x = assay_reference.ones(2, dtype=assay_reference.int8)

    assert (x + 1).dtype is assay_reference.int8
    assert (x + 1.0).dtype is assay_reference.float32
    assert (x / 2).dtype is assay_reference.float32
    assert (x.half() + 1.0).dtype is assay_reference.float16


def test_integer_numbers_wrap_around_in_small_types() -> None:
    assert (assay_reference.tensor([1], dtype=assay_reference.int8) + 300).tolist() == [45]
    assert (assay_reference.tensor([1], dtype=assay_reference.uint8) - 2).tolist() == [255]


def test_the_default_type_decides_what_integers_become(default_float64: None) -> None:
    assert assay_reference.tensor([1.0]).dtype is assay_reference.float64
    assert assay_reference.tensor([1j]).dtype is assay_reference.complex128
    assert assay_reference.exp(assay_reference.tensor([1])).dtype is assay_reference.float64
    assert (assay_reference.tensor([1]) + 1.0).dtype is assay_reference.float64
    assert assay_reference.zeros(1).dtype is assay_reference.float64


@pytest.mark.parametrize("wrong", ["float32", assay_reference.int64, assay_reference.complex64])
def test_only_floating_types_can_be_the_default(wrong: Any) -> None:
    with pytest.raises(TypeError, match="only floating-point types are supported as the default type"):
        assay_reference.set_default_dtype(wrong)


def test_limits_of_types_are_as_in_pytorch() -> None:
    torch = pytest.importorskip("torch")
    for name in ("float16", "bfloat16", "float32", "float64", "complex64"):
        assert repr(assay_reference.finfo(getattr(assay_reference, name))) == repr(torch.finfo(getattr(torch, name)))
    for name in ("uint8", "int8", "int64"):
        assert repr(assay_reference.iinfo(getattr(assay_reference, name))) == repr(torch.iinfo(getattr(torch, name)))

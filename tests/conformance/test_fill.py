"""Tensors as they are filled and laid out, and as they reach a library."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from assay.backends.discover import open_backend
from assay.cases.case import TensorValue
from assay.cases.fill import elements, tensor
from assay_spec.dtypes import ALL
from assay_spec.plans import LAYOUTS, Fill, TensorPlan

SHAPES = [(), (4,), (2, 3), (2, 3, 4), (2, 3, 2, 2), (3, 1), (0, 2), (2, 0)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_tensor_is_cut_out_of_a_larger_one_that_has_no_offset(shape: tuple[int, ...], layout: Any) -> None:
    value = tensor(TensorPlan("float32", shape, layout))

    whole, part = value.cut()

    assert np.array_equal(whole[part], value.array())
    assert whole[part].strides == value.array().strides or not value.array().size
    assert bool(part) == (value.offset > 0 and value.array().size > 0)


@pytest.mark.parametrize(("name", "device"), [("reference", "cpu"), ("reference", "cuda"), ("torch", "cpu")])
@pytest.mark.parametrize("shape", [shape for shape in SHAPES if 0 not in shape])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_library_sees_strides_and_offset(
    name: str, device: str, shape: tuple[int, ...], layout: Any, dtype: str, stand_in: None
) -> None:
    pytest.importorskip("torch" if name == "torch" else "numpy")
    value = tensor(TensorPlan(dtype, shape, layout))
    backend = open_backend(name, device=device)

    native = backend.to_native(value)  # type: ignore[attr-defined]

    assert native.storage_offset() == value.offset
    assert tuple(native.stride()) == value.strides
    assert np.array_equal(backend.to_host(native).array, value.array())  # type: ignore[attr-defined]


def test_a_part_that_no_slice_cuts_out_has_no_index() -> None:
    value = TensorValue("float32", (2,), np.arange(6, dtype=np.float32), (2,), 1)

    whole, part = value.cut()

    assert (whole.tolist(), part) == ([1, 3], ())


@pytest.mark.parametrize("dtype", [each for each in ALL if each != "bool"])
def test_numbers_of_all_sizes_reach_the_ends_of_their_type(dtype: str) -> None:
    found = np.abs(elements(dtype, (2000,), Fill("wide", 3)).astype(np.complex128))
    info = np.iinfo(dtype) if dtype in ("uint8", "int8", "int16", "int32", "int64") else None

    if info is not None:
        assert found.max() > info.max / 2 and (found < 4).any()
    else:
        assert np.isfinite(found).all() and found.max() > 15 and found[found > 0].min() < 0.07


def test_complex_numbers_of_all_sizes_square_to_infinity_and_to_zero() -> None:
    found = elements("complex64", (2000,), Fill("wide", 3))

    with np.errstate(over="ignore", under="ignore"):
        squares = np.abs(found) ** 2
    assert np.isinf(squares).any() and (squares == 0).any() and np.isfinite(found).all()


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "int64", "int8"])
def test_negative_elements_are_all_of_one_sign(dtype: str) -> None:
    assert (elements(dtype, (200,), Fill("negative", 3)).astype(np.float64) < 0).all()


@pytest.mark.parametrize("dtype", ["float32", "int8", "float16"])
def test_extremes_are_nothing_else(dtype: str) -> None:
    found = elements(dtype, (40,), Fill("extremes", 1)).tolist()

    assert sorted(set(found)) == ([-128, 127] if dtype == "int8" else [-math.inf, math.inf])


def test_a_single_special_element_is_another_for_each_seed() -> None:
    found = [elements("float32", (), Fill("special", seed)).item() for seed in range(5)]

    assert math.isnan(found[0])
    assert found[1:3] == [math.inf, -math.inf]
    assert [math.copysign(1, each) for each in found[3:]] == [1, -1]
    assert found[3:] == [0, 0]


@pytest.mark.parametrize("last", [1, 2])
def test_elements_are_apart_within_the_last_dimensions(last: int) -> None:
    most = {1: 3, 2: 7}[last]
    found = elements("int64", (3, 2, 4), Fill("plain", 3, 0, most, apart=last)).reshape(-1, most + 1)

    assert np.sort(found, axis=1).tolist() == [list(range(most + 1))] * len(found)
    assert len({tuple(row) for row in found.tolist()}) > 1

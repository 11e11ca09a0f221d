from __future__ import annotations

import itertools

import numpy as np
import pytest

from assay_spec import dtypes
from assay_spec.dtypes import CLASSES, DtypeName, DtypeSet


@pytest.mark.parametrize(
    ("first", "second", "both"),
    [
        ("float32", "float32", "float32"),
        ("bool", "uint8", "uint8"),
        ("int8", "int32", "int32"),
        ("uint8", "int8", "int16"),
        ("uint8", "int16", "int16"),
        ("uint8", "int64", "int64"),
        ("int64", "float16", "float16"),
        ("bool", "bfloat16", "bfloat16"),
        ("float16", "bfloat16", "float32"),
        ("float16", "float32", "float32"),
        ("bfloat16", "float64", "float64"),
        ("float32", "complex64", "complex64"),
        ("float16", "complex64", "complex64"),
        ("float64", "complex64", "complex128"),
        ("float64", "complex128", "complex128"),
        ("int64", "complex64", "complex64"),
        ("complex64", "complex128", "complex128"),
    ],
)
def test_two_dtypes_promote_to_the_smallest_that_holds_both(first: str, second: str, both: str) -> None:
    assert dtypes.promote(first, second) == both
    assert dtypes.promote(second, first) == both


@pytest.mark.parametrize(
    ("source", "target", "may"),
    [
        ("bool", "uint8", True),
        ("uint8", "bool", False),
        ("int64", "int8", True),
        ("int64", "float16", True),
        ("float64", "float16", True),
        ("float32", "int64", False),
        ("float64", "complex64", True),
        ("complex64", "float64", False),
    ],
)
def test_a_result_is_written_into_its_own_class_or_a_higher_one(source: str, target: str, may: bool) -> None:
    assert dtypes.can_cast(source, target) is may


def test_pytorch_promotes_and_casts_alike() -> None:
    torch = pytest.importorskip("torch")
    pairs = list(itertools.product(dtypes.ALL, repeat=2))

    for first, second in pairs:
        one, two = getattr(torch, first), getattr(torch, second)
        assert f"torch.{dtypes.promote(first, second)}" == str(torch.promote_types(one, two))
        assert dtypes.can_cast(first, second) == torch.can_cast(one, two)


@pytest.mark.parametrize(
    ("name", "members"),
    [
        ("integral", "int64 int32 int16 int8 uint8"),
        ("floating", "float32 float64 float16 bfloat16"),
        ("complex", "complex64 complex128"),
        ("half", "float16 bfloat16"),
        ("real", "float32 float64 float16 bfloat16 int64 int32 int16 int8 uint8"),
        ("numeric", "float32 float64 float16 bfloat16 int64 int32 int16 int8 uint8 complex64 complex128"),
        ("anything", "float32 float64 float16 bfloat16 int64 int32 int16 int8 uint8 bool complex64 complex128"),
    ],
)
def test_a_class_names_its_members_plainest_first(name: str, members: str) -> None:
    assert list(CLASSES[name]) == members.split()


def test_there_are_no_other_classes() -> None:
    assert set(CLASSES) == {"integral", "floating", "complex", "half", "real", "numeric", "anything"}


@pytest.mark.parametrize(
    ("dtype", "kind"),
    [("bool", "bool"), ("uint8", "integral"), ("bfloat16", "floating"), ("complex64", "complex")],
)
def test_a_dtype_is_of_one_kind(dtype: str, kind: str) -> None:
    assert dtypes.kind(dtype) == kind
    assert [dtypes.is_integral(dtype), dtypes.is_floating(dtype), dtypes.is_complex(dtype)] == [
        kind == "integral",
        kind == "floating",
        kind == "complex",
    ]


@pytest.mark.parametrize(
    ("dtype", "part"),
    [("complex64", "float32"), ("complex128", "float64"), ("float16", "float16"), ("int8", "int8")],
)
def test_only_complex_dtypes_have_parts_of_another_dtype(dtype: str, part: str) -> None:
    assert dtypes.real_part(dtype) == part


def test_classes_add_up_and_keep_their_order() -> None:
    assert list(CLASSES["half"] | "bool" | CLASSES["half"]) == ["float16", "bfloat16", "bool"]
    assert list("bool" | CLASSES["half"]) == ["bool", "float16", "bfloat16"]
    assert list(DtypeName("int8") | "bool") == ["int8", "bool"]
    assert list("bool" | DtypeName("int8")) == ["bool", "int8"]
    assert list(DtypeName("int8") | CLASSES["half"]) == ["int8", "float16", "bfloat16"]


def test_classes_subtract() -> None:
    assert list(CLASSES["floating"] - CLASSES["half"]) == ["float32", "float64"]
    assert list(CLASSES["half"] - "float16") == ["bfloat16"]


def test_a_class_is_a_set() -> None:
    assert DtypeSet(["int8", "bool", "int8"]) == DtypeSet(["bool", "int8"])
    assert hash(DtypeSet(["int8", "bool"])) == hash(DtypeSet(["bool", "int8"]))
    assert DtypeSet(["int8"]) != "int8"
    assert len(DtypeSet(["int8", "bool", "int8"])) == 2
    assert "int8" in CLASSES["real"] and "bool" not in CLASSES["real"]


def test_a_class_reads_as_it_is_written() -> None:
    assert repr(CLASSES["half"]) == "float16 | bfloat16"


def test_an_arrays_own_dtype_is_of_the_class_of_its_name() -> None:
    assert dtypes.is_integral(np.dtype("int8"))  # type: ignore[arg-type]
    assert not dtypes.is_integral(np.dtype("float32"))  # type: ignore[arg-type]

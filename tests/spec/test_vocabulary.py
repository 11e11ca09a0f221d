from __future__ import annotations

import ast
import itertools
import math
from typing import Any

import pytest

from assay_spec import dtypes
from assay_spec.expression import Expression
from assay_spec.plans import Layout, Slice, TensorPlan
from assay_spec.vocabulary import DISTRIBUTIONS, VOCABULARY, NoBroadcast, indexed, result_type, window

NAMES = {
    "x": TensorPlan("float32", (2, 3)),
    "one": TensorPlan("int64", ()),
    "t": TensorPlan("float32", (2, 3), "transposed"),
    "column": TensorPlan("int64", (4, 1, 1)),
}

WORDS = [
    ("broadcast(x, column)", (4, 2, 3)),
    ("broadcast((2, 1), (3,), 5, one)", (2, 3)),
    ("broadcast((0, 1), (1, 3))", (0, 3)),
    ("broadcast()", ()),
    ("broadcasts((2, 3), (3,))", True),
    ("broadcasts((2, 3), (2,))", False),
    ("broadcasts((0,), (2,))", False),
    ("at(-1, 3)", 2),
    ("at(1, 3)", 1),
    ("at(-1, 0)", 0),
    ("size(x, -1)", 3),
    ("size(one, -1)", 1),
    ("replace((2, 3), -1, 7)", (2, 7)),
    ("replace((), 0, 7)", ()),
    ("insert((2, 3), 1)", (2, 1, 3)),
    ("insert((2, 3), -1, 7)", (2, 3, 7)),
    ("insert((), 0)", (1,)),
    ("remove((2, 3, 4), -2)", (2, 4)),
    ("remove((), 0)", ()),
    ("reduced((2, 3, 4))", ()),
    ("reduced((2, 3, 4), 1)", (2, 4)),
    ("reduced((2, 3, 4), 0)", (3, 4)),
    ("reduced((2, 3, 4), [0, -1])", (3,)),
    ("reduced((2, 3, 4), [])", ()),
    ("reduced((2, 3, 4), -1, True)", (2, 3, 1)),
    ("reduced((2, 3), None, True)", (1, 1)),
    ("reduced((), 0)", ()),
    ("swapped((2, 3, 4), 0, -1)", (4, 3, 2)),
    ("swapped((), 0, -1)", ()),
    ("inferred([-1, 2], 6)", (3, 2)),
    ("inferred([3, 2], 6)", (3, 2)),
    ("inferred([-1, 2], 0)", (0, 2)),
    ("pair(3)", (3, 3)),
    ("pair([1, 2])", (1, 2)),
    ("pair(3, 1)", (3,)),
    ("pair(3, 3)", (3, 3, 3)),
    ("window_counts((7, 6), 2)", (3, 3)),
    ("window_counts((7, 6, 5), (1, 2, 3), 1)", (7, 5, 3)),
    ("window_counts((7,), 2, None, (1,), 2, True)", (4,)),
    ("window_counts((), 2)", ()),
    ("covered((3, 2), 2)", (6, 4)),
    ("covered((3, 2, 1), (1, 2, 3), 2, (0, 0, 1))", (5, 4, 1)),
    ("window_counts(covered((3, 2), 3, 2, 1), 3, 2, 1)", (3, 2)),
    ("cut(5, 2)", (2, 2, 1)),
    ("cut(4, 2)", (2, 2)),
    ("cut(0, 2)", (0,)),
    ("squeezed((1, 2, 1))", (2,)),
    ("squeezed((1, 2, 1), -1)", (1, 2)),
    ("squeezed((1, 2, 1), 1)", (1, 2, 1)),
    ("squeezed((1, 2, 1), [0, 1])", (2, 1)),
    ("squeezed((), 0)", ()),
    ("expanded((1, 3), [4, -1])", (4, 3)),
    ("expanded((3,), [2, -1])", (2, 3)),
    ("repeated((2, 3), [4, 1, 2])", (4, 2, 6)),
    ("repeated((2,), [0])", (0,)),
    ("repeated((), [2, 3])", (2, 3)),
    ("indexed((2, 3, 4), [0])", (3, 4)),
    ("indexed((2, 3, 4), [..., None, -1])", (2, 3, 1)),
    ("basic([0, None, ..., one])", True),
    ("basic([0, [0, 1]])", False),
    ("basic([x])", False),
    ("basic([True])", False),
    ("window(5, 3)", 3),
    ("window(5, 3, 2, 1)", 3),
    ("window(7, 3, dilation=2)", 3),
    ("window(6, 3, 2)", 2),
    ("window(6, 3, 2, ceil_mode=True)", 3),
    ("window(5, 2, 3, 1, ceil_mode=True)", 2),
    ("result_type(x, column)", "float32"),
    ("result_type(one, 1.5)", "float32"),
    ("floated('int8')", "float32"),
    ("floated('float16')", "float16"),
    ("floated('complex128')", "complex128"),
    ("summed('bool')", "int64"),
    ("summed('uint8')", "int64"),
    ("summed('bfloat16')", "bfloat16"),
    ("is_contiguous(x)", True),
    ("is_contiguous(t)", False),
    ("promote('uint8', 'int8')", "int16"),
    ("can_cast('float32', 'int64')", False),
    ("is_floating('float16')", True),
    ("is_integral('bool')", False),
    ("is_complex('complex64')", True),
    ("real_part('complex128')", "float64"),
    ("prod([2, 3, 4])", 24),
    ("prod([])", 1),
    ("sqrt(9)", 3.0),
    ("ceil(1.2)", 2),
    ("floor(-1.2)", -2),
    ("len(x.shape)", 2),
    ("min(3, 2)", 2),
    ("max([3, 2])", 3),
    ("abs(-3)", 3),
    ("sum([1, 2, 3])", 6),
    ("[n for n in range(3)]", (0, 1, 2)),
    ("[a * b for a, b in zip([1, 2], [3, 4])]", (3, 8)),
    ("isinstance(1, int)", True),
    ("isinstance(1, float)", False),
    ("isinstance([1], tuple)", True),
    ("int(2.0)", 2),
    ("float(2)", 2.0),
    ("tuple([1, 2])", (1, 2)),
    ("default_float", "float32"),
    ("[inf, pi]", (math.inf, math.pi)),
    ("nan == nan", False),
    ("float16 | int8 == half", False),
    ("float16 | bfloat16 == half", True),
    ("[len(integral), len(floating), len(complex), len(real), len(numeric), len(anything)]", (5, 4, 2, 9, 11, 12)),
    ("anything - numeric == bool | bool", True),
    ("[float32, float64, int64, int32, int16, int8, uint8, complex64, complex128]",
     ("float32", "float64", "int64", "int32", "int16", "int8", "uint8", "complex64", "complex128")),
]  # fmt: skip


@pytest.mark.parametrize(("source", "expected"), WORDS)
def test_a_word_means_what_it_says(source: str, expected: Any) -> None:
    found = Expression(source, VOCABULARY)(dict(NAMES))

    assert (type(found) is bool, found) == (type(expected) is bool, expected)


def test_every_word_is_tested() -> None:
    tested = {node.id for source, _ in WORDS for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)}

    assert set(VOCABULARY) - tested == set()


@pytest.mark.parametrize("shapes", [((2,), (3,)), ((0,), (2,)), ((2, 3), (3, 2)), ((2, 1), (3, 1, 1), (4, 1))])
def test_shapes_that_do_not_broadcast_say_which_sizes(shapes: Any) -> None:
    with pytest.raises(NoBroadcast, match=r"^sizes \d and \d do not broadcast$"):
        VOCABULARY["broadcast"](*shapes)


def plan(*shape: int) -> TensorPlan:
    return TensorPlan("int64", shape)


INDICES: list[tuple[tuple[Any, ...], tuple[int, ...]]] = [
    ((), (2, 3, 4)),
    ((0, 0, 0), ()),
    ((Slice(1, None),), (1, 3, 4)),
    ((Slice(None, None, 2),), (1, 3, 4)),
    ((Slice(-1, None), Slice(5, 9)), (1, 0, 4)),
    ((Ellipsis, 0), (2, 3)),
    ((None, 0), (1, 3, 4)),
    (([0, 1, 0],), (3, 3, 4)),
    ((plan(5, 1),), (5, 1, 3, 4)),
    ((plan(),), (3, 4)),
    ((plan(5, 1), plan(6)), (5, 6, 4)),
    ((Slice(), plan(5), [0, 1, 2, 0, 1]), (2, 5)),
    ((plan(5), Slice(), plan(5)), (5, 3)),
    ((plan(5), None, plan(5)), (5, 1, 4)),
    ((0, Slice(), plan(5)), (3, 5)),
    ((Slice(), 0, plan(5)), (2, 5)),
    ((plan(5), 0, plan(5)), (5,)),
    ((plan(), Slice(), [0, 1]), (3, 2)),
    ((True,), (1, 2, 3, 4)),
    ((False,), (0, 2, 3, 4)),
    ((Ellipsis, True), (2, 3, 4, 1)),
]


@pytest.mark.parametrize(("index", "shape"), INDICES)
def test_an_index_picks_positions_first_and_puts_separate_lists_in_front(index: Any, shape: tuple[int, ...]) -> None:
    assert indexed((2, 3, 4), index) == shape


@pytest.mark.parametrize(
    ("operands", "dtype"),
    [
        ((plan(2), 2), "int64"),
        ((plan(2), True), "int64"),
        ((plan(2), 2.0), "float32"),
        ((plan(2), 2j), "complex64"),
        ((TensorPlan("int8", (2,)), 1000), "int8"),
        ((TensorPlan("int8", (2,)), plan()), "int8"),
        ((TensorPlan("int8", (2,)), plan(2)), "int64"),
        ((TensorPlan("float16", (2,)), TensorPlan("float64", ())), "float16"),
        ((TensorPlan("bool", (2,)), TensorPlan("uint8", ())), "uint8"),
        ((TensorPlan("int64", (2,)), TensorPlan("float64", ())), "float64"),
        ((TensorPlan("float64", (2,)), 1j), "complex128"),
        ((TensorPlan("float32", (2,)), TensorPlan("complex128", ())), "complex64"),
        ((plan(2), None), "int64"),
        ((1, 2.5), "float32"),
        ((True,), "bool"),
    ],
)
def test_a_0d_tensor_and_a_number_count_only_by_their_class(operands: Any, dtype: str) -> None:
    assert result_type(*operands) == dtype


@pytest.mark.parametrize(
    ("shape", "layout", "contiguous"),
    [
        ((2, 3), "contiguous", True),
        ((2, 3), "offset", True),
        ((2, 3), "transposed", False),
        ((2, 1), "transposed", True),
        ((4,), "transposed", True),
        ((2, 3), "stepped", False),
        ((1, 1), "stepped", True),
        ((2, 3), "expanded", False),
        ((1, 3), "expanded", True),
        ((0, 3), "stepped", True),
        ((), "stepped", True),
    ],
)
def test_elements_in_order_are_contiguous(shape: tuple[int, ...], layout: Layout, contiguous: bool) -> None:
    assert VOCABULARY["is_contiguous"](TensorPlan("float32", shape, layout)) is contiguous


def test_a_distribution_is_its_name_and_its_parameters() -> None:
    assert {name: make(1, 2) for name, make in DISTRIBUTIONS.items()} == {
        "uniform": ("uniform", 1, 2),
        "normal": ("normal", 1, 2),
        "categorical": ("categorical", 1, 2),
        "bernoulli": ("bernoulli", 1, 2),
        "constant": ("constant", 1, 2),
        "integers": ("integers", 1, 2),
        "permutation": ("permutation", 1, 2),
        "dropout": ("dropout", 1, 2),
        "alpha_dropout": ("alpha_dropout", 1, 2),
    }


def test_pytorch_picks_the_same_shapes() -> None:
    torch = pytest.importorskip("torch")
    tensor = torch.zeros(2, 3, 4)

    def real(item: Any) -> Any:
        if isinstance(item, Slice):
            return slice(item.start, item.stop, item.step)
        return torch.zeros(item.shape, dtype=torch.int64) if isinstance(item, TensorPlan) else item

    assert [tuple(tensor[tuple(map(real, index))].shape) for index, _ in INDICES] == [shape for _, shape in INDICES]


def test_pytorch_mixes_dtypes_alike() -> None:
    torch = pytest.importorskip("torch")
    others: list[Any] = [True, 1, 1.5]
    operands = [TensorPlan(dtype, shape) for dtype in dtypes.ALL for shape in ((2,), ())]
    # PyTorch has complex32 besides, for half tensors and complex numbers
    pairs = [(a, b) for a, b in itertools.product(operands, [*operands, *others]) if not _gives_complex32(a, b)]

    def real(item: Any) -> Any:
        return torch.ones(item.shape, dtype=getattr(torch, item.dtype)) if isinstance(item, TensorPlan) else item

    wrong = [pair for pair in pairs if f"torch.{result_type(*pair)}" != str(torch.result_type(*map(real, pair)))]
    assert wrong == []


def _gives_complex32(first: Any, second: Any) -> bool:
    kinds = {(each.dtype, len(each.shape)) for each in (first, second) if isinstance(each, TensorPlan)}
    return ("float16", 1) in kinds and bool(kinds & {("complex64", 0), ("complex128", 0)})


def test_pytorch_pools_as_many_windows() -> None:
    torch = pytest.importorskip("torch")
    cases = [
        case
        for case in itertools.product(range(5, 11), (1, 2, 3), (1, 2, 3), (0, 1), (1, 2), (False, True))
        if case[3] <= case[1] // 2
    ]

    pooled = [torch.nn.functional.max_pool1d(torch.zeros(1, 1, case[0]), *case[1:]).shape[-1] for case in cases]

    assert [window(*case) for case in cases] == pooled

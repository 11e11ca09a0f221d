"""How tensors show, letter for letter as in real PyTorch, and what Python makes of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import assay_reference

torch = pytest.importorskip("torch")

SHAPES = (
    (), (1,), (3,), (40,), (1200,), (0,), (0, 2), (2, 0, 3), (2, 3), (5, 30), (40, 40), (2, 1, 2), (3, 3, 3),
    (2, 2, 2, 2), (11, 11, 11), (2, 3, 200),
)  # fmt: skip
DTYPES = (
    "bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64", "complex64",
    "complex128",
)  # fmt: skip
VALUES = {
    "plain": lambda source, shape: source.standard_normal(shape),
    "whole": lambda source, shape: np.round(source.standard_normal(shape) * source.choice([1, 10, 1000, 1e9])),
    "large": lambda source, shape: source.standard_normal(shape) * source.choice([1e3, 1e5, 1e8, 1e9, 1e20]),
    "small": lambda source, shape: source.standard_normal(shape) * source.choice([1e-3, 1e-4, 1e-5, 1e-10]),
    "mixed": lambda source, shape: source.standard_normal(shape) * 10.0 ** source.integers(-6, 7, shape),
    "signed zeros": lambda source, shape: source.standard_normal(shape) * source.choice([0.0, -0.0]),
    "carrying": lambda source, shape: np.abs(source.standard_normal(shape)) + source.choice([0.99995, 999.99]),
    "special": lambda source, shape: source.choice([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, 0.25, 1e8], shape),
}
KINDS = ("plain", "leaf", "result", "parameter", "transposed")
OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "precision": st.integers(0, 8),
        "threshold": st.sampled_from([0, 5, 100, 1000, float("inf")]),
        "edgeitems": st.integers(0, 5),
        "linewidth": st.sampled_from([10, 20, 40, 80, 120]),
        "profile": st.sampled_from(["default", "short", "full", "unknown"]),
        "sci_mode": st.sampled_from([None, True, False]),
    },
)


@pytest.fixture(autouse=True)
def default_options() -> Iterator[None]:
    yield
    for library in (torch, assay_reference):
        library.set_printoptions(profile="default")


def elements(shape: tuple[int, ...], dtype: str, values: str, seed: int) -> np.ndarray[Any, Any]:
    """Make an array whose elements fit the dtype."""
    source = np.random.default_rng(seed)
    array = np.asarray(VALUES[values](source, shape))
    if dtype == "bool":
        return array > 0
    if "int" in dtype:
        return np.clip(np.nan_to_num(array), -(2**62), 2**62).astype(np.int64)
    if "complex" in dtype:
        with np.errstate(invalid="ignore"):
            return array + 1j * np.asarray(VALUES[source.choice(list(VALUES))](source, shape))
    return array


def shown(library: Any, array: Any, dtype: str, kind: str, options: dict[str, Any]) -> str:
    """Write a tensor of these elements under these options."""
    library.set_printoptions(profile="default")
    library.set_printoptions(**options)
    x = library.from_numpy(np.array(array)).to(getattr(library, dtype))
    wanted = x.is_floating_point() or x.is_complex()
    if kind == "parameter":
        return repr(library.nn.Parameter(x, requires_grad=wanted))
    if kind == "transposed":
        return repr(x.transpose(0, -1) if x.ndim else x)
    if kind == "leaf" and wanted:
        x.requires_grad_()
    if kind == "result" and wanted:
        x = x.requires_grad_() * 1
    return repr(x)


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from(SHAPES),
    st.sampled_from(DTYPES),
    st.sampled_from(list(VALUES)),
    st.sampled_from(KINDS),
    OPTIONS,
    st.integers(0, 10_000),
)
@example((3, 3, 3), "complex128", "carrying", "plain", {"linewidth": 40}, 4)
@example((40, 40), "float32", "plain", "leaf", {"edgeitems": 0}, 0)
@example((), "int16", "whole", "plain", {"threshold": 0, "edgeitems": 0}, 0)
@example((0,), "float16", "plain", "plain", {"edgeitems": 0}, 0)
def test_a_tensor_shows_as_in_pytorch(
    shape: tuple[int, ...], dtype: str, values: str, kind: str, options: dict[str, Any], seed: int
) -> None:
    array = elements(shape, dtype, values, seed)

    assert shown(assay_reference, array, dtype, kind, options) == shown(torch, array, dtype, kind, options)


EXPRESSIONS = """
'{:.2f}'.format(torch.tensor(3.14159))
f'{torch.tensor(3.14159):.3f}', f'{torch.tensor(3):d}', f'{torch.tensor(1.5):>10}'
f'{torch.tensor(3)}', f'{torch.tensor(True)}', f'{torch.tensor(1.5, requires_grad=True)}'
f'{torch.tensor([1.0, 2.0])}', f'{torch.nn.Parameter(torch.tensor(1.5))}'
f'{torch.tensor([1.0, 2.0]):.2f}'
f'{torch.tensor([1.0]):.2f}'
f'{torch.tensor(1.5):d}'
'%s' % torch.tensor(1.5), '%.2f' % torch.tensor(1.5), '%d' % torch.tensor(3)
str(torch.Size([2, 3])), str(torch.Size([]))
repr(torch.device('cpu')), str(torch.device('cuda:0')), repr(torch.device('cuda', 1))
repr(torch.float32), str(torch.bool), str(torch.strided)
len(torch.zeros(3, 2)), len(torch.zeros(0))
len(torch.tensor(1))
bool(torch.tensor([0.0])), bool(torch.tensor([[0.5]])), bool(torch.tensor(float('nan')))
bool(torch.tensor([]))
bool(torch.tensor([1, 2]))
float(torch.tensor([1.5])), float(torch.tensor(True)), float(torch.tensor(1 + 0j))
float(torch.tensor([1.0, 2.0]))
float(torch.tensor(1 + 2j))
int(torch.tensor(1.9)), int(torch.tensor([-1.9])), int(torch.tensor(True))
int(torch.tensor(float('nan')))
int(torch.tensor(float('inf')))
int(torch.tensor([1, 2]))
int(torch.tensor(1j))
complex(torch.tensor(2)), complex(torch.tensor([1j]))
complex(torch.ones(2))
[1, 2, 3][torch.tensor(1)], hex(torch.tensor(255))
[1, 2, 3][torch.tensor(1.0)]
torch.ones(2).item()
torch.ones(0).item()
""".strip().splitlines()


def answer(library: Any, expression: str) -> Any:
    """Evaluate an expression; return its value, or its error."""
    try:
        return eval(expression, {"torch": library})
    except Exception as error:
        return type(error).__name__, str(error)


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_a_tensor_becomes_text_and_numbers_as_in_pytorch(expression: str) -> None:
    assert answer(assay_reference, expression) == answer(torch, expression)


@pytest.mark.parametrize("default", ["float32", "float64"])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "complex64", "complex128"])
@pytest.mark.parametrize("size", [0, 2])
def test_the_default_dtype_is_not_said(default: str, dtype: str, size: int) -> None:
    texts = []
    for library in (torch, assay_reference):
        x = library.ones(size, dtype=getattr(library, dtype))
        library.set_default_dtype(getattr(library, default))
        try:
            texts.append(repr(x))
        finally:
            library.set_default_dtype(library.float32)

    assert texts[1] == texts[0]

"""Gradients of pointwise functions: by finite differences, and at kinks, zeros and infinities against real PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import assay_reference
from assay_reference import Tensor

SMOOTH: dict[str, Callable[..., Any]] = {
    "add": lambda t, x, y: t.add(x, y, alpha=3),
    "sub": lambda t, x, y: t.sub(x, y, alpha=3),
    "mul": lambda t, x, y: x * y,
    "div": lambda t, x, y: x / y,
    "remainder": lambda t, x, y: x % y,
    "fmod": lambda t, x, y: t.fmod(x, y),
    "neg": lambda t, x, y: -x,
    "reciprocal": lambda t, x, y: t.reciprocal(x),
    "abs": lambda t, x, y: x.abs() - y.abs(),
    "square": lambda t, x, y: x.square(),
    "pow": lambda t, x, y: y**x,
    "pow of a number": lambda t, x, y: 2**x + 0 * y,
    "pow to a number": lambda t, x, y: x**3 + y**0.5,
    "exp": lambda t, x, y: x.exp(),
    "log": lambda t, x, y: y.log(),
    "sqrt": lambda t, x, y: y.sqrt(),
    "sin": lambda t, x, y: x.sin(),
    "cos": lambda t, x, y: x.cos(),
    "tan": lambda t, x, y: x.tan(),
    "asin and acos": lambda t, x, y: (x / 3).asin() + (y / 3).acos() ** 2,
    "atan": lambda t, x, y: x.atan(),
    "atan2": lambda t, x, y: t.atan2(x, y),
    "sinh": lambda t, x, y: x.sinh(),
    "cosh": lambda t, x, y: x.cosh(),
    "rsqrt": lambda t, x, y: y.rsqrt(),
    "log1p": lambda t, x, y: y.log1p(),
    "log2": lambda t, x, y: y.log2(),
    "log10": lambda t, x, y: y.log10(),
    "expm1": lambda t, x, y: y.expm1(),
    "erf": lambda t, x, y: x.erf(),
    "erfinv": lambda t, x, y: (x / 3).erfinv(),
    "addcmul": lambda t, x, y: t.addcmul(x, x, y, value=3),
    "addcdiv": lambda t, x, y: t.addcdiv(x, x, y, value=3),
    "sigmoid": lambda t, x, y: x.sigmoid(),
    "tanh": lambda t, x, y: x.tanh(),
    "relu": lambda t, x, y: x.relu(),
    "clamp": lambda t, x, y: x.clamp(-0.5, 1),
    "clamp to tensors": lambda t, x, y: x.clamp(-y, y),
    "maximum": lambda t, x, y: t.maximum(x, y),
    "minimum": lambda t, x, y: t.minimum(x, y),
    "where": lambda t, x, y: t.where(x > 0, x * y, y),
    "round": lambda t, x, y: x.round() + y,
    "floor": lambda t, x, y: x.floor() + y.ceil() + x.trunc() + x.sign() + y.frac(),
    "chain": lambda t, x, y: (x * y).sigmoid() * (x / y).exp(),
}
X = [[0.3], [-1.2], [2.7]]
Y = [0.7, 1.9]


def leaf(library: Any, data: Any) -> Any:
    return library.tensor(data, dtype=library.float64, requires_grad=True)


@pytest.mark.parametrize("name", SMOOTH)
def test_the_gradient_is_the_limit_of_finite_differences(name: str) -> None:
    function = SMOOTH[name]
    weights = np.array([[1.0, -2.0], [0.5, 3.0], [-1.0, 0.25]])

    def weighed(x: Any, y: Any) -> Any:
        result = function(assay_reference, assay_reference.tensor(x), assay_reference.tensor(y))
        return float((result.numpy() * weights).sum())

    x, y = leaf(assay_reference, X), leaf(assay_reference, Y)
    result: Tensor = function(assay_reference, x, y) + 0 * (x + y)
    result.backward(assay_reference.from_numpy(weights))

    for position, (tensor, data) in enumerate(((x, X), (y, Y))):
        array = np.array(data)
        for index in np.ndindex(array.shape):
            step = np.zeros_like(array)
            step[index] = 1e-6
            plus = [np.array(X), np.array(Y)]
            minus = [np.array(X), np.array(Y)]
            plus[position] = array + step
            minus[position] = array - step
            slope = (weighed(*plus) - weighed(*minus)) / 2e-6
            assert tensor.grad.numpy()[index] == pytest.approx(slope, rel=1e-6, abs=1e-8)


@pytest.mark.parametrize("name", SMOOTH)
def test_the_second_derivative_is_the_limit_of_finite_differences_of_the_first(name: str) -> None:
    def slopes(x: Any, y: Any, create_graph: bool = False) -> Any:
        result = (SMOOTH[name](assay_reference, x, y) + 0 * (x + y)).sum_to_size(())
        return assay_reference.autograd.grad(result, (x, y), create_graph=create_graph)

    x, y = leaf(assay_reference, [0.3, -1.2, 2.7]), leaf(assay_reference, [0.7, 1.9, 0.4])
    (first, _) = slopes(x, y, create_graph=True)
    (second,) = assay_reference.autograd.grad((first + 0 * x).sum_to_size(()), x)

    plus, minus = (
        slopes((x + step).detach().requires_grad_(), y.detach().requires_grad_())[0].numpy() for step in (1e-6, -1e-6)
    )
    np.testing.assert_allclose(second.numpy(), (plus - minus) / 2e-6, rtol=1e-5, atol=1e-7)


SPECIAL = [0.0, -0.0, 1.0, -1.0, 2.0, float("inf"), -float("inf"), float("nan")]
KINKS: dict[str, Callable[..., Any]] = {
    **{
        name: (lambda t, x, name=name: getattr(t, name)(x))
        for name in (
            "abs",
            "relu",
            "sqrt",
            "log",
            "exp",
            "sign",
            "round",
            "floor",
            "reciprocal",
            "square",
            "sigmoid",
            "tanh",
            "rsqrt",
            "log1p",
            "asin",
            "acos",
            "atan",
            "cosh",
            "erf",
            "erfinv",
            "frac",
        )
    },
    "clamp": lambda t, x: t.clamp(x, -1, 1),
    "clamp below": lambda t, x: t.clamp(x, min=0),
    "clamp crossed": lambda t, x: t.clamp(x, 2, 1),
    "pow 0": lambda t, x: x**0,
    "pow 2": lambda t, x: x**2,
    "pow 0.5": lambda t, x: x**0.5,
    "pow -1": lambda t, x: x**-1,
    "0 to the power": lambda t, x: 0.0**x,
    "x to the power x": lambda t, x: x**x,
    "maximum of equals": lambda t, x: t.maximum(x, t.tensor(SPECIAL, dtype=t.float64)),
    "minimum with zero": lambda t, x: t.minimum(x, t.zeros(1, dtype=t.float64)),
    "div by itself": lambda t, x: x / x,
    "addcmul": lambda t, x: t.addcmul(x, x, x, value=2),
    "addcdiv": lambda t, x: t.addcdiv(x, x, x, value=2),
    "atan2 of the origin": lambda t, x: t.atan2(x, t.zeros(1, dtype=t.float64)),
    "where": lambda t, x: t.where(x > 0, x.log(), x),
    "remainder": lambda t, x: x % 2,
}


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", KINKS)
def test_gradients_at_kinks_zeros_and_infinities_are_pytorchs(name: str) -> None:
    torch = pytest.importorskip("torch")
    gradients = []
    for library in (torch, assay_reference):
        x = leaf(library, SPECIAL)
        KINKS[name](library, x).backward(library.tensor([1.0] * 8, dtype=library.float64))
        gradients.append(x.grad.tolist())

    np.testing.assert_allclose(gradients[1], gradients[0])


@pytest.mark.parametrize(
    "name",
    [
        *("add", "sub", "mul", "div", "exp", "log", "sqrt", "square", "sigmoid", "tanh", "abs", "sgn", "pow", "cos"),
        *("tan", "asin", "acos", "atan", "sinh", "cosh", "rsqrt", "log1p", "reciprocal"),
    ],
)
def test_complex_gradients_are_pytorchs(name: str) -> None:
    torch = pytest.importorskip("torch")
    gradients = []
    for library in (torch, assay_reference):
        x = library.tensor([1 + 2j, -0.5 + 1j], requires_grad=True)
        y = library.tensor([2 - 1j, 0.5 + 0.5j], requires_grad=True)
        operands = (x, y) if name in ("add", "sub", "mul", "div", "pow") else (x * y,)
        result = getattr(library, name)(*operands)
        result.backward(library.tensor([1 - 1j, 2 + 3j] if result.is_complex() else [1.0, 2.0], dtype=result.dtype))
        gradients.append([*x.grad.tolist(), *y.grad.tolist()] if y.grad is not None else x.grad.tolist())

    np.testing.assert_allclose(gradients[1], gradients[0], rtol=1e-5)


def test_a_real_operand_of_a_complex_product_has_a_real_gradient() -> None:
    x = assay_reference.tensor([2.0], requires_grad=True)

    (x * assay_reference.tensor([1 + 3j])).backward(assay_reference.tensor([1j]))

    assert x.grad.dtype is assay_reference.float32
    assert x.grad.tolist() == [3.0]


def test_relu_has_a_second_derivative_where_the_first_gradient_is_negative() -> None:
    x = assay_reference.tensor([-1.0, 2.0, 3.0], requires_grad=True)

    (first,) = assay_reference.autograd.grad((-x * x.relu()).sum(), x, create_graph=True)
    (second,) = assay_reference.autograd.grad(first.sum(), x)

    assert first.tolist() == [0, -4, -6]
    assert second.tolist() == [0, -2, -2]

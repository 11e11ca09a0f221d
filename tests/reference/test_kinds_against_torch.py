"""What holds for all ops alike, against real PyTorch: which error comes first, how results lie in memory, what a write
may overlap, which numbers a type holds, what a step saves.

Each line of calls/kinds.txt is run in both libraries. Compared is what it returns (elements, type, shape, strides,
offset, version, the name of the step that made it), or the class and the first words of what it raises.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import assay_reference

torch = pytest.importorskip("torch")

CALLS = [
    line
    for line in (Path(__file__).parent / "calls" / "kinds.txt").read_text().splitlines()
    if line and not line.startswith("# ")
]


def set_(tensor: Any, index: Any, value: Any) -> Any:
    tensor[index] = value
    return tensor


def facts(value: Any) -> Any:
    """Return what must be alike of a result."""
    if isinstance(value, (tuple, list)):
        return [facts(each) for each in value]
    step = None if value.grad_fn is None else value.grad_fn.name()
    place = tuple(value.shape), value.stride(), value.storage_offset(), value._version
    return str(value.detach().tolist()), str(value.dtype), *place, step


def outcome(library: Any, call: str, names: dict[str, Any] | None = None) -> Any:
    """Run a call in a library; return what it returns or raises."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return facts(eval(call, {"torch": library, "set_": set_, **(names or {})}))
    except Exception as error:
        return type(error).__name__, str(error)[:30]


@pytest.mark.parametrize("call", CALLS)
def test_a_call_answers_or_refuses_as_pytorch_does(call: str) -> None:
    assert outcome(assay_reference, call) == outcome(torch, call)


STEPS = [
    "x * 2", "2 * x", "x / 2", "2 / x", "x + 2", "x ** 2", "x ** 1", "x.double()", "x.permute(1, 0)", "x.t()",
    "x.unbind()[0]", "x.norm()", "x.sort(-1)[0]", "x.topk(1)[0]", "x.max(1)[0]", "x.median(1)[0]", "x.kthvalue(1)[0]",
    "x.max()", "x.amax()", "x.exp()", "x.sum(1)", "x.prod()", "x.std(0)", "x.softmax(0)", "x.cumsum(0)",
    "x[x > 0]", "x[[0]]", "x.masked_select(x > 0)", "x.gather(0, torch.zeros(1, 3, dtype=torch.int64))",
    "x.take(torch.tensor([0]))", "x.index_select(0, torch.tensor([0]))", "x.clone().mul_(2)", "x.clone().exp_()",
    "x.clone().fill_(1)", "x.clone()[0].fill_(2)", "x.clone()[0].mul_(2)", "x.clone().copy_(torch.ones(2, 3))",
    "torch.cat([x, x])", "x @ x.t()", "torch.nn.functional.nll_loss(x, torch.zeros(2, dtype=torch.int64))",
    "torch.div(x, 2, rounding_mode='floor')", "x.clamp(0)", "x.abs()", "x.where(x > 0, 1.0)",
]  # fmt: skip
AFTERWARDS = {
    "backward twice": "y.backward(torch.ones_like(y)); y.backward(torch.ones_like(y))",
    "the operand was written to": "w.add_(1); y.backward(torch.ones_like(y))",
    "the operand was detached in place": "w.detach_(); y.backward(torch.ones_like(y))",
    "the result was written to": "y = y.clone() if y._is_view() else y; y.add_(1); y.backward(torch.ones_like(y))",
}


def program_of(step: str, afterwards: str) -> str:
    return f"w = x0 * 1.0\nx = w\ny = {step}\n{AFTERWARDS[afterwards]}"


def what_is_raised(library: Any, program: str) -> str:
    """Run a program; return the class and the first words of what it raises."""
    x0 = library.tensor([[1.0, 3.0, 2.0], [4.0, 6.0, 5.0]], requires_grad=True)
    try:
        exec(program, {"torch": library, "x0": x0})
    except Exception as error:
        return f"{type(error).__name__}: {str(error)[:30]}"
    return str(x0.grad.tolist())


@pytest.mark.parametrize(("step", "afterwards"), list(itertools.product(STEPS, AFTERWARDS)))
def test_a_step_saves_what_pytorch_saves(step: str, afterwards: str) -> None:
    program = program_of(step, afterwards)
    assert what_is_raised(assay_reference, program) == what_is_raised(torch, program)


def layouts() -> Iterator[str]:
    """Yield leaves of many layouts, each with a way to use it."""
    leaves = ["ones(2, 3).t()", "ones(2, 3)[:, :2]", "ones(1).expand(3)", "ones(1, 2).t()", "ones(2, 1).t()", "ones(1)"]
    uses = ["b.sum()", "(b * b).sum()", "b.exp().sum()", "b.squeeze().sum()", "(b.t() * 2).sum()"]
    yield from (f"b = torch.{leaf}.requires_grad_()\n{use}.backward()" for leaf in leaves for use in uses)


@pytest.mark.parametrize("program", list(layouts()))
def test_a_leaf_keeps_its_gradient_laid_out_as_pytorch_does(program: str) -> None:
    strides = []
    for library in (assay_reference, torch):
        names: dict[str, Any] = {"torch": library}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exec(program, names)
        strides.append(names["b"].grad.stride())
    assert strides[0] == strides[1]


PRODUCTS = [
    "x @ w.t()", "w @ x.t()", "torch.nn.functional.linear(x, w)", "torch.addmm(torch.ones(()), x, w.t())",
    "x.unsqueeze(0) @ w.t()", "torch.bmm(x.unsqueeze(0), w.t().unsqueeze(0))", "x @ w.t().contiguous()",
]  # fmt: skip


@pytest.mark.parametrize("product", PRODUCTS)
@pytest.mark.parametrize("left", ["ones(4, 3)", "ones(3, 4).t()", "ones(4, 6)[:, ::2]"])
def test_the_gradients_of_a_product_lie_in_memory_as_its_factors_do(left: str, product: str) -> None:
    strides = []
    for library in (assay_reference, torch):
        x, w = eval(f"torch.{left}", {"torch": library}).requires_grad_(), library.ones(2, 3, requires_grad=True)
        y = eval(product, {"torch": library, "x": x, "w": w})
        strides.append([each.stride() for each in library.autograd.grad(y.sum(), [x, w])])
    assert strides[0] == strides[1]


def test_a_view_of_a_leaf_that_is_a_view_has_a_step_that_leads_nowhere() -> None:
    base = assay_reference.arange(3.0).view(1, 3).requires_grad_()
    view = base[0]
    with assay_reference.no_grad():
        view.relu_()
    assert (view.grad_fn.name(), view.grad_fn.next_functions) == ("AsStridedBackward0", ((None, 0),))


def test_an_empty_view_keeps_its_offset_when_memory_grows() -> None:
    x = assay_reference.zeros(3)
    end = x[3:]
    x.untyped_storage().resize_(4096)
    assert end.storage_offset() == 3

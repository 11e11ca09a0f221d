"""Memory formats: where torch.channels_last and its like are asked for, and what they are."""

import copy
import pickle
import re

import numpy as np
import pytest

import assay_reference

FORMATS = ("contiguous_format", "preserve_format", "channels_last", "channels_last_3d")
SHAPES = ((2, 3, 2, 4), (2, 1, 2, 4), (2, 3, 1, 1), (1, 1, 1, 1), (2, 3, 0, 2), (0, 3, 2, 2), (2, 3, 2, 4, 2), (3,))
STARTS = ("x", "x.transpose(1, -1)", "x[..., :1]", "x.contiguous(memory_format=torch.channels_last)")
CALLS = (
    "{}.contiguous(memory_format=f)",
    "{}.clone(memory_format=f)",
    "torch.clone({}, memory_format=f)",
    "{}.to(memory_format=f)",
    "{}.to(torch.float64, memory_format=f)",
    "{}.to(torch.float32, copy=True, memory_format=f)",
    "{}.to('cpu', memory_format=f)",
    "{}.to(torch.zeros(1, dtype=torch.float16), memory_format=f)",
    "{}.float(memory_format=f)",
    "{}.half(memory_format=f)",
    "{}.bool(memory_format=f)",
    "{}.cpu(memory_format=f)",
    "{}.type(torch.float64, memory_format=f)",
    "{}.type('torch.HalfTensor', memory_format=f)",
    "torch.zeros_like({}, memory_format=f)",
    "torch.ones_like({}, dtype=torch.float64, memory_format=f)",
    "torch.full_like({}, 2.0, memory_format=f)",
)


def answer(torch, expression, shape=(1,), wanted="contiguous_format"):
    """Return the strides and elements of what an expression gives, or its error."""
    count = int(np.prod(shape))
    x = torch.arange(count, dtype=torch.float32).reshape(shape)
    try:
        result = eval(expression, {"torch": torch, "x": x, "f": getattr(torch, wanted)})
    except (IndexError, RuntimeError, TypeError) as error:
        return type(error), str(error).split(", but expected")[0]
    if not isinstance(result, torch.Tensor):
        return result
    return str(result.dtype), result.is_contiguous(), result.stride(), tuple(result.shape), result.tolist(), result is x


@pytest.mark.parametrize("call", CALLS)
def test_copies_lie_in_memory_as_pytorch_lays_them(call):
    torch = pytest.importorskip("torch")
    for shape in SHAPES:
        for start in STARTS:
            for wanted in FORMATS:
                expression = call.format(start)
                ours, theirs = (answer(each, expression, shape, wanted) for each in (assay_reference, torch))
                assert ours == theirs, (expression, shape, wanted)


@pytest.mark.parametrize("wanted", FORMATS)
def test_tensors_are_in_the_formats_that_pytorch_says(wanted):
    torch = pytest.importorskip("torch")
    for shape in SHAPES:
        for start in STARTS:
            expression = f"{start}.is_contiguous(memory_format=f)"
            ours, theirs = (answer(each, expression, shape, wanted) for each in (assay_reference, torch))
            assert ours == theirs, (expression, shape)


@pytest.mark.parametrize(
    "expression",
    [
        "torch.empty({}, memory_format=f).stride()",
        "torch.empty_like(x, memory_format=f).stride()",
        "torch.rand_like(x, memory_format=f).stride()",
        "torch.randn_like(x, memory_format=f).stride()",
        "torch.empty(0).resize_({}, memory_format=f).stride()",
        "x.resize_({}, memory_format=f)",
        "torch.zeros(1).resize_as_(x, memory_format=f).stride()",
        "torch.zeros(1).resize_as_(x.transpose(1, -1), memory_format=f).stride()",
    ],
)
def test_new_tensors_lie_in_memory_as_pytorch_lays_them(expression):
    torch = pytest.importorskip("torch")
    for shape in SHAPES:
        for wanted in FORMATS:
            ours, theirs = (answer(each, expression.format(shape), shape, wanted) for each in (assay_reference, torch))
            assert ours == theirs, (shape, wanted)


@pytest.mark.filterwarnings("ignore:Sparse CSR")
@pytest.mark.parametrize(
    "expression",
    [
        "x.contiguous(memory_format=None)",
        "x.contiguous(memory_format=1)",
        "x.is_contiguous(memory_format=None)",
        "x.clone(memory_format=1)",
        "x.clone(memory_format=None)",
        "x.to(memory_format=1)",
        "x.double(memory_format=1)",
        "x.double(memory_format=None)",
        "x.cpu(memory_format=1)",
        "torch.zeros_like(x, memory_format=1)",
        "torch.empty(2, memory_format=1)",
        "torch.empty(2, memory_format=None).stride()",
        "torch.empty(2, memory_format=torch.contiguous_format, out=torch.empty(2))",
        "x.to_sparse().contiguous(memory_format=torch.channels_last)",
        "x.to_sparse().is_contiguous(memory_format=torch.channels_last)",
        "x.to_sparse().clone(memory_format=torch.preserve_format)",
        "x.to_sparse().to(memory_format=torch.channels_last)",
        "x.to_sparse().double(memory_format=torch.contiguous_format)",
        "torch.eye(2).to_sparse_csr().double(memory_format=torch.contiguous_format)",
        "torch.zeros_like(x.to_sparse(), memory_format=torch.preserve_format)",
    ],
)
def test_what_is_no_format_or_cannot_have_one_is_refused_as_by_pytorch(expression):
    torch = pytest.importorskip("torch")
    assert answer(assay_reference, expression) == answer(torch, expression)


@pytest.mark.parametrize(
    "expression",
    [
        "torch.cat([x, x], {dim})",
        "torch.cat([last, last], {dim})",
        "torch.cat([last, x], {dim})",
        "torch.cat([x, last], {dim})",
        "torch.cat([last], {dim})",
        "torch.cat([last, torch.empty(0)], {dim})",
        "torch.cat([torch.empty(0), last], {dim})",
        "torch.cat([last[:, :, :1], last[:, :, :1]], {dim})",
        "torch.cat([last[..., :1], last[..., :1].double()], {dim})",
        "torch.cat([x.transpose(2, 3), x.transpose(2, 3)], {dim})",
        "torch.stack([last, last], {dim})",
        "torch.stack([last, x], {dim})",
        "torch.stack([last[0], last[1]], {dim})",
        "torch.stack([last[..., 0], last[..., 0]], {dim})",
    ],
)
@pytest.mark.parametrize(
    "shape", [(2, 3, 2, 4), (2, 1, 2, 4), (2, 3, 1, 1), (2, 3, 2, 2, 2), (2, 3, 0, 2), (0, 3, 2, 2)], ids=str
)
def test_what_is_joined_lies_in_memory_as_its_parts_do(expression, shape):
    torch = pytest.importorskip("torch")
    last = f"x.clone(memory_format=torch.channels_last{'_3d' if len(shape) == 5 else ''})"
    for dim in range(4):
        source = re.sub(r"\blast\b", last, expression.format(dim=dim))
        assert answer(assay_reference, source, shape) == answer(torch, source, shape), source


def test_the_gradient_of_a_stack_of_channels_last_reaches_each_part():
    torch = assay_reference
    x = torch.ones(1, 2, 2, 2).to(memory_format=torch.channels_last).requires_grad_()
    (torch.stack([x, x * 2], 1) * torch.tensor([1.0, 10.0]).reshape(1, 2, 1, 1, 1)).sum().backward()
    assert x.grad.tolist() == torch.full((1, 2, 2, 2), 21.0).tolist()


@pytest.mark.parametrize("layer", ["Conv1d", "Conv2d", "Conv3d"])
@pytest.mark.parametrize("wanted", FORMATS)
def test_modules_bring_only_images_and_volumes_into_a_format(layer, wanted):
    torch = pytest.importorskip("torch")
    expression = f"[each.stride() for each in torch.nn.{layer}(2, 3, 2).to(memory_format=f).parameters()]"
    assert answer(assay_reference, expression, wanted=wanted) == answer(torch, expression, wanted=wanted)


def test_modules_bring_buffers_and_gradients_into_a_format():
    torch = assay_reference
    module = torch.nn.Conv2d(2, 3, 2)
    module.register_buffer("counts", torch.zeros((1, 2, 2, 2), dtype=torch.int64))
    module(torch.ones(1, 2, 2, 2)).sum().backward()
    module.to(torch.float64, memory_format=torch.channels_last)
    assert module.weight.stride() == module.weight.grad.stride() == module.counts.stride() == (8, 1, 4, 2)
    assert (module.weight.dtype, module.counts.dtype) == (torch.float64, torch.int64)


@pytest.mark.parametrize("name", FORMATS)
def test_formats_show_by_name_and_stay_themselves_when_copied(name):
    given = getattr(assay_reference, name)
    assert repr(given) == f"torch.{name}"
    assert isinstance(given, assay_reference.memory_format)
    assert pickle.loads(pickle.dumps(given)) is given
    assert copy.deepcopy(given) is given


def test_gradients_go_back_through_a_change_of_format():
    torch = assay_reference
    x = torch.zeros(1, 2, 2, 1, requires_grad=True)
    y = x.contiguous(memory_format=torch.channels_last)
    z = x.to(memory_format=torch.channels_last)
    (y * 2 + z).sum().backward()
    assert (y.grad_fn.name(), z.grad_fn.name()) == ("CloneBackward0", "ToCopyBackward0")
    assert x.grad.tolist() == [[[[3.0], [3.0]], [[3.0], [3.0]]]]

"""torch.nn against real PyTorch: call by call, and layer by layer over pairs of options, with their gradients."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import assay_reference

torch = pytest.importorskip("torch")

CALLS = Path(__file__).parent / "calls"
LIBRARIES = (assay_reference, torch)


def calls(name: str) -> list[str]:
    return (CALLS / f"{name}.txt").read_text().splitlines()


def modules(library: Any) -> dict[str, Any]:
    """Make modules to call upon."""
    nn = library.nn

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a = nn.Linear(2, 1)
            self.w = nn.Parameter(library.ones(2))
            self.register_buffer("b", library.zeros(1))
            self.register_buffer("c", library.zeros(1), persistent=False)

    class Hasty(nn.Module):
        def __init__(self) -> None:
            self.a = nn.Linear(2, 1)

    class Rash(nn.Module):
        def __init__(self) -> None:
            self.w = nn.Parameter(library.ones(2))

    return {"Net": Net, "Hasty": Hasty, "Rash": Rash}


def assigned(module: Any, name: str, value: Any) -> Any:
    setattr(module, name, value)
    return module


def gradients(function: Callable[..., Any], *tensors: Any) -> list[Any]:
    """Return the gradients of the sum of the results of a function."""
    leaves = [each.clone().requires_grad_() for each in tensors]
    function(*leaves).sum().backward()
    return [each.grad for each in leaves]


def answer(library: Any, call: str) -> Any:
    """Make a call; return the result, or what it raises in words."""
    names = {"torch": library, "nn": library.nn, "F": library.nn.functional, "T": library.tensor}
    names |= {"inf": np.inf, "nan": np.nan, "assigned": assigned, "gradients": gradients, **modules(library)}
    library.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return eval(call, names)
        except Exception as error:
            return f"{type(error).__name__}: {error}"


def host(tensor: Any) -> np.ndarray[Any, Any]:
    return np.asarray(tensor.detach().numpy())


def assert_same(actual: Any, expected: Any) -> None:
    """Compare two answers: dtypes, shapes and numbers of tensors, parts of tuples, texts of the rest."""
    if isinstance(expected, torch.Tensor):
        assert isinstance(actual, assay_reference.Tensor), actual
        assert (str(actual.dtype), tuple(actual.shape)) == (str(expected.dtype), tuple(expected.shape))
        assert actual.requires_grad == expected.requires_grad
        np.testing.assert_allclose(host(actual), host(expected), rtol=1e-5, atol=1e-6)
    elif isinstance(expected, (tuple, list)):
        assert len(actual) == len(expected)
        for one, other in zip(actual, expected, strict=True):
            assert_same(one, other)
    else:
        assert str(actual).replace("assay_reference.core.tensor.", "torch.") == str(expected)


@pytest.mark.parametrize("call", calls("nn_functional"))
def test_a_function_gives_what_pytorch_gives(call: str) -> None:
    assert_same(answer(assay_reference, call), answer(torch, call))


@pytest.mark.parametrize("call", calls("nn_modules"))
def test_a_module_does_what_pytorch_does(call: str) -> None:
    assert_same(answer(assay_reference, call), answer(torch, call))


# -- functions over pairs of options ----------------------------------------------------------------------------------


def derivatives(library: Any, function: Callable[..., Any], arrays: list[Any]) -> list[Any]:
    """Return the results of a function, the gradients of the sum of its squares, and the gradients of theirs."""
    leaves = [library.tensor(each, requires_grad=each.dtype.kind == "f") for each in arrays]
    wanted = [each for each in leaves if each.requires_grad]
    result = function(library.nn.functional, *leaves)
    parts = result if isinstance(result, tuple) else (result,)
    first = library.autograd.grad((parts[0] ** 2).sum(), wanted, create_graph=True)
    second = library.autograd.grad(sum((each**2).sum() for each in first), wanted)
    return [*parts, *first, *second]


def assert_same_derivatives(function: Callable[..., Any], *arrays: Any) -> None:
    actual, expected = (derivatives(library, function, list(arrays)) for library in LIBRARIES)
    for one, other in zip(actual, expected, strict=True):
        assert tuple(one.shape) == tuple(other.shape)
        np.testing.assert_allclose(host(one), host(other), rtol=1e-9, atol=1e-12)


def pairwise(**options: tuple[Any, ...]) -> Iterator[dict[str, Any]]:
    """Take each two options from their lists in all ways, with the others at their first."""
    usual = {name: values[0] for name, values in options.items()}
    seen = []
    for first, second in itertools.combinations(options, 2):
        for one, other in itertools.product(options[first], options[second]):
            chosen = {**usual, first: one, second: other}
            if chosen not in seen:
                seen.append(chosen)
                yield chosen


CONVOLUTIONS = [
    each
    for each in pairwise(
        dims=(2, 1, 3), kernel=(2, 1, 3), stride=(1, 2), padding=(0, 1, "same", "valid"), dilation=(1, 2),
        groups=(1, 2), bias=(True, False), batch=((3,), ()),
    )
    if each["padding"] != "same" or each["stride"] == 1
]  # fmt: skip


@pytest.mark.filterwarnings("ignore:Using padding='same'")
@pytest.mark.parametrize("options", CONVOLUTIONS, ids=str)
def test_convolutions_and_their_derivatives_are_those_of_pytorch(options: dict[str, Any]) -> None:
    source = np.random.default_rng(0)
    dims, groups = options["dims"], options["groups"]
    image = source.standard_normal((*options["batch"], 4, *(7, 6, 5)[:dims]))
    weight = source.standard_normal((6, 4 // groups, *(options["kernel"],) * dims))
    bias = [source.standard_normal(6)] if options["bias"] else []
    rest = (options["stride"], options["padding"], options["dilation"], groups)

    def convolve(library: Any, image: Any, weight: Any, bias: Any = None) -> Any:
        return getattr(library, f"conv{dims}d")(image, weight, bias, *rest)

    assert_same_derivatives(convolve, image, weight, *bias)


TRANSPOSED = [
    each
    for each in pairwise(
        dims=(2, 1, 3), kernel=(2, 1, 3), stride=(2, 1, 3), padding=(0, 1), output_padding=(0, 1, 2),
        dilation=(1, 2, 3), groups=(1, 2), bias=(True, False), batch=((3,), ()),
    )
    if each["output_padding"] < max(each["stride"], each["dilation"])
]  # fmt: skip


@pytest.mark.parametrize("options", TRANSPOSED, ids=str)
def test_transposed_convolutions_and_their_derivatives_are_those_of_pytorch(options: dict[str, Any]) -> None:
    source = np.random.default_rng(0)
    dims, groups = options["dims"], options["groups"]
    image = source.standard_normal((*options["batch"], 4, *(5, 4, 3)[:dims]))
    weight = source.standard_normal((4, 6 // groups, *(options["kernel"],) * dims))
    bias = [source.standard_normal(6)] if options["bias"] else []
    rest = (options["stride"], options["padding"], options["output_padding"], groups, options["dilation"])

    def convolve(library: Any, image: Any, weight: Any, bias: Any = None) -> Any:
        return getattr(library, f"conv_transpose{dims}d")(image, weight, bias, *rest)

    assert_same_derivatives(convolve, image, weight, *bias)


NORMALISATIONS: dict[str, Callable[..., Any]] = {
    "layers": lambda f, x, w, b: f.layer_norm(x, (4, 5), w.expand(5, 4).t(), b.expand(5, 4).t()),
    "groups": lambda f, x, w, b: f.group_norm(x, 2, w, b),
    "instances": lambda f, x, w, b: f.instance_norm(x, weight=w, bias=b),
    "roots of mean squares": lambda f, x, w, b: f.rms_norm(x, (4, 5), w.expand(5, 4).t()) + b[0],
    "neighbours": lambda f, x, w, b: f.local_response_norm(x, 3, 0.5) * w[0] * b[0],
}


@pytest.mark.parametrize("kind", NORMALISATIONS)
def test_normalisations_and_their_derivatives_are_those_of_pytorch(kind: str) -> None:
    source = np.random.default_rng(0)

    assert_same_derivatives(
        NORMALISATIONS[kind], source.standard_normal((3, 4, 5)), source.standard_normal(4), source.standard_normal(4)
    )


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
def test_complex_convolutions_have_the_gradients_of_pytorch(dtype: str) -> None:
    source = np.random.default_rng(0)
    data = [source.standard_normal((2, *shape)).astype(np.float64) for shape in ((1, 2, 5, 4), (3, 2, 2, 3))]
    arrays = [(real + 1j * imaginary).astype(dtype) for real, imaginary in data]
    results = []
    for library in LIBRARIES:
        image, weight = (library.tensor(each, requires_grad=True) for each in arrays)
        y = library.nn.functional.conv2d(image, weight)
        y.abs().sum().backward()
        results.append([host(each) for each in (y, image.grad, weight.grad)])

    for one, other in zip(*results, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4)


POOLINGS = [
    each
    for each in pairwise(
        dims=(2, 1, 3), kernel_size=(2, 1, 3), stride=(None, 1, 2, 3), padding=(0, 1), ceil_mode=(False, True),
        batch=((3,), ()),
    )
    if each["padding"] <= each["kernel_size"] // 2
]  # fmt: skip


def pool(kind: str, dims: int, **options: Any) -> Callable[..., Any]:
    return lambda functional, image: getattr(functional, f"{kind}_pool{dims}d")(image, **options)


@pytest.mark.parametrize("dilation", [1, 2])
@pytest.mark.parametrize("options", POOLINGS, ids=str)
def test_poolings_by_the_largest_and_their_derivatives_are_those_of_pytorch(
    options: dict[str, Any], dilation: int
) -> None:
    dims, batch = options["dims"], options["batch"]
    rest = {name: value for name, value in options.items() if name not in ("dims", "batch")}
    image = np.random.default_rng(0).integers(0, 5, (*batch, 2, *(7, 6, 5)[:dims])).astype(np.float64)

    assert_same_derivatives(pool("max", dims, dilation=dilation, return_indices=True, **rest), image)


@pytest.mark.parametrize("count_include_pad", [True, False])
@pytest.mark.parametrize("options", POOLINGS, ids=str)
def test_poolings_by_the_average_and_their_derivatives_are_those_of_pytorch(
    options: dict[str, Any], count_include_pad: bool
) -> None:
    dims, batch = options["dims"], options["batch"]
    rest = {name: value for name, value in options.items() if name not in ("dims", "batch")}
    image = np.random.default_rng(0).standard_normal((*batch, 2, *(7, 6, 5)[:dims]))

    assert_same_derivatives(pool("avg", dims, count_include_pad=count_include_pad, **rest), image)


@pytest.mark.parametrize("mode", ["constant", "reflect", "replicate", "circular"])
def test_borders_and_their_derivatives_are_those_of_pytorch(mode: str) -> None:
    image = np.random.default_rng(0).standard_normal((2, 3, 4, 5))

    assert_same_derivatives(lambda functional, image: functional.pad(image, (1, 2, 3, 0), mode), image)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("shape", [(4, 3), (4, 3, 2), (2, 3, 4, 5)], ids=str)
def test_batch_normalisation_and_its_derivatives_are_those_of_pytorch(
    shape: tuple[int, ...], affine: bool, training: bool
) -> None:
    source = np.random.default_rng(0)
    learned = [source.standard_normal(3) for _ in range(2)] if affine else []
    running = [np.array([0.5, -1.0, 2.0]), np.array([1.5, 0.25, 3.0])]

    def normalise(functional: Any, input: Any, *learned: Any) -> Any:
        library = assay_reference if isinstance(input, assay_reference.Tensor) else torch
        return functional.batch_norm(input, *map(library.tensor, running), *learned, training=training, eps=0.125)

    assert_same_derivatives(normalise, source.standard_normal(shape), *learned)


LOSSES = list(
    pairwise(
        shape=((4, 3), (3,), (4, 3, 2), (2, 3, 2, 2)), reduction=("mean", "sum", "none"), weighted=(False, True),
        ignore_index=(-100, 1), label_smoothing=(0.0, 0.25),
    )
)  # fmt: skip


@pytest.mark.parametrize("options", LOSSES, ids=str)
def test_cross_entropy_and_its_derivatives_are_those_of_pytorch(options: dict[str, Any]) -> None:
    source = np.random.default_rng(0)
    shape = options.pop("shape")
    target = source.integers(0, 3, shape[:1] + shape[2:] if len(shape) > 1 else ())
    weighted = options.pop("weighted")

    def loss(functional: Any, input: Any, target: Any) -> Any:
        library = assay_reference if isinstance(input, assay_reference.Tensor) else torch
        weight = library.tensor([0.5, 1.0, 2.0], dtype=library.float64) if weighted else None
        return functional.cross_entropy(input, target, weight, **options)

    assert_same_derivatives(loss, source.standard_normal(shape), np.asarray(target))


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("label_smoothing", [0.0, 0.25])
def test_cross_entropy_with_probabilities_has_the_derivatives_of_pytorch(
    label_smoothing: float, reduction: str
) -> None:
    source = np.random.default_rng(0)
    options = {"label_smoothing": label_smoothing, "reduction": reduction}

    def loss(functional: Any, input: Any, target: Any) -> Any:
        return functional.cross_entropy(input, target, **options)

    assert_same_derivatives(loss, source.standard_normal((4, 3)), source.random((4, 3)))


@pytest.mark.parametrize("function", ["softmax", "log_softmax"])
@pytest.mark.parametrize("dim", [0, 1, -1])
def test_softmaxes_and_their_derivatives_are_those_of_pytorch(function: str, dim: int) -> None:
    rows = np.random.default_rng(0).standard_normal((4, 3, 2))

    assert_same_derivatives(lambda functional, rows: getattr(functional, function)(rows, dim), rows)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_the_squared_distance_and_its_derivatives_are_those_of_pytorch(reduction: str) -> None:
    source = np.random.default_rng(0)
    rows = [source.standard_normal((4, 3)) for _ in range(2)]

    assert_same_derivatives(lambda functional, *rows: functional.mse_loss(*rows, reduction=reduction), *rows)


@pytest.mark.parametrize("padding_idx", [None, 1, -1])
@pytest.mark.parametrize("scale_grad_by_freq", [True, False])
def test_tables_and_their_derivatives_are_those_of_pytorch(scale_grad_by_freq: bool, padding_idx: int | None) -> None:
    source = np.random.default_rng(0)
    indices, table = np.array([[0, 3, 1], [3, 3, 0]]), source.standard_normal((4, 2))

    def look_up(functional: Any, indices: Any, table: Any) -> Any:
        return functional.embedding(indices, table, padding_idx, scale_grad_by_freq=scale_grad_by_freq)

    results = []
    for library in LIBRARIES:
        rows = library.tensor(table, requires_grad=True)
        (look_up(library.nn.functional, library.tensor(indices), rows) ** 2).sum().backward()
        results.append(host(rows.grad))
    np.testing.assert_allclose(*results, rtol=1e-12)


# -- recurrent layers -------------------------------------------------------------------------------------------------

RECURRENT = [
    each
    for each in pairwise(
        kind=("LSTM", "GRU", "RNN"), num_layers=(1, 2), bias=(True, False), batch_first=(False, True),
        bidirectional=(False, True), proj_size=(0, 2), batched=(True, False), started=(False, True),
    )
    if not each["proj_size"] or each["kind"] == "LSTM"
]  # fmt: skip


@pytest.mark.parametrize("options", RECURRENT, ids=str)
def test_recurrent_layers_and_their_gradients_are_those_of_pytorch(options: dict[str, Any]) -> None:
    kind, batched, started = (options.pop(name) for name in ("kind", "batched", "started"))
    if not options["proj_size"]:
        options.pop("proj_size")
    source = np.random.default_rng(0)
    steps = source.standard_normal((4, 5, 3) if batched else (4, 3))
    count = options["num_layers"] * (1 + options["bidirectional"])
    batch = ((4,) if options["batch_first"] else (5,)) if batched else ()
    sizes = [options.get("proj_size") or 6, 6] if kind == "LSTM" else [6]
    states = [source.standard_normal((count, *batch, size)) for size in sizes]
    results = []
    for library in LIBRARIES:
        library.manual_seed(0)
        layer = getattr(library.nn, kind)(3, 6, **options).double()
        input = library.tensor(steps, requires_grad=True)
        given = [library.tensor(each, requires_grad=True) for each in states] if started else []
        hx = tuple(given) if kind == "LSTM" else given[0] if started else None
        output, last = layer(input, hx) if started else layer(input)
        ends = last if isinstance(last, tuple) else (last,)
        ((output**2).sum() + sum((each**3).sum() for each in ends)).backward()
        leaves = [input, *given, *layer.parameters()]
        results.append([host(each) for each in (output, *ends, *(each.grad for each in leaves))])

    for one, other in zip(*results, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


# -- how layers start -------------------------------------------------------------------------------------------------

MADE = (
    "Linear(3, 4)", "Linear(30, 40, bias=False)", "Conv1d(2, 4, 3)", "Conv2d(2, 4, 3, groups=2)", "Conv3d(1, 2, 2)",
    "ConvTranspose1d(2, 4, 3)", "ConvTranspose2d(4, 2, 3, groups=2)", "ConvTranspose3d(1, 2, 2, bias=False)",
    "Conv1d(1, 2, 2, dtype=torch.complex64)", "LayerNorm((2, 3))", "LayerNorm(3, bias=False)", "RMSNorm(3)",
    "GroupNorm(2, 4)", "InstanceNorm1d(3)", "InstanceNorm2d(3, affine=True, track_running_stats=True)",
    "Embedding(5, 3)", "Embedding(50, 3, padding_idx=1)", "LSTM(3, 4, 2, bidirectional=True, proj_size=2)",
    "GRU(3, 4)", "RNN(3, 4, 2)", "RNNCell(3, 4)", "LSTMCell(3, 4, bias=False)", "GRUCell(3, 4)", "BatchNorm1d(3)",
    "Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))",
)  # fmt: skip


@pytest.mark.parametrize("made", MADE)
def test_layers_start_with_the_numbers_of_pytorch(made: str) -> None:
    states = []
    for library in LIBRARIES:
        library.manual_seed(7)
        states.append(eval(f"nn.{made}", {"nn": library.nn, "torch": library}).state_dict())

    actual, expected = states
    assert list(actual) == list(expected)
    for one, other in zip(actual.values(), expected.values(), strict=True):
        np.testing.assert_allclose(host(one), host(other), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("fill", ["uniform_", "normal_", "xavier_uniform_", "xavier_normal_", "kaiming_uniform_",
                                  "kaiming_normal_"])  # fmt: skip
def test_tensors_are_filled_with_the_numbers_of_pytorch(fill: str) -> None:
    filled = []
    for library in LIBRARIES:
        library.manual_seed(3)
        filled.append(host(getattr(library.nn.init, fill)(library.empty(5, 7, 2))))

    np.testing.assert_allclose(*filled, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("fill", ["orthogonal_(w)", "orthogonal_(w.t())", "sparse_(w, 0.3)", "trunc_normal_(w)",
                                  "trunc_normal_(w, a=0.5, b=3.0)", "trunc_normal_(w, 2.0, a=3.0, b=4.0)"])  # fmt: skip
def test_matrices_are_filled_with_the_numbers_of_pytorch(fill: str) -> None:
    filled = []
    for library in LIBRARIES:
        library.manual_seed(3)
        filled.append(host(eval(f"init.{fill}", {"init": library.nn.init, "w": library.empty(20, 7)})))

    np.testing.assert_allclose(*filled, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN"])
def test_what_is_dropped_between_recurrent_layers_is_what_pytorch_drops(kind: str, packed: bool) -> None:
    answers = []
    for library in LIBRARIES:
        library.manual_seed(5)
        layer = getattr(library.nn, kind)(2, 6, num_layers=3, dropout=0.5, bidirectional=True)
        steps = library.ones(4, 3, 2)
        if packed:
            steps = library.nn.utils.rnn.pack_padded_sequence(steps, [2, 4, 3], enforce_sorted=False)
        output, last = layer(steps)
        ends = last if isinstance(last, tuple) else (last,)
        answers.append([host(each) for each in (output.data if packed else output, *ends)])

    for one, other in zip(*answers, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_dropout_drops_what_pytorch_drops() -> None:
    kept = []
    for library in LIBRARIES:
        library.manual_seed(3)
        kept.append(host(library.nn.functional.dropout(library.ones(1000), 0.3)))

    np.testing.assert_array_equal(*kept)


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16", "float16"])
def test_fractional_pooling_chooses_the_windows_of_pytorch(dtype: str) -> None:
    found = []
    for library in LIBRARIES:
        library.manual_seed(3)
        image = library.arange(2 * 3 * 9 * 8).reshape(2, 3, 9, 8).to(getattr(library, dtype))
        found.append(host(library.nn.FractionalMaxPool2d(2, (4, 5), return_indices=True)(image)[1]))

    np.testing.assert_array_equal(*found)


@pytest.mark.parametrize("names", ["weight", "weight bias", "weight bias running_mean running_var"])
def test_a_state_from_before_batches_were_counted_is_loaded_as_pytorch_loads_it(names: str) -> None:
    answers = []
    for library in LIBRARIES:
        state = {name: library.ones(2) for name in names.split()}
        try:
            answers.append(str(library.nn.BatchNorm1d(2).load_state_dict(state)))
        except RuntimeError as error:
            answers.append(str(error))

    assert answers[0] == answers[1]

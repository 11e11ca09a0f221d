from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import assay_reference as reference
import assay_reference as torch
from assay_reference.core.box_muller import fused

SIZES = [1, 2, 7, 15, 16, 17, 33, 1000]


def assert_same(ours: Any, theirs: Any) -> None:
    """Hold numbers against PyTorch's, to the bit."""
    torch = pytest.importorskip("torch")
    if torch.backends.cpu.get_cpu_capability() not in ("AVX2", "AVX512"):
        pytest.skip("PyTorch fuses products and sums where it has AVX2: its last bits are others here")
    assert ours.flatten().tolist() == theirs.flatten().tolist()


def test_a_seed_repeats_itself() -> None:
    reference.manual_seed(3)
    first = reference.rand(5).tolist()
    reference.manual_seed(3)

    assert reference.rand(5).tolist() == first
    assert reference.rand(5).tolist() != first


def test_numbers_of_a_seed_are_those_of_the_mersenne_twister() -> None:
    reference.manual_seed(0)

    assert reference.rand(2).tolist() == [0.49625658988952637, 0.7682217955589294]


def test_a_generator_of_its_own_leaves_the_default_one_alone() -> None:
    reference.manual_seed(1)
    alone = reference.randn(4).tolist()
    reference.manual_seed(1)
    reference.randn(9, generator=reference.Generator().manual_seed(2))

    assert reference.randn(4).tolist() == alone


@pytest.mark.parametrize("size", SIZES)
def test_uniform_numbers_are_torchs(size: int) -> None:
    torch = pytest.importorskip("torch")
    torch.manual_seed(5)
    reference.manual_seed(5)

    assert reference.rand(size).tolist() == torch.rand(size).tolist()
    assert reference.rand(size, dtype=reference.float64).tolist() == torch.rand(size, dtype=torch.float64).tolist()


@pytest.mark.parametrize("size", SIZES)
def test_normal_numbers_are_torchs(size: int) -> None:
    torch = pytest.importorskip("torch")
    torch.manual_seed(5)
    reference.manual_seed(5)

    assert_same(
        reference.empty(size, dtype=reference.float64).normal_(1.0, 2.5),
        torch.empty(size, dtype=torch.float64).normal_(1.0, 2.5),
    )
    assert_same(reference.randn(size), torch.randn(size))


def test_a_hundred_thousand_normal_numbers_are_torchs() -> None:
    torch = pytest.importorskip("torch")
    torch.manual_seed(6)
    reference.manual_seed(6)

    assert_same(reference.randn(100_000), torch.randn(100_000))


def test_a_fused_step_rounds_once() -> None:
    eps = np.finfo(np.float64).eps
    one, minus = np.array([1 + eps]), np.array([-1 - 2 * eps])

    assert fused(one, 1 + eps, minus).tolist() == [eps * eps]
    assert fused(one.astype(np.float32) + np.float32(2**-23), 1 + 2**-23, -1 - 2**-22).tolist() == [2.0**-46]
    assert fused(np.array([1e300]), 1e300, 0.0).tolist() == [np.inf]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_normal_numbers_of_half_dtypes_are_torchs(size: int, dtype: str) -> None:
    torch = pytest.importorskip("torch")
    torch.manual_seed(5)
    reference.manual_seed(5)

    ours = reference.empty(size, dtype=getattr(reference, dtype)).normal_(1.0, 2.5)
    assert_same(ours, torch.empty(size, dtype=getattr(torch, dtype)).normal_(1.0, 2.5))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64", "complex64"])
@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-0.3, 0.7), (2.0, 3.7), (-100.0, 1.0)])
def test_uniform_numbers_of_a_range_are_torchs(low: float, high: float, dtype: str) -> None:
    torch = pytest.importorskip("torch")
    torch.manual_seed(5)
    reference.manual_seed(5)

    ours = reference.empty(40, dtype=getattr(reference, dtype)).uniform_(low, high)
    assert_same(ours, torch.empty(40, dtype=getattr(torch, dtype)).uniform_(low, high))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64", "complex64"])
@pytest.mark.parametrize(("low", "high"), [(-math.inf, 0.0), (0.0, math.inf), (math.nan, 1.0), (1.0, -math.inf)])
def test_a_range_without_bounds_is_refused_as_by_torch(low: float, high: float, dtype: str) -> None:
    torch = pytest.importorskip("torch")
    with pytest.raises(RuntimeError) as due:
        torch.empty(1, dtype=getattr(torch, dtype)).uniform_(low, high)

    with pytest.raises(RuntimeError) as ours:
        reference.empty(1, dtype=getattr(reference, dtype)).uniform_(low, high)
    assert str(ours.value) == str(due.value)


NORMAL = [
    "torch.normal(2.0, 3.0, (17,), dtype=torch.float64)",
    "torch.normal(torch.arange(17.0), 3.0)",
    "torch.normal(2.0, torch.arange(17.0))",
    "torch.normal(torch.arange(17.0), torch.arange(17.0) / 8)",
    "torch.normal(torch.arange(4.0).unsqueeze(1), torch.arange(5.0))",
    "torch.normal(torch.arange(20.0).view(4, 5).t(), 2.0)",
    "torch.normal(torch.arange(17.0).half(), torch.ones(17).double() * 0.3)",
    "torch.normal(2.0, torch.ones(17).bfloat16() * 0.3)",
    "torch.normal(1.0, 2.0, (3,), dtype=torch.complex64)",
    "torch.normal(torch.ones(17, dtype=torch.complex128), 2.0)",
    "torch.normal(torch.arange(3.0), 1.0, out=torch.empty(3))",
    "torch.zeros(3, 5).t().normal_()",
    "torch.zeros(40)[::2].normal_()",
    "torch.zeros(2, 3, 4).permute(2, 0, 1).uniform_()",
]


@pytest.mark.parametrize("call", NORMAL)
def test_numbers_of_means_and_deviations_are_torchs(call: str) -> None:
    torch = pytest.importorskip("torch")
    torch.manual_seed(5)
    reference.manual_seed(5)

    ours, theirs = eval(call, {"torch": reference}), eval(call, {"torch": torch})

    assert (str(ours.dtype), tuple(ours.shape)) == (str(theirs.dtype), tuple(theirs.shape))
    assert_same(ours, theirs)


WHOLE = [
    "torch.randint(10, (5,))",
    "torch.randint(-3, 4, (2, 3))",
    "torch.randint(high=3, size=(5,))",
    "torch.randint(2**28, (5,))",
    "torch.randint(-(2**40), 2**40, (5,))",
    "torch.randint(-(2**63), 2**63 - 1, (5,))",
    "torch.randint(256, (5,), dtype=torch.uint8)",
    "torch.randint(2, (9,), dtype=torch.bool)",
    "torch.randint(5, (5,), dtype=torch.bfloat16)",
    "torch.randint(2**12, (9,), dtype=torch.float16)",
    "torch.randint(-(2**12), 5, (9,), dtype=torch.float16)",
    "torch.randint(-(2**26), 2**26, (9,))",
    "torch.randint(7, (5,), out=torch.empty(0))",
    "torch.zeros(2, 3, 4).permute(2, 0, 1).random_(5)",
    "torch.zeros(5).random_()",
    "torch.zeros(5, dtype=torch.int32).random_()",
    "torch.zeros(5, dtype=torch.float64).random_()",
    "torch.zeros(9, dtype=torch.bool).random_()",
    "torch.bernoulli(torch.full((9,), 0.5))",
]


@pytest.mark.filterwarnings("ignore:.*out of bounds:UserWarning")
@pytest.mark.parametrize("call", WHOLE)
def test_integers_are_torchs(call: str) -> None:
    torch = pytest.importorskip("torch")
    torch.manual_seed(5)
    reference.manual_seed(5)

    ours, theirs = eval(call, {"torch": reference}), eval(call, {"torch": torch})

    assert (str(ours.dtype), ours.tolist()) == (str(theirs.dtype), theirs.tolist())


REFUSED = [
    "torch.randint(0, 0, (2,))",
    "torch.randint(3, 1, (2,))",
    "torch.randint(257, (2,), dtype=torch.uint8)",
    "torch.randint(-1, 2, (2,), dtype=torch.uint8)",
    "torch.randint(3, (2,), dtype=torch.bool)",
    "torch.randint(70000, (2,), dtype=torch.float16)",
    "torch.randint(3, (2,), dtype=torch.complex64)",
    "torch.randint(3, 4)",
    "torch.zeros(2, dtype=torch.complex64).random_()",
    "torch.normal(0.0, -1.0, (2,))",
    "torch.normal(torch.zeros(2), -1.0)",
    "torch.normal(torch.zeros(2), -torch.ones(2))",
    "torch.normal(torch.zeros(2), torch.ones(3))",
    "torch.normal(torch.zeros(2), torch.ones(2, dtype=torch.complex64))",
    "torch.normal(torch.zeros(2, dtype=torch.int64))",
    "torch.normal(0.0, torch.ones(2, dtype=torch.int64))",
]


@pytest.mark.parametrize("call", REFUSED)
def test_what_torch_refuses_to_draw_is_refused_in_its_words(call: str) -> None:
    torch = pytest.importorskip("torch")
    with pytest.raises(Exception) as theirs:
        eval(call, {"torch": torch})

    with pytest.raises(type(theirs.value)) as ours:
        eval(call, {"torch": reference})

    assert str(ours.value) == str(theirs.value)


def test_no_gradient_leads_from_normal_numbers_to_their_mean_and_deviation() -> None:
    mean, std = (reference.ones(2, requires_grad=True) for _ in range(2))

    reference.normal(mean, std).sum().backward()

    assert (mean.grad.tolist(), std.grad.tolist()) == ([0.0, 0.0], [0.0, 0.0])


@pytest.mark.parametrize("size", SIZES)
def test_permutations_are_torchs(size: int) -> None:
    torch = pytest.importorskip("torch")
    torch.manual_seed(5)
    reference.manual_seed(5)

    assert reference.randperm(size).tolist() == torch.randperm(size).tolist()


def test_layers_start_with_torchs_numbers() -> None:
    torch = pytest.importorskip("torch")
    torch.manual_seed(7)
    reference.manual_seed(7)

    assert_same(reference.nn.Linear(30, 20).weight, torch.nn.Linear(30, 20).weight)


def test_a_chance_outside_its_range_is_refused() -> None:
    with pytest.raises(RuntimeError, match="Expected p_in >= 0 && p_in <= 1"):
        reference.bernoulli(reference.tensor([1.5]))


@pytest.mark.parametrize("uniform", [0, 1, 623, 624, 625])
@pytest.mark.parametrize("normal", [0, 3, 17])
def test_a_generators_state_is_torchs_byte_for_byte(uniform: int, normal: int) -> None:
    torch = pytest.importorskip("torch")
    theirs, ours = torch.Generator().manual_seed(7), reference.Generator().manual_seed(7)
    for library, generator in ((torch, theirs), (reference, ours)):
        library.rand(uniform, generator=generator)
        library.randn(normal, generator=generator)

    state = reference.tensor(theirs.get_state().tolist(), dtype=reference.uint8)
    taken = reference.Generator().set_state(state)

    assert ours.get_state().tolist() == state.tolist()
    assert taken.initial_seed() == 7
    assert reference.randn(5, generator=taken).tolist() == torch.randn(5, generator=theirs).tolist()


def test_a_state_goes_on_where_it_was() -> None:
    reference.manual_seed(3)
    reference.randn(3)
    state = reference.get_rng_state()
    numbers = reference.randn(3).tolist()

    reference.set_rng_state(state)

    assert reference.randn(3).tolist() == numbers


def test_what_is_drawn_in_a_fork_leaves_no_trace() -> None:
    reference.manual_seed(3)
    alone = reference.rand(2).tolist()
    reference.manual_seed(3)
    with pytest.raises(ZeroDivisionError), reference.random.fork_rng():
        reference.rand(4)
        raise ZeroDivisionError

    assert reference.rand(2).tolist() == alone


@pytest.mark.parametrize(
    ("state", "message"),
    [
        (reference.zeros(5), "RNG state must be a torch.ByteTensor"),
        (reference.zeros(5, dtype=reference.uint8), "Expected a CPUGeneratorImplState of size 5056"),
        (reference.zeros(5056, dtype=reference.uint8), "Invalid mt19937 state"),
        (3, "expected a torch.ByteTensor, but got int"),
    ],
)
def test_what_is_no_state_is_refused(state: object, message: str) -> None:
    with pytest.raises((TypeError, RuntimeError), match=message):
        reference.set_rng_state(state)


@pytest.mark.parametrize("dims", [(0, 1, 2), (2, 0, 1), (1, 0, 2), (2, 1, 0)])
@pytest.mark.parametrize("p", [None, 0.5])
def test_bernoulli_draws_for_a_permuted_tensor_as_pytorch_does(dims: tuple[int, ...], p: float | None) -> None:
    def toss(lib: Any) -> Any:
        lib.manual_seed(3)
        probabilities = lib.linspace(0, 1, 24).reshape(2, 3, 4).permute(*dims)
        return lib.bernoulli(probabilities) if p is None else lib.bernoulli(probabilities, p)

    made, expected = toss(torch), toss(pytest.importorskip("torch"))

    assert (made.tolist(), made.stride()) == (expected.tolist(), expected.stride())


def test_seeds_and_bounds_that_are_no_integers_of_64_bits_are_refused() -> None:
    for lib in (torch, pytest.importorskip("torch")):
        with pytest.raises(ValueError, match="Overflow when unpacking long long"):
            lib.manual_seed(2**65)
        with pytest.raises(RuntimeError, match="manual_seed expected a long, but got str"):
            lib.Generator().manual_seed("a")
        for bound in (5.9, True):
            with pytest.raises(TypeError):
                lib.randint(bound, (4,))
        assert lib.Generator().device == lib.device("cpu")


def test_data_and_wishes_for_gradients_are_checked() -> None:
    for lib in (torch, pytest.importorskip("torch")):
        x = lib.ones(2, requires_grad=True)
        with pytest.raises(RuntimeError, match="data set to a tensor that requires gradients"):
            x.data = lib.ones(2, dtype=lib.int32)
        with pytest.raises(RuntimeError, match="requires_grad must be a bool"):
            x.requires_grad = 1

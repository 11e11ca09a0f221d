from __future__ import annotations

import pytest

import assay_reference as reference

SIZES = [1, 2, 7, 15, 16, 17, 33, 1000]


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
def test_normal_numbers_are_torchs_up_to_rounding(size: int) -> None:
    torch = pytest.importorskip("torch")
    torch.manual_seed(5)
    reference.manual_seed(5)

    # PyTorch's vectorised logarithm and cosine differ from NumPy's in the last digit, its fused steps in a rare one.
    doubles = reference.empty(size, dtype=reference.float64).normal_(1.0, 2.5).tolist()
    assert doubles == pytest.approx(torch.empty(size, dtype=torch.float64).normal_(1.0, 2.5).tolist(), rel=1e-14)
    assert reference.randn(size).tolist() == pytest.approx(torch.randn(size).tolist(), rel=3e-6, abs=3e-7)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_normal_numbers_of_half_dtypes_are_torchs(size: int, dtype: str) -> None:
    torch = pytest.importorskip("torch")
    torch.manual_seed(5)
    reference.manual_seed(5)

    ours = reference.empty(size, dtype=getattr(reference, dtype)).normal_(1.0, 2.5)
    assert ours.tolist() == torch.empty(size, dtype=getattr(torch, dtype)).normal_(1.0, 2.5).tolist()


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-0.3, 0.7), (2.0, 3.7), (-100.0, 1.0)])
def test_uniform_numbers_of_a_range_are_torchs(low: float, high: float, dtype: str) -> None:
    torch = pytest.importorskip("torch")
    torch.manual_seed(5)
    reference.manual_seed(5)

    ours = reference.empty(40, dtype=getattr(reference, dtype)).uniform_(low, high)
    assert ours.tolist() == torch.empty(40, dtype=getattr(torch, dtype)).uniform_(low, high).tolist()


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

    ours, theirs = reference.nn.Linear(3, 2).weight, torch.nn.Linear(3, 2).weight

    assert ours.flatten().tolist() == pytest.approx(theirs.flatten().tolist(), rel=1e-5)


def test_a_chance_outside_its_range_is_refused() -> None:
    with pytest.raises(RuntimeError, match="Expected p_in >= 0 && p_in <= 1"):
        reference.bernoulli(reference.tensor([1.5]))

"""Products of matrices, inverses, decompositions, norms."""

from __future__ import annotations

import math
from typing import Any

import pytest

import assay_reference as torch
from assay_reference import documented


def test_a_product_of_halves_is_rounded_once() -> None:
    x = torch.ones(1, 4096, dtype=torch.float16)

    assert (x @ x.t()).item() == 4096.0


def test_a_product_of_integers_wraps_around() -> None:
    x = torch.full((1, 2), 100, dtype=torch.int8)

    assert x.mm(x.t()).item() == (20000 + 128) % 256 - 128


@pytest.mark.parametrize(
    ("first", "second", "result"),
    [
        ((3,), (3,), ()),
        ((2, 3), (3,), (2,)),
        ((3,), (3, 4), (4,)),
        ((2, 3), (3, 4), (2, 4)),
        ((5, 2, 3), (3,), (5, 2)),
        ((3,), (5, 3, 4), (5, 4)),
        ((5, 2, 3), (3, 4), (5, 2, 4)),
        ((2, 3), (5, 3, 4), (5, 2, 4)),
        ((6, 1, 2, 3), (5, 3, 4), (6, 5, 2, 4)),
        ((0, 3), (3, 4), (0, 4)),
        ((2, 0), (0, 4), (2, 4)),
    ],
)
def test_matmul_takes_all_ranks(first: Any, second: Any, result: Any) -> None:
    x, y = torch.ones(first, requires_grad=True), torch.ones(second, requires_grad=True)

    product = x @ y
    product.sum().backward()

    assert product.shape == result
    assert (product == first[-1]).all()
    assert (x.grad.shape, y.grad.shape) == (first, second)


def test_shapes_that_do_not_fit_are_named() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.ones(2, 3) @ torch.ones(4, 5)

    assert str(caught.value) == "mat1 and mat2 shapes cannot be multiplied (2x3 and 4x5)"


def test_addmm_without_its_input_lets_no_nan_through() -> None:
    nan = torch.full((2, 2), math.nan)

    assert torch.addmm(nan, torch.eye(2), torch.eye(2), beta=0).tolist() == [[1.0, 0.0], [0.0, 1.0]]


def test_a_singular_matrix_has_no_inverse() -> None:
    stack = torch.stack([torch.eye(2), torch.ones(2, 2)])

    with pytest.raises(torch.linalg.LinAlgError) as caught:
        torch.inverse(stack)

    assert isinstance(caught.value, RuntimeError)
    assert str(caught.value) == (
        "linalg.inv: (Batch element 1): The diagonal element 2 is zero, the inversion could not be completed because "
        "the input matrix is singular."
    )


def test_the_inverse_undoes() -> None:
    x = torch.tensor([[2.0, 1.0], [1.0, 1.0]])

    assert torch.inverse(x).tolist() == [[1.0, -1.0], [-1.0, 2.0]]


def test_the_determinant_of_a_singular_matrix_has_its_cofactors_as_gradient() -> None:
    x = torch.tensor([[1.0, 2.0], [2.0, 4.0]], dtype=torch.float64, requires_grad=True)

    x.det().backward()

    assert x.grad.flatten().tolist() == pytest.approx([4.0, -2.0, -2.0, 1.0])


def test_eig_is_complex() -> None:
    values, vectors = torch.linalg.eig(torch.tensor([[0.0, 1.0], [-1.0, 0.0]]))

    assert values.tolist() == [1j, -1j]
    assert (vectors.dtype, vectors.shape) == (torch.complex64, (2, 2))


def test_the_documented_eig_gives_pairs_of_real_numbers() -> None:
    result = documented.eig(torch.tensor([[0.0, 1.0], [-1.0, 0.0]]))

    assert type(result).__name__ == "eig"
    assert result.eigenvalues.tolist() == [[0.0, 1.0], [0.0, -1.0]]
    assert result.eigenvectors.shape == (0,)


def test_the_documented_eig_packs_conjugate_vectors_into_two_columns() -> None:
    a = torch.tensor([[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 2.0]], dtype=torch.float64)

    values, vectors = documented.eig(a, eigenvectors=True)

    real, imaginary, other = vectors.unbind(1)
    assert values.tolist() == [[0.0, 1.0], [0.0, -1.0], [2.0, 0.0]]
    assert (a @ real).tolist() == pytest.approx((-imaginary).tolist())  # a (r + s i) = i (r + s i)
    assert (a @ imaginary).tolist() == pytest.approx(real.tolist())
    assert (a @ other).tolist() == (2 * other).tolist()


def test_the_documented_eig_is_not_in_the_current_namespace() -> None:
    assert not hasattr(torch, "eig")


@pytest.mark.parametrize(
    ("p", "norm"), [(2, 5.0), ("fro", 5.0), (1, 7.0), (0, 2.0), (math.inf, 4.0), (-math.inf, 0.0), (3, 91 ** (1 / 3))]
)
def test_norms_of_a_vector(p: Any, norm: float) -> None:
    assert torch.tensor([3.0, 0.0, -4.0]).norm(p).item() == pytest.approx(norm)


def test_norms_of_a_matrix() -> None:
    x = torch.tensor([[3.0, 0.0], [0.0, -4.0]])

    assert x.norm("nuc").item() == pytest.approx(7.0)
    assert torch.linalg.matrix_norm(x, 2).item() == pytest.approx(4.0)
    assert torch.linalg.matrix_norm(x, -1).item() == 3.0


def test_a_norm_at_zero_has_gradient_zero() -> None:
    x = torch.zeros(2, requires_grad=True)

    x.norm().backward()

    assert x.grad.tolist() == [0.0, 0.0]


def test_decompositions_multiply_back() -> None:
    a = torch.tensor([[4.0, 1.0], [1.0, 3.0]], dtype=torch.float64)
    q, r = torch.linalg.qr(a)
    u, s, vh = torch.linalg.svd(a)
    lower = torch.linalg.cholesky(a)
    values, vectors = torch.linalg.eigh(a)

    for product in (q @ r, u * s @ vh, lower @ lower.mT, vectors * values @ vectors.mT):
        assert torch.allclose(product, a)

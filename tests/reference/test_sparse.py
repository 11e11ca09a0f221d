"""Sparse layouts and oneDNN's: by hand, call by call against real PyTorch, and on the strict stand-in for CuPy."""

from __future__ import annotations

import copy
import functools
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import assay_reference
import assay_reference as torch
from assay_reference.core.arrays import cuda_namespace
from assay_reference.ops import pointwise

CALLS = (Path(__file__).parent / "calls" / "sparse.txt").read_text().splitlines()
ON_CUDA = [each for each in CALLS if not re.search(r"device|mkldnn|FloatTensor|\bm\b|out=|format", each)]
PLACES = [[0, 1, 1], [2, 0, 2]]


def coo() -> Any:
    """Make [[0, 0, 3], [4, 0, 5]]."""
    return torch.sparse_coo_tensor(PLACES, [3.0, 4.0, 5.0], (2, 3))


def repeated() -> Any:
    """Make [[0, 3, 0], [0, 0, 3]], whose 3 in the first row is 1 + 2."""
    return torch.sparse_coo_tensor([[0, 0, 1], [1, 1, 2]], [1.0, 2.0, 3.0], (2, 3))


# -- by hand ----------------------------------------------------------------------------------------------------------


def test_coordinates_and_values_stand_for_a_matrix() -> None:
    assert coo().to_dense().tolist() == [[0, 0, 3], [4, 0, 5]]
    assert (coo().shape, coo().layout, coo().is_sparse, coo()._nnz()) == ((2, 3), torch.sparse_coo, True, 3)


def test_values_that_share_a_place_are_added_up() -> None:
    whole = repeated().coalesce()

    assert whole.indices().tolist() == [[0, 1], [1, 2]]
    assert whole.values().tolist() == [3, 3]
    assert repeated().to_dense().tolist() == whole.to_dense().tolist() == [[0, 3, 0], [0, 0, 3]]


def test_a_function_of_values_that_share_a_place_is_one_of_their_sum() -> None:
    assert (repeated() ** 2).to_dense().tolist() == [[0, 9, 0], [0, 0, 9]]


def test_compressed_rows_are_those_of_the_matrix() -> None:
    compressed = torch.tensor([[0, 7, 0], [0, 0, 0], [8, 0, 9]]).to_sparse_csr()

    assert compressed.crow_indices().tolist() == [0, 1, 1, 3]
    assert compressed.col_indices().tolist() == [1, 0, 2]
    assert compressed.values().tolist() == [7, 8, 9]


def test_a_sparse_matrix_multiplies_as_its_dense_one() -> None:
    for matrix in (coo(), coo().to_sparse_csr(), coo().t().to_sparse_csr().t()):
        assert (matrix @ torch.tensor([1.0, 10.0, 100.0])).tolist() == [300, 504]
        assert (torch.tensor([[1.0, 10.0]]) @ matrix).tolist() == [[40, 0, 53]]


def test_the_gradient_has_the_places_of_the_sparse_matrix() -> None:
    matrix, vector = repeated().requires_grad_(), torch.tensor([[1.0], [10.0], [100.0]], requires_grad=True)

    torch.sparse.mm(matrix, vector).sum().backward()

    assert matrix.grad.layout is torch.sparse_coo
    assert matrix.grad.to_dense().tolist() == [[0, 10, 0], [0, 0, 100]]
    assert vector.grad.tolist() == [[0], [3], [3]]


def test_each_value_has_its_gradient_though_it_shares_a_place() -> None:
    values = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)

    torch.sparse_coo_tensor([[0, 0, 1], [1, 1, 2]], values, (2, 3)).to_dense().pow(2).sum().backward()

    assert values.grad.tolist() == [6, 6, 6]


def test_dense_and_sparse_gradients_of_one_tensor_are_added() -> None:
    matrix = coo().requires_grad_()

    matrix.to_dense().sum().backward()
    (matrix @ torch.ones(3, 1)).sum().backward()
    matrix.to_dense().sum().backward()

    assert matrix.grad.tolist() == [[1, 1, 3], [3, 1, 3]]


def test_parts_share_memory_with_what_they_were_given() -> None:
    values = torch.tensor([3.0, 4.0, 5.0])
    matrix = torch.sparse_coo_tensor(PLACES, values, (2, 3))

    values[0] = 9
    matrix._values()[1] = 8

    assert matrix.to_dense().tolist() == [[0, 0, 9], [8, 0, 5]]
    assert values.tolist() == [9, 8, 5]


def test_a_copy_shares_nothing() -> None:
    matrix = coo()
    copies = [matrix.clone(), copy.deepcopy(matrix)]

    matrix.mul_(2)

    assert matrix.to_dense().tolist() == [[0, 0, 6], [8, 0, 10]]
    assert [each.to_dense().tolist() for each in copies] == [[[0, 0, 3], [4, 0, 5]]] * 2


def test_a_write_to_a_saved_sparse_tensor_is_noticed() -> None:
    matrix, vector = coo(), torch.ones(3, 1, requires_grad=True)
    product = torch.sparse.mm(matrix, vector).sum()
    matrix.mul_(2)

    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        product.backward()


def test_invariants_are_checked_where_that_is_asked_for() -> None:
    wrong = [[5]], [1.0], (2,)

    assert torch.sparse_coo_tensor(*wrong)._nnz() == 1
    with torch.sparse.check_sparse_tensor_invariants(), pytest.raises(RuntimeError) as caught:
        torch.sparse_coo_tensor(*wrong)
    assert str(caught.value) == "size is inconsistent with indices: for dim 0, size is 2 but found index 5"
    assert not torch.sparse.check_sparse_tensor_invariants.is_enabled()


def test_the_check_of_invariants_decorates_and_stays_on() -> None:
    check = torch.sparse.check_sparse_tensor_invariants

    @check()
    def inside() -> bool:
        return bool(check.is_enabled())

    assert inside() and not check.is_enabled()
    check.enable()
    assert check.is_enabled()
    check.disable()
    assert not check.is_enabled()


def test_an_op_without_a_kernel_for_the_layout_says_so() -> None:
    with pytest.raises(NotImplementedError) as caught:
        torch.exp(coo())

    assert str(caught.value) == "Could not run 'aten::exp' with arguments from the 'SparseCPU' backend."


def test_an_op_has_one_kernel_for_a_layout() -> None:
    with pytest.raises(TypeError) as caught:
        pointwise.add.on(torch.sparse_coo)(lambda input, other, *, alpha: input)

    assert str(caught.value) == "add: two kernels for one layout"


def test_dense_and_sparse_tensors_are_not_written_into_each_other() -> None:
    for target, source in ((torch.ones(2, 3), coo()), (coo(), torch.ones(2, 3))):
        with pytest.raises(
            RuntimeError, match=re.escape("copy_() between dense and sparse Tensors is not implemented")
        ):
            target.copy_(source)


def test_batches_of_compressed_matrices_are_not_in_the_reference() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.ones(2, 2, 2).to_sparse_csr()
    assert str(caught.value) == "to_sparse_csr: the reference compresses single matrices only, not 3 dimensions"

    with pytest.raises(RuntimeError) as caught:
        torch.sparse_csr_tensor([[0, 1]], [[0]], [[1.0]])
    assert str(caught.value) == "crow_indices of a batch of matrices: the reference compresses single matrices only"


def test_layouts_are_pickled_by_name() -> None:
    for each in (torch.strided, torch.sparse_coo, torch.sparse_csr, torch._mkldnn):
        assert copy.deepcopy(each) is each
        assert isinstance(each, torch.layout)


def test_onednns_layout_keeps_the_elements_and_little_else() -> None:
    packed = torch.tensor([[1.0, -2.0]]).to_mkldnn()

    assert (packed.layout, packed.is_mkldnn, packed.is_sparse) == (torch._mkldnn, True, False)
    assert torch.relu(packed + packed).to_dense().tolist() == [[2, 0]]
    with pytest.raises(RuntimeError, match="unsupported tensor layout: Mkldnn"):
        packed.exp()


def test_saved_sparse_tensors_are_read_by_pytorch_and_back(tmp_path: Path) -> None:
    theirs = pytest.importorskip("torch")
    saved = {"coo": repeated(), "csr": coo().to_sparse_csr(), "parameter": torch.nn.Parameter(coo().coalesce())}
    torch.save(saved, tmp_path / "ours")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        read = theirs.load(tmp_path / "ours")
        theirs.save(read, tmp_path / "theirs")

    again = torch.load(tmp_path / "theirs")

    assert {name: repr(each) for name, each in read.items()} == {name: repr(each) for name, each in saved.items()}
    assert {name: repr(each) for name, each in again.items()} == {name: repr(each) for name, each in saved.items()}


def test_a_table_has_a_sparse_gradient_if_so_wanted() -> None:
    table = torch.nn.Embedding(4, 2, padding_idx=1, sparse=True)
    before = table.weight.detach().clone()

    table(torch.tensor([[2, 1], [2, 0]])).sum().backward()
    torch.optim.SGD(table.parameters(), lr=1.0).step()

    assert table.weight.grad._indices().tolist() == [[2, 2, 0]]
    assert (before - table.weight).detach().round().tolist() == [[1, 1], [0, 0], [2, 2], [0, 0]]


def test_a_table_with_sparse_gradients_does_not_scale_them_by_frequency() -> None:
    table = torch.nn.Embedding(2, 2, scale_grad_by_freq=True, sparse=True)

    with pytest.raises(RuntimeError) as caught:
        table(torch.tensor([0])).sum().backward()

    assert str(caught.value) == "embedding_backward: scale_grad_by_freq not supported with sparse gradients"


def test_adam_refuses_sparse_gradients() -> None:
    table = torch.nn.Embedding(2, 2, sparse=True)
    table(torch.tensor([0])).sum().backward()

    with pytest.raises(RuntimeError) as caught:
        torch.optim.Adam(table.parameters()).step()

    assert str(caught.value) == "Adam does not support sparse gradients, please consider SparseAdam instead"


def test_there_is_no_apple_device() -> None:
    assert (torch.backends.mps.is_available(), torch.backends.mps.is_built()) == (False, False)


# -- call by call -----------------------------------------------------------------------------------------------------


MAKERS = ("tensor", "zeros", "ones", "arange", "eye", "sparse_coo_tensor", "sparse_csr_tensor")


def answer(library: Any, call: str) -> Any:
    """Make a call; return the result, or what it raises in words."""

    def G(function: Any, *inputs: Any) -> Any:
        """Return the result of a function, and the gradients of its sum."""
        result = function(*inputs)
        result.to_dense().sum().backward()
        return result, *(each.grad for each in inputs)

    def S(requires_grad: bool = True) -> Any:
        return library.sparse_coo_tensor(PLACES, [3.0, 4.0, 5.0], (2, 3), requires_grad=requires_grad)

    def C(requires_grad: bool = True) -> Any:
        return D.to_sparse_csr().requires_grad_(requires_grad)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        D = library.tensor([[0.0, 0, 3], [4, 0, 5]])
        given = {
            "torch": library, "T": library.tensor, "i": PLACES, "v": [3.0, 4.0, 5.0], "G": G, "S": S, "C": C, "D": D,
            "e": library.arange(6.0).reshape(3, 2), "s": S(False), "c": C(False),
            "d": library.sparse_coo_tensor([[0, 0, 1], [1, 1, 2]], [1.0, 2.0, 3.0], (2, 3)),
            "u": library.sparse_coo_tensor([[1, 0, 1], [2, 1, 0]], [1.0, 2.0, 3.0], (2, 3)),
            "h": library.sparse_coo_tensor([[0, 1]], [[1.0, 2.0], [3.0, 4.0]]),
            "m": None if library.ones(1).is_cuda else library.ones(2, 2).to_mkldnn(),
        }  # fmt: skip
        try:
            return eval(call, given)
        except Exception as error:
            return f"{type(error).__name__}: {str(error)[:120].split(' backend.')[0]}"


@pytest.mark.parametrize("call", CALLS)
def test_a_call_shows_what_pytorch_shows(call: str) -> None:
    theirs = pytest.importorskip("torch")

    shown = [re.sub("0x[0-9a-f]+", "", repr(answer(library, call))) for library in (assay_reference, theirs)]

    assert shown[0] == shown[1]


@pytest.fixture
def on_cuda(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Yield the reference, with everything made on the stand-in."""
    monkeypatch.setenv("ASSAY_REFERENCE_CUDA", "stand-in")
    cuda_namespace.cache_clear()
    made = {name: functools.partial(getattr(assay_reference, name), device="cuda") for name in MAKERS}
    yield SimpleNamespace(**{**vars(assay_reference), **made})
    cuda_namespace.cache_clear()


def brought_home(result: Any) -> Any:
    """Write a result as if everything were on the CPU."""
    if isinstance(result, (tuple, list)):
        return [brought_home(each) for each in result]
    if isinstance(result, torch.Tensor):
        return repr(result.detach().cpu())
    return re.sub("0x[0-9a-f]+|, device='cuda:0'", "", str(result)).replace("CUDA", "CPU").replace("cuda.", "")


@pytest.mark.parametrize("call", ON_CUDA)
def test_a_call_makes_no_hidden_trip_to_the_cpu(call: str, on_cuda: Any) -> None:
    assert brought_home(answer(on_cuda, call)) == brought_home(answer(assay_reference, call))

from __future__ import annotations

import io
import pickle
from collections import OrderedDict
from typing import Any

import pytest

import assay_reference as reference


def through(writer: Any, reader: Any, obj: Any) -> Any:
    """Save with one library and load with another."""
    file = io.BytesIO()
    writer.save(obj, file)
    file.seek(0)
    return reader.load(file)


def test_containers_come_back_as_they_were() -> None:
    back = through(reference, reference, OrderedDict(a=[1, 2.5, "x", None], b=(reference.ones(2),)))

    assert back["a"] == [1, 2.5, "x", None]
    assert back["b"][0].tolist() == [1.0, 1.0]


def test_views_share_their_storage_after_loading() -> None:
    x = reference.arange(6.0)

    back = through(reference, reference, [x, x[::2]])
    back[0][2] = 9.0

    assert back[1].tolist() == [0.0, 9.0, 4.0]


def test_a_tensor_and_its_storage_share_memory_after_loading() -> None:
    x = reference.arange(3.0)

    tensor, storage = through(reference, reference, [x, x.untyped_storage()])
    storage[4:8] = 0

    assert tensor.tolist() == [0.0, 0.0, 2.0]
    assert tensor.untyped_storage() is storage.untyped()


@pytest.mark.filterwarnings("ignore:TypedStorage is deprecated")
def test_torch_reads_the_storages_that_the_reference_writes_and_the_reverse() -> None:
    torch = pytest.importorskip("torch")

    for writer, reader in ((reference, torch), (torch, reference)):
        typed, untyped = through(writer, reader, [writer.LongStorage([1, -2]), writer.UntypedStorage([3, 4])])
        assert (typed.tolist(), typed.dtype) == ([1, -2], reader.int64)
        assert (untyped.tolist(), untyped.dtype) == ([3, 4], reader.uint8)


def test_a_transposed_tensor_keeps_its_elements_through_two_files() -> None:
    x = reference.arange(6.0).view(2, 3).t()

    once = through(reference, reference, x)
    twice = through(reference, reference, once)

    assert twice.tolist() == [[0.0, 3.0], [1.0, 4.0], [2.0, 5.0]]


def test_what_is_no_tensor_or_container_is_refused() -> None:
    with pytest.raises(pickle.UnpicklingError, match="Weights only load failed"):
        through(reference, reference, pytest.approx)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int64", "float16", "bfloat16", "float32", "float64", "complex64"])
def test_torch_reads_what_the_reference_writes_and_the_reverse(dtype: str) -> None:
    torch = pytest.importorskip("torch")
    ours = reference.tensor([1, 0, 1]).to(getattr(reference, dtype))
    theirs = torch.tensor([1, 0, 1]).to(getattr(torch, dtype))

    assert torch.equal(through(reference, torch, {"x": ours})["x"], theirs)
    assert through(torch, reference, {"x": theirs})["x"].equal(ours)


def test_a_state_dict_goes_both_ways() -> None:
    torch = pytest.importorskip("torch")
    ours, theirs = reference.nn.Linear(3, 2), torch.nn.Linear(3, 2)

    theirs.load_state_dict(through(reference, torch, ours.state_dict()))
    assert theirs.weight.tolist() == ours.weight.tolist()

    other = reference.nn.Linear(3, 2)
    other.load_state_dict(through(torch, reference, theirs.state_dict()))
    assert other.bias.tolist() == ours.bias.tolist()


def test_parameters_and_strides_reach_torch() -> None:
    torch = pytest.importorskip("torch")
    parameter = reference.nn.Parameter(reference.arange(6.0).view(2, 3))

    back = through(reference, torch, [parameter, parameter.detach().t()])

    assert isinstance(back[0], torch.nn.Parameter)
    assert back[1].stride() == (1, 3)
    assert back[0].data_ptr() == back[1].data_ptr()

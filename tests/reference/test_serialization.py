"""torch.save and torch.load: what comes back, in PyTorch's formats of today and of old; and what is raised where."""

from __future__ import annotations

import io
import os
import pickle
import re
import struct
import tracemalloc
import zipfile
from collections import Counter, OrderedDict
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import assay_reference as reference

UNSAFE = (
    "In PyTorch 2.6, we changed the default value of the `weights_only` argument in `torch.load` from `False` to "
    "`True`. Re-running `torch.load` with `weights_only` set to `False` will likely succeed, but it can result in "
    "arbitrary code execution. Do it only if you got the file from a trusted source."
)
AGAIN = "The file is damaged, or torch.save did not write it: copy it again, or save it again."
pytestmark = pytest.mark.filterwarnings("ignore:Sparse")  # tensors are in beta, and are not checked, PyTorch says once
NOT_SEEKABLE = (
    "You can only torch.load from a file that is seekable. Please pre-load the data into a buffer like io.BytesIO and "
    "try to load from it instead."
)


def through(writer: Any, reader: Any, obj: Any, **options: Any) -> Any:
    """Save with one library and load with another."""
    return reader.load(io.BytesIO(saved(writer, obj)), **options)


def saved(writer: Any, obj: Any, **options: Any) -> bytes:
    """Return the file that a library makes of something."""
    file = io.BytesIO()
    writer.save(obj, file, **options)
    return file.getvalue()


def rewritten(file: bytes, **records: bytes) -> bytes:
    """Return an archive with other records; a name has an underscore where the record's has a dot."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(file)) as read, zipfile.ZipFile(made, "w") as written:
        contents = {each: read.read(each) for each in read.namelist()}
        for each, content in records.items():
            contents[f"archive/{each.replace('_', '.')}"] = content
        for each, content in contents.items():
            written.writestr(each, content)
    return made.getvalue()


def test_containers_come_back_as_they_were() -> None:
    back = through(reference, reference, OrderedDict(a=[1, 2.5, "x", None], b=(reference.ones(2),)))

    assert back["a"] == [1, 2.5, "x", None]
    assert back["b"][0].tolist() == [1.0, 1.0]


def test_views_share_their_storage_after_loading() -> None:
    x = reference.arange(6.0)

    back = through(reference, reference, [x, x[::2]])
    back[0][2] = 9.0

    assert back[1].tolist() == [0.0, 9.0, 4.0]


@pytest.mark.filterwarnings("ignore:TypedStorage is deprecated")
def test_a_tensor_and_its_storage_share_memory_after_loading() -> None:
    x = reference.arange(3.0)

    tensor, storage = through(reference, reference, [x, x.storage()])
    storage[1] = 0

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
    with pytest.raises(pickle.UnpicklingError) as caught:
        through(reference, reference, timedelta(1))

    assert str(caught.value) == (
        "<BytesIO>: Weights only load failed. This file can still be loaded, to do so you have two options, do those "
        f"steps only if you trust the source of the checkpoint. \n\t(1) {UNSAFE}\n\t(2) Alternatively, to load with "
        "`weights_only=True` please check the recommended steps in the following error message.\n\tWeightsUnpickler "
        "error: Unsupported global: GLOBAL datetime.timedelta was not an allowed global by default. Please use "
        "`torch.serialization.add_safe_globals([datetime.timedelta])` or the "
        "`torch.serialization.safe_globals([datetime.timedelta])` context manager to allowlist this global if you "
        "trust this class/function."
    )


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


# -- what PyTorch saves -----------------------------------------------------------------------------------------------


def with_attribute(tensor: Any) -> Any:
    tensor.note = "kept"
    return tensor


def things(torch: Any) -> dict[str, Any]:
    """Return what PyTorch saves, of each kind something."""
    dtypes = (
        torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.float16, torch.bfloat16,
        torch.float32, torch.float64, torch.complex64, torch.complex128,
    )  # fmt: skip
    x, z = torch.arange(24.0).view(2, 3, 4), torch.tensor([1 + 2j, 3 - 1j])
    return {
        "dtypes": [torch.tensor([[1, 0], [1, 1]]).to(each) for each in dtypes],
        "scalars": [torch.tensor(1).to(each) for each in dtypes],
        "views": [x, x[0], x[:, 1], x.transpose(0, 2), x[..., ::2], x.flatten()[5:], x[:0], x[2:]],
        "expanded views": [torch.ones(1).expand(1000), torch.ones(3).expand(2, 3)],
        "empty tensors": [torch.empty(0), torch.empty(2, 0, dtype=torch.int64)],
        "conjugates": [z, z.conj(), z.conj()[1:], z[None].conj().expand(3, 2), torch.nn.Parameter(z.conj())],
        "negatives": [z.clone().conj().imag],
        "gradients": [torch.ones(2, requires_grad=True), torch.nn.Parameter(torch.ones(2))],
        "no gradients": [torch.nn.Parameter(torch.ones(2), requires_grad=False)],
        "attributes": [with_attribute(torch.ones(2)), with_attribute(torch.nn.Parameter(torch.ones(2)))],
        "state": torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4)).state_dict(),
        "coordinates": [torch.eye(3).to_sparse(), torch.sparse_coo_tensor([[0, 0], [1, 1]], [1.0, 2.0], (2, 3))],
        "hybrid coordinates": [torch.ones(2, 3, 4).to_sparse(1), torch.nn.Parameter(torch.eye(2).to_sparse())],
        "compressed": [torch.eye(3).to_sparse_csr(), torch.eye(3).to_sparse_csc()],
        "types": [torch.float32, torch.complex64, torch.strided, torch.sparse_coo, torch.sparse_csr],
        "devices": [torch.device("cpu"), torch.device("cuda", 1)],
        "sizes": [torch.Size([1, 2]), torch.Size([])],
        "numbers": [0, -1, 255, 256, 70000, -70000, 2**31, 2**70, -(2**70), 1.5, float("inf"), 1j, True, False, None],
        "text": ["", "plain", "\u20ac \U0001f600"],
        "bytes": [b"ab\xff", bytearray(b"xy\xff"), bytearray()],
        "containers": [(), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), [], {}, {1, 2}, set(), Counter("abca")],
        "keys": {(1, "a"): 1, 1.5: 2, None: 3, b"k": 4, -1: 5},
        "ordered": OrderedDict(b=[1, 2.5], a=OrderedDict()),
    }


def described(torch: Any, obj: Any) -> Any:
    """Return what can be said of something in either library."""
    if isinstance(obj, torch.Tensor):
        strided = obj.layout is torch.strided
        elements = obj.detach().resolve_conj().resolve_neg()
        where = [obj.stride(), obj.untyped_storage().nbytes(), repr(elements.tolist())] if strided else repr(elements)
        return [
            type(obj).__name__,
            str(obj.dtype),
            tuple(obj.shape),
            obj.requires_grad,
            getattr(obj, "note", None),
            where,
        ]
    if isinstance(obj, dict):
        attributes = getattr(obj, "_metadata", None)
        return [type(obj).__name__, [(key, described(torch, value)) for key, value in obj.items()], attributes]
    if type(obj) in (list, tuple):
        return [type(obj).__name__, *(described(torch, each) for each in obj)]
    return [type(obj).__name__, repr(obj)]


@pytest.mark.parametrize("kind", sorted(things(reference).keys() - {"attributes"}))
def test_what_the_reference_saves_is_read_by_pytorch(kind: str) -> None:
    torch = pytest.importorskip("torch")
    ours = things(reference)[kind]

    theirs = through(reference, torch, ours)

    assert described(torch, theirs) == described(reference, ours)


@pytest.mark.parametrize("weights_only", [True, False])
@pytest.mark.parametrize("archive", [True, False])
@pytest.mark.parametrize("kind", things(reference))
def test_what_pytorch_saves_is_read_as_pytorch_reads_it(kind: str, archive: bool, weights_only: bool) -> None:
    torch = pytest.importorskip("torch")
    file = saved(torch, things(torch)[kind], _use_new_zipfile_serialization=archive)
    theirs = described(torch, torch.load(io.BytesIO(file), weights_only=weights_only))

    ours = reference.load(io.BytesIO(file), weights_only=weights_only)

    assert described(reference, ours) == theirs


def test_conjugates_that_share_memory_do_so_after_loading() -> None:
    torch = pytest.importorskip("torch")
    z = torch.tensor([1 + 2j, 3 - 1j]).conj()

    whole, part = through(torch, reference, [z, z[1:]])
    whole[1] = 5

    assert whole.tolist() == [1 - 2j, 5]
    assert part.tolist() == [5]


@pytest.mark.parametrize("archive", [True, False])
def test_sparse_tensors_are_checked_where_that_is_asked_for(archive: bool) -> None:
    torch = pytest.importorskip("torch")
    wrong = torch.sparse_coo_tensor([[5]], [1.0], (2,), check_invariants=False)
    file = saved(torch, wrong, _use_new_zipfile_serialization=archive)

    assert reference.load(io.BytesIO(file))._nnz() == 1
    with reference.sparse.check_sparse_tensor_invariants(), pytest.raises(RuntimeError) as caught:
        reference.load(io.BytesIO(file))

    where = "In the record 'data.pkl': " if archive else ""
    assert str(caught.value) == (
        f"<BytesIO>: {where}size is inconsistent with indices: for dim 0, size is 2 but found index 5. {AGAIN}"
    )


def test_numbers_whose_bytes_are_in_the_other_order_are_read_as_pytorch_reads_them() -> None:
    torch = pytest.importorskip("torch")
    numbers = [
        torch.tensor([1, 2, 3]),
        torch.tensor([1.5 - 2j]),
        torch.tensor([True]),
        torch.ones(2, dtype=torch.bfloat16),
    ]
    file = rewritten(saved(torch, numbers), byteorder=b"big")

    theirs = torch.load(io.BytesIO(file))

    assert described(reference, reference.load(io.BytesIO(file))) == described(torch, theirs)


def test_an_archive_whose_checksums_pytorch_did_not_compute_is_read() -> None:
    torch = pytest.importorskip("torch")
    torch.serialization.set_crc32_options(False)
    try:
        file = saved(torch, torch.tensor([1, 2]))
    finally:
        torch.serialization.set_crc32_options(True)

    assert reference.load(io.BytesIO(file)).tolist() == [1, 2]


def test_an_archive_whose_storages_pytorch_left_out_is_read(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    with torch.serialization.skip_data():
        torch.save(torch.ones(2), tmp_path / "empty.pt")

    assert reference.load(tmp_path / "empty.pt").tolist() == [0, 0]


def test_an_archive_that_was_packed_anew_is_read() -> None:
    made = io.BytesIO()
    saved_file = io.BytesIO(saved(reference, {"x": reference.arange(3)}))
    with zipfile.ZipFile(saved_file) as read, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as written:
        for each in read.namelist():
            written.writestr(each, read.read(each))
    made.seek(0)

    assert reference.load(made)["x"].tolist() == [0, 1, 2]


def test_files_of_old_that_follow_each_other_are_read_one_by_one() -> None:
    torch = pytest.importorskip("torch")
    file = io.BytesIO(
        b"".join(saved(torch, torch.tensor(each), _use_new_zipfile_serialization=False) for each in (1, 2))
    )

    assert [reference.load(file).item(), reference.load(file).item()] == [1, 2]


# -- where it goes ----------------------------------------------------------------------------------------------------


def bytes_of(number: int) -> Any:
    return reference.tensor([number], dtype=reference.uint8)


def test_storages_go_where_a_function_puts_them() -> None:
    asked = []

    def place(storage: Any, location: str) -> Any:
        asked.append((storage.tolist(), location))
        return storage.clone() if len(asked) == 1 else None

    first, second = through(reference, reference, [bytes_of(1), bytes_of(2)], map_location=place)

    assert asked == [([1], "cpu"), ([2], "cpu")]
    assert (first.tolist(), second.tolist()) == ([1], [2])


@pytest.mark.parametrize("map_location", [{"cuda:7": "cpu"}, "cpu", reference.device("cpu")])
def test_storages_of_a_device_that_is_not_here_go_to_another(map_location: Any) -> None:
    file = elsewhere("cuda:7")

    assert reference.load(io.BytesIO(file), map_location=map_location).tolist() == [1]


@pytest.mark.skipif(reference.cuda.is_available(), reason="there is a CUDA device")
def test_a_device_that_is_not_here_is_missed() -> None:
    with pytest.raises(RuntimeError) as caught:
        reference.load(io.BytesIO(elsewhere("cuda:7")))

    assert str(caught.value) == (
        "<BytesIO>: Attempting to deserialize object on a CUDA device but torch.cuda.is_available() is False. If you "
        "are running on a CPU-only machine, please use torch.load with map_location=torch.device('cpu') to map your "
        "storages to the CPU."
    )


def test_a_device_of_a_kind_that_is_not_known_is_missed() -> None:
    with pytest.raises(RuntimeError) as caught:
        reference.load(io.BytesIO(elsewhere("xpu")))

    assert str(caught.value) == (
        "<BytesIO>: don't know how to restore data location of torch.storage.UntypedStorage (tagged with xpu): PyTorch "
        "is not linked with support for xpu devices. Use torch.load with map_location='cpu'."
    )


def elsewhere(location: str) -> bytes:
    """Return the file of a tensor that was on another device."""
    file = saved(reference, reference.tensor([1]))
    with zipfile.ZipFile(io.BytesIO(file)) as read:
        said = read.read("archive/data.pkl")
    return rewritten(
        file, data_pkl=said.replace(b"X\3\0\0\0cpu", struct.pack("<cI", b"X", len(location)) + location.encode())
    )


# -- what is no file of weights ---------------------------------------------------------------------------------------


def test_a_layout_that_the_reference_lacks_is_missed() -> None:
    torch = pytest.importorskip("torch")
    file = saved(torch, torch.eye(4).to_sparse_bsr((2, 2)))

    with pytest.raises(NotImplementedError) as caught:
        reference.load(io.BytesIO(file))

    assert str(caught.value) == "<BytesIO>: the reference has no layout torch.sparse_bsr"


def test_a_tensor_of_more_dimensions_than_arrays_have_is_missed() -> None:
    torch = pytest.importorskip("torch")

    with pytest.raises(NotImplementedError) as caught:
        through(torch, reference, torch.ones([1] * 65))

    assert str(caught.value) == "<BytesIO>: A tensor of the reference has at most 64 dimensions, and not 65."


def test_a_program_in_torchscript_is_refused_in_pytorchs_words() -> None:
    torch = pytest.importorskip("torch")
    file = rewritten(saved(reference, 1), constants_pkl=b"")

    with pytest.raises(RuntimeError) as caught:
        reference.load(io.BytesIO(file))
    with pytest.raises(RuntimeError) as theirs, pytest.warns(UserWarning, match="looks like a TorchScript archive"):
        torch.load(io.BytesIO(file))

    assert str(caught.value) == f"<BytesIO>: {theirs.value}"


def test_a_program_in_torchscript_is_not_read_if_it_is_trusted() -> None:
    with pytest.raises(RuntimeError) as caught:
        trusted(rewritten(saved(reference, 1), constants_pkl=b""))

    assert str(caught.value) == (
        "<BytesIO>: It is a program in TorchScript, which the reference does not read: save a state_dict."
    )


def test_an_order_of_bytes_that_there_is_not_is_refused() -> None:
    with pytest.raises(ValueError) as caught:
        reference.load(io.BytesIO(rewritten(saved(reference, 1), byteorder=b"middle")))

    assert str(caught.value) == "<BytesIO>: Unknown endianness type: middle"


# -- what is no file --------------------------------------------------------------------------------------------------


def test_a_path_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        reference.load(tmp_path / "missing.pt")

    assert str(caught.value) == f"[Errno 2] No such file or directory: '{tmp_path}/missing.pt'"


def test_a_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError) as caught:
        reference.load(tmp_path)

    assert str(caught.value) == f"[Errno 21] Is a directory: '{tmp_path}'"


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(io.UnsupportedOperation) as caught:
        reference.load(tmp_path / "pipe")

    assert str(caught.value) == f"{tmp_path}/pipe: it is a pipe. {NOT_SEEKABLE}"


def test_a_device_without_an_end_is_empty() -> None:
    with pytest.raises(EOFError) as caught:
        reference.load("/dev/zero")

    assert str(caught.value) == f"/dev/zero: It is empty. {AGAIN}"


def test_a_file_that_is_open_as_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.pt").write_text("weights")

    with open(tmp_path / "text.pt") as file, pytest.raises(TypeError) as caught:
        reference.load(file)

    assert str(caught.value) == f"{tmp_path}/text.pt: It is open as text: open it with mode 'rb'."


def test_what_is_no_file_is_refused() -> None:
    with pytest.raises(AttributeError) as caught:
        reference.load(3)

    assert str(caught.value) == f"<int>: 'int' object has no attribute 'seek'. {NOT_SEEKABLE}"


def test_what_is_wrong_with_an_open_file_is_said_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "text.pt").write_text("weights")

    with open(tmp_path / "text.pt", "rb") as file, pytest.raises(pickle.UnpicklingError) as caught:
        reference.load(file)

    assert str(caught.value) == (
        f"{tmp_path}/text.pt: Weights only load failed. It begins with b'weig', and is neither a zip archive nor a "
        f"pickle. {AGAIN}"
    )


# -- what is trusted --------------------------------------------------------------------------------------------------


def pickled(body: bytes) -> bytes:
    """Return the file of a pickle."""
    return rewritten(saved(reference, None), data_pkl=b"\x80\2" + body + b".")


def trusted(file: bytes, **options: Any) -> Any:
    return reference.load(io.BytesIO(file), weights_only=False, **options)


def test_a_trusted_file_is_run() -> None:
    assert trusted(pickled(b"cbuiltins\neval\nX\5\0\0\0" + b"1 + 1" + b"\x85R")) == 2
    assert trusted(saved(reference, timedelta(1))) == timedelta(1)


def test_names_in_a_trusted_file_are_the_references() -> None:
    assert trusted(pickled(b"ctorch.nn.modules.linear\nLinear\n")) is reference.nn.Linear
    assert trusted(pickled(b"ctorch\ntensor\nK\3\x85R")).item() == 3


@pytest.mark.parametrize(
    ("body", "kind", "why"),
    [
        (b"\xff", pickle.UnpicklingError, f"In the record 'data.pkl': invalid load key, b'\\xff'. {AGAIN}"),
        (
            b"X\xff\xff\xff\xff",
            EOFError,
            f"In the record 'data.pkl': Ran out of input: 4294967295 bytes are wanted, and 1 left. {AGAIN}",
        ),
        (b"cnowhere\nx\n", ModuleNotFoundError, "No module named 'nowhere'"),
        (b"ctorch.nowhere\nx\n", ModuleNotFoundError, "No module named 'assay_reference.nowhere'"),
        (b"\x85", IndexError, "list index out of range"),
        (b"K\1)R", TypeError, "'int' object is not callable"),
    ],
)
def test_an_error_of_a_trusted_file_names_it(body: bytes, kind: Any, why: str) -> None:
    with pytest.raises(kind) as caught:
        trusted(pickled(body))

    assert str(caught.value) == f"<BytesIO>: {why}"


def test_an_error_of_a_text_in_a_trusted_file_names_it() -> None:
    with pytest.raises(UnicodeDecodeError) as caught:
        trusted(pickled(b"X\1\0\0\0\xff"))

    assert str(caught.value) == (
        "'utf-8' codec can't decode byte 0xff in position 0: invalid start byte, in the record 'data.pkl' "
        "(in <BytesIO>)"
    )


def test_an_error_that_cannot_take_a_name_has_a_note() -> None:
    with pytest.raises(KeyError) as caught:
        trusted(pickled(b"coperator\ngetitem\n}X\1\0\0\0a\x86R"))

    assert str(caught.value) == "'a'"
    assert caught.value.__notes__ == ["It was raised when <BytesIO> was read."]


def test_a_damaged_number_in_a_trusted_file_takes_up_no_memory() -> None:
    tracemalloc.start()
    try:
        assert trusted(pickled(b"Nr" + struct.pack("<I", 2**32 - 2))) is None
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


def test_a_storage_in_a_trusted_file_is_no_larger_than_its_record() -> None:
    file = rewritten(saved(reference, reference.tensor([1])), **{"data/0": bytes(4)})

    with pytest.raises(RuntimeError) as caught:
        trusted(file)

    assert str(caught.value) == (
        "<BytesIO>: data/0: record size (4 bytes) does not match expected size (8 bytes = 1 elements * 8 "
        f"bytes/element) for dtype Long. {AGAIN}"
    )


def test_a_module_for_pickles_is_trusted() -> None:
    class Shouting(pickle.Unpickler):
        def load(self) -> Any:
            return super().load().upper()

    module = SimpleNamespace(Unpickler=Shouting)

    assert reference.load(io.BytesIO(saved(reference, "a")), pickle_module=module) == "A"
    with pytest.raises(RuntimeError) as caught:
        reference.load(io.BytesIO(saved(reference, "a")), pickle_module=module, weights_only=True)
    assert str(caught.value) == "Can not safely load weights when explicit pickle_module is specified"


def test_text_of_python_2_is_read_in_the_encoding_that_is_given() -> None:
    file = pickled(b"U\1\xe9")

    assert trusted(file, encoding="latin1") == "\xe9"
    assert trusted(file, encoding="bytes") == b"\xe9"
    with pytest.warns(UserWarning, match=re.escape("pickle_load_args only works if `weights_only=False`.")):
        assert reference.load(io.BytesIO(saved(reference, 1)), encoding="latin1") == 1


# -- what is damaged anyhow -------------------------------------------------------------------------------------------

DOCUMENTED = (pickle.UnpicklingError, EOFError, RuntimeError, NotImplementedError)
OPCODES = b"(.0NKMJGXU]})abceqrhjtsuQR\x80\x85\x86\x87\x88\x89\x8a\x8b\x8c\x93\x94\x95"
EDITS = st.lists(
    st.one_of(
        st.tuples(st.just("flip"), st.integers(0, 7)),
        st.tuples(st.just("put"), st.integers(0, 255)),
        st.tuples(st.just("insert"), st.sampled_from(OPCODES)),
        st.tuples(st.just("remove"), st.integers(1, 5)),
        st.tuples(st.just("repeat"), st.integers(1, 40)),
        st.tuples(st.just("cut"), st.just(0)),
    ).flatmap(lambda edit: st.tuples(st.just(edit), st.floats(0, 1, exclude_max=True))),
    min_size=1,
    max_size=8,
)


def damaged(content: bytes, edits: list[Any]) -> bytes:
    """Return bytes with some of them changed, each at a share of their length."""
    changed = bytearray(content)
    for (edit, value), where in edits:
        at = int(where * len(changed))
        match edit:
            case "flip" if changed:
                changed[at] ^= 1 << value
            case "put" if changed:
                changed[at] = value
            case "insert":
                changed.insert(at, value)
            case "remove":
                del changed[at : at + value]
            case "repeat":
                changed[at:at] = changed[at : at + value]
            case "cut":
                del changed[at:]
    return bytes(changed)


def everything() -> Any:
    """Return of each thing that a file may hold a little."""
    state = reference.nn.Linear(2, 1).state_dict()
    state._metadata = {"": {"version": 1}}
    return {
        "tensors": [reference.arange(6.0).view(2, 3).t(), reference.nn.Parameter(reference.ones(2))],
        "sparse": [reference.eye(2).to_sparse(), reference.eye(2).to_sparse_csr()],
        "state": state,
        "types": [reference.float32, reference.device("cpu"), reference.Size([1, 2]), reference.sparse_coo],
        "plain": [1, 2.5, None, True, 2**70, "\u20ac", b"ab", {1, 2}, 1j, (1, 2, 3, 4), {(1, "a"): 1}],
    }


def parts_of(file: bytes) -> tuple[bytes, dict[str, bytes]]:
    """Return the pickle of an archive, and its storages."""
    with zipfile.ZipFile(io.BytesIO(file)) as read:
        storages = {each: read.read(each) for each in read.namelist() if "/data/" in each}
        return read.read("archive/data.pkl"), {each.split("/")[-1]: content for each, content in storages.items()}


EVERYTHING = everything()
FLOATS = {**EVERYTHING, "sparse": None}
ARCHIVE = saved(reference, EVERYTHING)
PICKLE, _ = parts_of(ARCHIVE)
PICKLE_OF_OLD, STORAGES_OF_OLD = parts_of(saved(reference, FLOATS))


def of_old(body: bytes) -> bytes:
    """Return a file in the format that had no archive."""
    beginning = (0x1950A86A20F9469CFC6C, 1001, {})
    pickles = [*(pickle.dumps(each, 2) for each in beginning), body, pickle.dumps(list(STORAGES_OF_OLD), 2)]
    storages = (struct.pack("<q", len(each) // 4) + each for each in STORAGES_OF_OLD.values())
    return b"".join([*pickles, *storages])


def test_what_is_not_damaged_is_read() -> None:
    today, of_old_days = rewritten(ARCHIVE, data_pkl=damaged(PICKLE, [])), of_old(PICKLE_OF_OLD)

    assert described(reference, reference.load(io.BytesIO(today))) == described(reference, EVERYTHING)
    assert described(reference, reference.load(io.BytesIO(of_old_days))) == described(reference, FLOATS)


@pytest.mark.parametrize(
    "damage",
    [
        lambda edits: damaged(ARCHIVE, edits),
        lambda edits: rewritten(ARCHIVE, data_pkl=damaged(PICKLE, edits)),
        lambda edits: of_old(damaged(PICKLE_OF_OLD, edits)),
        lambda edits: damaged(of_old(PICKLE_OF_OLD), edits),
    ],
    ids=["archive", "pickle in an archive", "pickle of old", "file of old"],
)
@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@settings(max_examples=200, deadline=timedelta(seconds=5))
@given(edits=EDITS)
def test_damage_raises_what_is_documented_and_takes_up_little(damage: Any, edits: list[Any]) -> None:
    file = damage(edits)
    tracemalloc.start()
    try:
        reference.load(io.BytesIO(file))
    except DOCUMENTED as error:
        assert type(error) in DOCUMENTED
        assert str(error).startswith("<BytesIO>: ")
    except ValueError as error:
        assert str(error).startswith("<BytesIO>: Unknown endianness type: ")
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 2**20 + 108 * len(file)

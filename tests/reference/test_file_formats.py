"""Files of all ages, both ways between PyTorch and the reference: formats, names, and where memory comes from."""

from __future__ import annotations

import io
import os
import pickle
import struct
import tarfile
import zipfile
from collections import OrderedDict, defaultdict
from pathlib import Path
from typing import Any

import pytest

import assay_reference as reference

PROTOCOL = pytest.mark.filterwarnings("ignore:Detected pickle protocol")


def saved(writer: Any, obj: Any, **options: Any) -> io.BytesIO:
    """Return the file that a library makes of something."""
    file = io.BytesIO()
    writer.save(obj, file, **options)
    file.seek(0)
    return file


@pytest.fixture(params=["torch", "assay_reference"])
def library(request: pytest.FixtureRequest) -> Any:
    return pytest.importorskip(request.param)


@pytest.fixture(params=[False, True], ids=["from torch", "to torch"])
def ways(request: pytest.FixtureRequest) -> Any:
    """Who writes, and who reads."""
    return (pytest.importorskip("torch"), reference)[:: -1 if request.param else 1]


# -- formats and protocols --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("archive", [True, False])
@pytest.mark.parametrize("protocol", [1, 2, 3, 4, 5])
def test_every_protocol_is_read_if_it_is_trusted(ways: Any, protocol: int, archive: bool) -> None:
    writer, reader = ways
    x = writer.arange(6).view(2, 3)
    options = {"pickle_protocol": protocol, "_use_new_zipfile_serialization": archive}

    back = reader.load(saved(writer, {"x": x.t(), "row": x[1], "b": b"\xff"}, **options), weights_only=False)

    assert back["x"].tolist() == [[0, 3], [1, 4], [2, 5]]
    assert back["x"].stride() == (1, 3)
    assert back["row"].data_ptr() - back["x"].data_ptr() == 24
    assert back["b"] == b"\xff"


@PROTOCOL
@pytest.mark.parametrize("archive", [True, False])
def test_weights_are_read_of_protocol_3_and_not_of_5(ways: Any, archive: bool) -> None:
    writer, reader = ways
    files = [
        saved(writer, [writer.ones(2)], pickle_protocol=each, _use_new_zipfile_serialization=archive) for each in (3, 5)
    ]

    assert reader.load(files[0])[0].tolist() == [1, 1]
    with pytest.raises(pickle.UnpicklingError, match="Unsupported operand 149"):
        reader.load(files[1])


def test_another_protocol_is_warned_of(library: Any) -> None:
    with pytest.warns(UserWarning) as caught:
        library.load(saved(library, 1, pickle_protocol=3))

    assert [str(each.message) for each in caught] == [
        "Detected pickle protocol 3 in the checkpoint, which was not the default pickle protocol used by `torch.load` "
        "(2). The weights_only Unpickler might not support all instructions implemented by this protocol, please file "
        "an issue for adding support if you encounter this."
    ]


def test_storages_that_are_views_of_others_share_their_memory(library: Any) -> None:
    """Files before PyTorch 0.4 say of a storage that it is a view, by a key, an offset and a size."""
    torch = pytest.importorskip("torch")
    file = io.BytesIO()
    for each in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}):
        pickle.dump(each, file, 2)
    Naming(file, 2).dump([Rebuilt(torch, 4, None), Rebuilt(torch, 2, ("view", 1, 2))])
    pickle.dump(["root"], file, 2)
    file.write(struct.pack("<q4f", 4, 1, 2, 3, 4))
    file.seek(0)

    whole, part = library.load(file)
    whole[1] = 9

    assert part.tolist() == [9, 3]
    assert part.untyped_storage().nbytes() == 8


class Naming(pickle.Pickler):
    """Writes what an identity stands for by that identity."""

    def persistent_id(self, obj: Any) -> Any:
        return obj.identity if isinstance(obj, Named) else None


class Named:
    def __init__(self, identity: Any) -> None:
        self.identity = identity


class Rebuilt:
    """A row of numbers over a storage of four, or a view of it."""

    def __init__(self, torch: Any, count: int, view: Any) -> None:
        self.rebuild, self.count = torch._utils._rebuild_tensor, count
        self.storage = Named(("storage", torch.FloatStorage, "root", "cpu", 4, view))

    def __reduce__(self) -> Any:
        return self.rebuild, (self.storage, 0, (self.count,), (1,))


def test_text_of_python_2_in_a_file_of_old_is_read_as_bytes(library: Any) -> None:
    file = saved(library, {"x": library.ones(2)}, _use_new_zipfile_serialization=False).getvalue()
    old = file.replace(b"X\1\0\0\0x", b"U\1x").replace(b"X\3\0\0\0cpu", b"U\3cpu").replace(b"X\7\0\0\0", b"U\7")

    assert library.load(io.BytesIO(old), weights_only=False, encoding="bytes")[b"x"].tolist() == [1, 1]


# -- the tar archives of the beginning --------------------------------------------------------------------------------


def tar(torch: Any, **records: bytes) -> bytes:
    """Return what PyTorch 0.1 wrote of a matrix, of a row over a part of its storage, and of whole numbers."""
    names = io.BytesIO()
    Naming(names, 2).dump(OrderedDict(a=Named("21"), b=Named("22"), c=[Named("23")]))
    contents = {
        "storages": pickle.dumps(2, 2)
        + pickle.dumps((11, "cpu", torch.FloatStorage), 2)
        + struct.pack("<q4f", 4, 1, 2, 3, 4)
        + pickle.dumps((12, "cuda:0", torch.LongStorage), 2)
        + struct.pack("<3q", 2, 7, 8)
        + pickle.dumps([(13, 11, 1, 3)], 2),
        "tensors": pickle.dumps(3, 2)
        + pickle.dumps((21, 11, torch.FloatTensor), 2)
        + struct.pack("<2i5q", 2, 0, 2, 2, 1, 2, 0)
        + pickle.dumps((22, 13, torch.FloatTensor), 2)
        + struct.pack("<2i3q", 1, 0, 2, 1, 1)
        + pickle.dumps((23, 12, torch.LongTensor), 2)
        + struct.pack("<2i3q", 1, 0, 2, 1, 0),
        "pickle": names.getvalue(),
        **records,
    }
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:", format=tarfile.PAX_FORMAT) as archive:
        for name, content in contents.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return file.getvalue()


@pytest.fixture
def old(tmp_path: Path) -> Path:
    (tmp_path / "old.pt").write_bytes(tar(pytest.importorskip("torch")))
    return tmp_path / "old.pt"


def test_a_tar_archive_is_read(library: Any, old: Path) -> None:
    made = library.load(old, map_location={"cuda:0": "cpu"}, weights_only=False)
    made["a"][1, 1] = 9

    assert list(made) == ["a", "b", "c"]
    assert made["a"].tolist() == [[1, 3], [2, 9]]
    assert made["b"].tolist() == [3, 9]
    assert made["c"][0].tolist() == [7, 8]
    assert made["c"][0].dtype is library.int64


def test_a_tar_archive_is_refused_unless_it_is_trusted(old: Path) -> None:
    torch = pytest.importorskip("torch")

    with pytest.raises(RuntimeError) as theirs:
        torch.load(old)
    with pytest.raises(RuntimeError) as ours:
        reference.load(old)

    assert str(ours.value) == f"{old}: {theirs.value}"


@pytest.mark.parametrize(
    ("record", "content", "why"),
    [
        ("pickle", pickle.dumps(1, 2)[:-1], "Ran out of input: 1 bytes are wanted, and 0 left."),
        ("tensors", b"\x80\2K\1.\x80\2K\1K\2N\x87.", "Ran out of input: 8 bytes are wanted, and 0 left."),
    ],
)
def test_a_tar_archive_that_ends_early_says_in_which_record(record: str, content: bytes, why: str) -> None:
    file = tar(pytest.importorskip("torch"), **{record: content})

    with pytest.raises(EOFError) as caught:
        reference.load(io.BytesIO(file), map_location="cpu", weights_only=False)

    assert str(caught.value).startswith(f"<BytesIO>: In the record {record!r}: {why}")


def test_a_tar_archive_without_a_record_says_which() -> None:
    file = tar(pytest.importorskip("torch")).replace(b"tensors", b"another")

    with pytest.raises(RuntimeError, match=r"^<BytesIO>: It cannot be read as a tar archive"):
        reference.load(io.BytesIO(file), map_location="cpu", weights_only=False)


# -- whole modules and optimizers -------------------------------------------------------------------------------------

MODULES: dict[str, Any] = {
    "layers": lambda nn: nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.ReLU6(), nn.ZeroPad1d(1), nn.Dropout()),
    "convolution": lambda nn: nn.Conv1d(1, 2, 3, padding="same", dilation=2, padding_mode="circular"),
    "transposed": lambda nn: nn.ConvTranspose1d(1, 2, 3),
    "recurrent": lambda nn: nn.LSTM(4, 2, num_layers=2, bidirectional=True),
    "containers": lambda nn: nn.ModuleDict({"a": nn.ModuleList([nn.Tanh()]), "b": nn.Embedding(3, 2)}),
}


@pytest.mark.parametrize("archive", [True, False])
@pytest.mark.parametrize("kind", MODULES)
def test_whole_modules_go_both_ways(ways: Any, kind: str, archive: bool) -> None:
    writer, reader = ways
    module = MODULES[kind](writer.nn).eval()

    back = reader.load(saved(writer, module, _use_new_zipfile_serialization=archive), weights_only=False)

    assert isinstance(back, reader.nn.Module)
    assert repr(back) == repr(module)
    if kind != "containers":
        sizes = (2, 4) if kind == "layers" else (2, 1, 4)
        results = [each(lib.ones(sizes)) for each, lib in ((module, writer), (back, reader))]
        numbers = [(each[0] if isinstance(each, tuple) else each).detach().flatten().tolist() for each in results]
        assert numbers[0] == pytest.approx(numbers[1], abs=1e-5)


@pytest.mark.parametrize("kind", ["SGD", "Adam", "Adagrad", "RMSprop"])
def test_whole_optimizers_and_their_states_go_both_ways(ways: Any, kind: str) -> None:
    writer, reader = ways
    x = writer.ones(2, requires_grad=True)
    optimizer = getattr(writer.optim, kind)([x], lr=0.5)
    (x * x).sum().backward()
    optimizer.step()

    parameter, back = reader.load(saved(writer, [x, optimizer]), weights_only=False)
    state = reader.load(saved(writer, optimizer.state_dict()))
    (parameter * parameter).sum().backward()
    back.step()
    x.grad = None
    (x * x).sum().backward()
    optimizer.step()

    assert parameter.tolist() == pytest.approx(x.tolist(), rel=1e-5)
    assert state["param_groups"][0]["lr"] == 0.5


def test_what_is_written_of_the_reference_has_pytorchs_names() -> None:
    file = saved(reference, [reference.nn.Conv2d(1, 1, 1), reference.nn.functional.relu, reference.optim.Adam])

    assert b"assay" not in file.getvalue()
    assert reference.load(file, weights_only=False)[1:] == [reference.nn.functional.relu, reference.optim.Adam]


# -- what is marked as safe -------------------------------------------------------------------------------------------


class Point:
    def __init__(self, x: int) -> None:
        self.x = x


class Slotted:
    __slots__ = ("x",)


class OrderedList(list[Any]):
    pass


class Restored(Point):
    def __getstate__(self) -> Any:
        return [self.x]

    def __setstate__(self, state: Any) -> None:
        self.x = state[0] + 1


@pytest.mark.parametrize(("kind", "x"), [(Point, 1), (Slotted, 1), (Restored, 2)])
def test_objects_of_classes_that_are_marked_as_safe_are_read(library: Any, kind: Any, x: int) -> None:
    thing = kind.__new__(kind)
    thing.x = 1
    file = saved(library, thing)

    with library.serialization.safe_globals([kind]):
        assert library.load(file).x == x
    file.seek(0)
    with pytest.raises(pickle.UnpicklingError, match="Unsupported global"):
        library.load(file)


def point(x: int) -> Point:
    return Point(x)


class Made(Point):
    def __reduce__(self) -> Any:
        return point, (self.x,)


def test_functions_that_are_marked_as_safe_are_called(library: Any) -> None:
    file = saved(library, Made(3))

    with library.serialization.safe_globals([point]):
        assert library.load(file).x == 3


@pytest.mark.parametrize("kind", [defaultdict, OrderedList])
def test_containers_of_classes_that_are_marked_as_safe_are_not_filled(library: Any, kind: Any) -> None:
    file = saved(library, kind(None, a=1) if kind is defaultdict else kind([1]))

    with library.serialization.safe_globals([kind]), pytest.raises(pickle.UnpicklingError, match="Can only"):
        library.load(file)


def test_modules_that_pytorch_wrote_may_be_marked_as_safe() -> None:
    torch = pytest.importorskip("torch")
    file = saved(torch, torch.nn.Linear(2, 1))

    with reference.serialization.safe_globals([reference.nn.Linear, set]):
        assert repr(reference.load(file)) == "Linear(in_features=2, out_features=1, bias=True)"


def test_what_is_marked_as_safe_is_kept_until_it_is_cleared(library: Any) -> None:
    serialization = library.serialization
    before = serialization.get_safe_globals()
    try:
        serialization.add_safe_globals([Point, (Slotted, "elsewhere.Name")])
        assert set(serialization.get_safe_globals()) == {*before, Point, (Slotted, "elsewhere.Name")}
        serialization.clear_safe_globals()
        assert serialization.get_safe_globals() == []
    finally:
        serialization.add_safe_globals(before)


def test_the_shell_cannot_be_marked_as_safe(library: Any) -> None:
    file = io.BytesIO(saved(library, None).getvalue())
    body = b"\x80\2cposix\nsystem\nX\4\0\0\0true\x85R."
    changed = rewritten(file, body)

    with library.serialization.safe_globals([os.system]), pytest.raises(pickle.UnpicklingError) as caught:
        library.load(changed)

    assert "Trying to load unsupported GLOBAL posix.system whose module posix is blocked." in str(caught.value)


def test_what_a_file_would_have_to_be_trusted_with_is_listed(library: Any) -> None:
    file = saved(library, [Point(1), {1: frozenset()}, library.ones(1)])

    unsafe = library.serialization.get_unsafe_globals_in_checkpoint(file)

    assert sorted(unsafe) == ["builtins.frozenset", f"{Point.__module__}.Point"]


def test_only_archives_are_looked_through(library: Any) -> None:
    with pytest.raises(ValueError, match=r"Expected input to be a checkpoint returned by torch.save"):
        library.serialization.get_unsafe_globals_in_checkpoint(saved(library, 1, _use_new_zipfile_serialization=False))


def rewritten(file: io.BytesIO, body: bytes | None = None, without: str = "nothing") -> io.BytesIO:
    """Return an archive with another pickle, or without a record."""
    made = io.BytesIO()
    with zipfile.ZipFile(file) as read, zipfile.ZipFile(made, "w") as written:
        for each in read.namelist():
            if not each.endswith(without):
                written.writestr(each, body if body and each.endswith("data.pkl") else read.read(each))
    made.seek(0)
    return made


# -- where files and memory come from ---------------------------------------------------------------------------------


@pytest.mark.parametrize("of", [str, Path])
def test_mapped_memory_is_private(library: Any, tmp_path: Path, of: Any) -> None:
    path = of(tmp_path / "x.pt")
    library.save([library.arange(3.0), library.arange(4)[1:]], path)

    x, y = library.load(path, mmap=True)
    x.add_(1)

    assert (x.tolist(), y.tolist()) == ([1, 2, 3], [1, 2, 3])
    assert library.load(path)[0].tolist() == [0, 1, 2]


def test_what_pytorch_wrote_is_mapped_and_the_reverse(ways: Any, tmp_path: Path) -> None:
    writer, reader = ways
    writer.save({"x": writer.arange(3), "y": writer.ones(2, dtype=writer.bool)}, tmp_path / "x.pt")

    back = reader.load(tmp_path / "x.pt", mmap=True)

    assert (back["x"].tolist(), back["y"].tolist()) == ([0, 1, 2], [True, True])


def test_only_archives_at_a_path_are_mapped(library: Any, tmp_path: Path) -> None:
    library.save(1, tmp_path / "x.pt", _use_new_zipfile_serialization=False)

    with pytest.raises(ValueError, match=r"^f must be a file path in order to use the mmap argument$"):
        library.load(saved(library, 1), mmap=True)
    with pytest.raises(RuntimeError, match="mmap can only be used with files saved with"):
        library.load(str(tmp_path / "x.pt"), mmap=True)


def test_the_order_of_bytes_is_chosen_where_a_file_does_not_say_it(library: Any) -> None:
    file = rewritten(saved(library, library.tensor([1], dtype=library.int16)), without="byteorder")
    serialization = library.serialization
    orders = [None, *serialization.LoadEndianness]
    try:
        numbers = []
        for order in orders:
            serialization.set_default_load_endianness(order)
            assert serialization.get_default_load_endianness() is order
            file.seek(0)
            numbers.append(library.load(file).item())
    finally:
        serialization.set_default_load_endianness(None)

    assert numbers == [1, 1, 1, 256]
    with pytest.raises(TypeError, match=r"^Invalid argument type in function set_default_load_endianness$"):
        serialization.set_default_load_endianness("big")


def test_what_cannot_be_written_to_is_refused(library: Any, tmp_path: Path) -> None:
    with pytest.raises(AttributeError) as caught:
        library.save(1, 3)
    assert str(caught.value) == ("expected 'f' to be string, path, or a file-like object with a 'write' attribute")
    with pytest.raises(RuntimeError) as missing:
        library.save(1, tmp_path / "no" / "x.pt")
    assert str(missing.value) == f"Parent directory {tmp_path}/no does not exist."


@pytest.mark.parametrize("archive", [True, False])
@pytest.mark.parametrize(
    ("map_location", "kind"),
    [
        (3, TypeError),
        (b"cpu", TypeError),
        ({"cpu": b"cpu"}, TypeError),
        (lambda storage, location: 3, TypeError),
        (lambda storage, location: location, TypeError),
        ({"cpu": "moon"}, RuntimeError),
        ("moon", RuntimeError),
        ("cpu:0", RuntimeError),
    ],
)
def test_a_place_that_there_is_not_is_refused(library: Any, map_location: Any, kind: Any, archive: bool) -> None:
    file = saved(library, library.ones(2), _use_new_zipfile_serialization=archive)

    with pytest.raises(kind):
        library.load(file, map_location=map_location)


@pytest.mark.parametrize("archive", [True, False])
def test_memory_is_not_saved_as_numbers_of_two_types(library: Any, archive: bool) -> None:
    x = library.ones(2)

    with pytest.raises(RuntimeError) as caught:
        saved(library, [x, x.view(library.int32)], _use_new_zipfile_serialization=archive)

    assert str(caught.value) == "Cannot save multiple tensors or storages that view the same data as different types"


@pytest.mark.parametrize("dtype", ["uint16", "float8_e5m2"])
def test_an_element_type_that_the_reference_lacks_is_missed(dtype: str) -> None:
    torch = pytest.importorskip("torch")

    with pytest.raises(NotImplementedError) as caught:
        reference.load(saved(torch, torch.ones(2).to(getattr(torch, dtype))))

    assert str(caught.value) == "<BytesIO>: the reference has nothing that torch._utils._rebuild_tensor_v3 makes"

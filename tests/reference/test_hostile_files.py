"""Files that want to run code, to change what they do not own, or to take up memory; and files that were damaged.

Each is built here byte by byte, and read in a process of its own that has little memory.
"""

from __future__ import annotations

import io
import json
import pickle
import pickletools
import struct
import subprocess
import sys
import zipfile
from typing import Any

import pytest

import assay_reference as reference

AGAIN = "The file is damaged, or torch.save did not write it: copy it again, or save it again."
REFUSED = "Weights only load failed."
TRUST = (
    "In PyTorch 2.6, we changed the default value of the `weights_only` argument in `torch.load` from `False` to "
    "`True`. Re-running `torch.load` with `weights_only` set to `False` will likely succeed, but it can result in "
    "arbitrary code execution. Do it only if you got the file from a trusted source."
)
OPTIONS = (
    "This file can still be loaded, to do so you have two options, do those steps only if you trust the source of the "
    f"checkpoint. \n\t(1) {TRUST}\n\t(2) Alternatively, to load with `weights_only=True` please check the recommended "
    "steps in the following error message.\n\tWeightsUnpickler error: "
)
MARK = (
    "Unsupported global: GLOBAL {0} was not an allowed global by default. Please use "
    "`torch.serialization.add_safe_globals([{0}])` or the `torch.serialization.safe_globals([{0}])` context manager to "
    "allowlist this global if you trust this class/function."
)
ISSUE = "Please file an issue with the following so that we can make `weights_only=True` compatible with your use case:"
ADDRESS_SPACE = 4 * 2**30  # of the process that reads hostile files; some ask for more
FIXED = 2**20  # bytes that reading takes whatever the file
BYTES_PER_BYTE = 8 + 100  # of a file, for its records and for the objects of its pickle

# -- pickles, byte by byte --------------------------------------------------------------------------------------------


def text(content: str) -> bytes:
    return b"X" + struct.pack("<I", len(content.encode())) + content.encode()


def integer(value: int) -> bytes:
    return b"\x8a" + bytes([16]) + value.to_bytes(16, "little", signed=True)


def name(module: str, attribute: str) -> bytes:
    return f"c{module}\n{attribute}\n".encode()


def tuple_of(*items: bytes) -> bytes:
    return b"(" + b"".join(items) + b"t"


def call(function: bytes, *arguments: bytes) -> bytes:
    return function + tuple_of(*arguments) + b"R"


def dict_of(*items: bytes) -> bytes:
    return b"}(" + b"".join(items) + b"u"


def storage(count: int = 4, *, key: str = "0", kind: str = "Float", location: str = "cpu") -> bytes:
    """Name a storage; that of every file here has 16 bytes."""
    return tuple_of(text("storage"), name("torch", f"{kind}Storage"), text(key), text(location), integer(count)) + b"Q"


def extents(*values: int) -> bytes:
    return tuple_of(*map(integer, values))


REBUILD = name("torch._utils", "_rebuild_tensor_v2")
PARAMETER = name("torch._utils", "_rebuild_parameter")
ORDERED = name("collections", "OrderedDict")
NEW_ORDERED = ORDERED + b")R"


def tensor(memory: bytes = storage(), offset: int = 0, size: bytes = extents(4), stride: bytes = extents(1)) -> bytes:
    return call(REBUILD, memory, integer(offset), size, stride, b"\x89", NEW_ORDERED)


def sparse(layout: str, *parts: bytes) -> bytes:
    chosen = call(name("torch.serialization", "_get_layout"), text(layout))
    return call(name("torch._utils", "_rebuild_sparse_tensor"), chosen, tuple_of(*parts))


# -- files ------------------------------------------------------------------------------------------------------------


def archive(body: bytes, *, compression: int = zipfile.ZIP_STORED, **records: bytes) -> bytes:
    """Make the file of a pickle and its records, in whose names an underscore stands for a slash."""
    file = io.BytesIO()
    contents = {"data.pkl": body, "version": b"3\n", "data_0": bytes(16), **records}
    with zipfile.ZipFile(file, "w", compression) as written:
        for each, content in contents.items():
            written.writestr(f"archive/{each.replace('_', '/')}", content)
    return file.getvalue()


def said(body: bytes) -> bytes:
    """Make the file of what a pickle says."""
    return archive(b"\x80\x02" + body + b".")


def legacy(body: bytes, keys: Any = ("0",), contents: bytes = struct.pack("<q", 4) + bytes(16)) -> bytes:
    """Make a file in the format that had no archive."""
    beginning = [0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}]
    first, last = (b"".join(pickle.dumps(each, 2) for each in every) for every in (beginning, [list(keys)]))
    return first + b"\x80\x02" + body + b"." + last + contents


def lying(**fields: Any) -> bytes:
    """Make an archive whose directory says of its only record what is not so."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as written:
        written.writestr("archive/version", "3")
        for each, value in fields.items():
            setattr(written.filelist[0], each, value)
    return file.getvalue()


INDICES = tensor(storage(2, kind="Long"), 0, extents(1, 1), extents(1, 1))
VALUES = tensor(storage(2, kind="Long"), 0, extents(1), extents(1))
SHARED = tuple_of(storage(), integer(0), extents(4), extents(1), b"\x89", NEW_ORDERED)
MANY = 5_000

# -- what wants to run code, or to change what it does not own: the pickle, and why it is refused ---------------------


def unlisted(path: str) -> str:
    """Return what is said of a name that stands neither in the table nor among those that are marked as safe."""
    return OPTIONS + MARK.format(path)


INTRUDERS: dict[str, tuple[bytes, str]] = {
    "a call of the shell": (
        call(name("posix", "system"), text("touch here")),
        "Trying to load unsupported GLOBAL posix.system whose module posix is blocked.",
    ),
    "a call of eval": (
        call(name("builtins", "eval"), text("open('here', 'w')")),
        unlisted("eval"),
    ),
    "a call of eval under the name of Python 2": (
        call(name("__builtin__", "eval"), text("open('here', 'w')")),
        unlisted("eval"),
    ),
    "NumPy by way of a module's import": (
        name("torch", "np") + dict_of(text("__path__"), b"](" + text("here") + b"e") + b"b",
        unlisted("torch.np"),
    ),
    "Python's own names by way of a module": (
        name("torch", "__builtins__") + text("print") + b"Ns",
        unlisted("torch.__builtins__"),
    ),
    "a function of the reference": (
        call(name("torch", "set_default_dtype"), name("torch", "float64")),
        unlisted("torch.set_default_dtype"),
    ),
    "a name with a dot": (
        call(name("torch", "float32.__class__"), text("x")),
        unlisted("torch.float32.__class__"),
    ),
    "a module with a dot too many": (
        name("torch.storage.os", "system"),
        unlisted("torch.storage.os.system"),
    ),
    "a name that writes to the terminal": (
        name("torch", "\x1b[2J"),
        unlisted("torch.\\x1b[2J"),
    ),
    "a name as long as a book": (
        name("torch", "x" * MANY),
        OPTIONS + MARK.format(f"torch.{'x' * MANY}")[:500] + " [...] " + MARK.format("x" * MANY)[-500:],
    ),
    "a name on the stack (STACK_GLOBAL)": (text("posix") + text("system") + b"\x93", "Unsupported operand 147."),
    "a name of the registry (EXT1)": (b"\x82\x01", "Unsupported operand 130."),
    "an object of a class (NEWOBJ)": (
        name("torch", "Tensor") + b")\x81",
        "Trying to create new object for unrecognized class, of type type.",
    ),
    "an object of a class (NEWOBJ_EX)": (name("torch", "Tensor") + b")}\x92", "Unsupported operand 146."),
    "an object of a class (INST)": (b"(iposix\nsystem\n", "Unsupported operand 105."),
    "an object of a class (OBJ)": (b"(" + name("torch", "Tensor") + b"o", "Unsupported operand 111."),
    "a call of a value": (
        name("torch", "float32") + b")R",
        "Trying to call reduce for unrecognized function, of type dtype.",
    ),
    "a call of a class": (
        call(name("torch", "Tensor"), integer(2**40)),
        "Trying to call reduce for unrecognized function, of type type.",
    ),
    "a call of what the pickle made": (
        tensor() + b")R",
        "Trying to call reduce for unrecognized function, of type Tensor.",
    ),
    "attributes of an element type": (
        name("torch", "float32") + dict_of(text("itemsize"), integer(1)) + b"b",
        "Can only BUILD for OrderedDict, but got dtype.",
    ),
    "attributes of a class": (
        name("torch", "Tensor") + dict_of(text("sum"), b"N") + b"b",
        "Can only BUILD for OrderedDict, but got type.",
    ),
    "attributes of a function": (
        ORDERED + dict_of(text("__code__"), b"N") + b"b",
        "Can only BUILD for OrderedDict, but got function.",
    ),
    "attributes of a tensor": (
        tensor() + dict_of(text("_array"), b"N") + b"b",
        "Can only BUILD for OrderedDict, but got Tensor.",
    ),
    "attributes that are not named": (
        NEW_ORDERED + b"](" + text("a") + b"Neb",
        "Attributes are to be a dict, but got list.",
    ),
    "an attribute that makes NumPy read any memory": (
        NEW_ORDERED + dict_of(text("__array_interface__"), b"}") + b"b",
        "A file may not set the attribute __array_interface__.",
    ),
    "an attribute that stands before a method": (
        NEW_ORDERED + dict_of(text("items"), b"N") + b"b",
        "A file may not set the attribute items.",
    ),
    "an attribute whose name is a number": (
        NEW_ORDERED + dict_of(integer(1), b"N") + b"b",
        "A file may not set the attribute <class 'int'>.",
    ),
    "an attribute that a tensor has already": (
        call(
            name("torch._tensor", "_rebuild_from_type_v2"),
            REBUILD,
            name("torch", "Tensor"),
            SHARED,
            dict_of(text("_storage"), b"N"),
        ),
        "A file may not set the attribute _storage.",
    ),
    "items of a class": (
        name("torch", "Tensor") + text("sum") + b"Ns",
        "Can only SETITEM for dict, OrderedDict, Counter, but got type.",
    ),
    "items of a tensor": (
        tensor() + b"(" + integer(0) + integer(1) + b"u",
        "Can only SETITEMS for dict, OrderedDict, Counter, but got Tensor.",
    ),
    "an element for a tensor": (tensor() + b"Na", "Can only APPEND for list, but got Tensor."),
    "elements for a set": (
        call(name("builtins", "set"), b"]") + b"(Ne",
        "Can only APPENDS for list, but got set.",
    ),
    "elements for a set (ADDITEMS)": (call(name("builtins", "set"), b"]") + b"(N\x90", "Unsupported operand 144."),
    "a buffer of the reader's (NEXT_BUFFER)": (b"\x97", "Unsupported operand 151."),
}


@pytest.mark.parametrize("title", INTRUDERS)
def test_what_is_not_for_weights_to_say_is_refused(title: str, outcomes: dict[str, Any]) -> None:
    _, why = INTRUDERS[title]

    outcome = outcomes[title]

    said_of_it = why if why.startswith("This file") else f"{TRUST} {ISSUE} WeightsUnpickler error: {why}"
    assert outcome["raised"] == ["UnpicklingError", f"{outcome['path']}: {REFUSED} {said_of_it}"]


# -- what makes no sense, or asks for memory: the file, and what is raised --------------------------------------------

HUGE = 2**40


def mismatch(count: int, size: int = 4, kind: str = "Float") -> str:
    """Return what is said of a storage that would be of this many elements, where there are 16 bytes."""
    return (
        f"data/0: record size (16 bytes) does not match expected size ({count * size} bytes = {count} elements * "
        f"{size} bytes/element) for dtype {kind}."
    )


DAG = tuple_of(b")q\0" + b"h\0h\0\x86q\0" * 60)  # tuples, with 2**60 in the last

DAMAGED: dict[str, tuple[bytes, str, str]] = {
    # values
    "a text of four billion bytes": (
        said(b"X\xff\xff\xff\xffabc"),
        "EOFError",
        "Ran out of input: 4294967295 bytes are wanted, and 4 left.",
    ),
    "a number that ends too soon": (
        said(b"\x8a\xff\1"),
        "EOFError",
        "Ran out of input: 255 bytes are wanted, and 2 left.",
    ),
    "a text that is not UTF-8": (
        said(b"X\2\0\0\0\xff\xfe"),
        "UnpicklingError",
        "A text is not UTF-8: 'utf-8' codec can't decode byte 0xff in position 0: invalid start byte.",
    ),
    "a name that is not UTF-8": (
        said(b"c\xff\n\xfe\n"),
        "UnpicklingError",
        "A text is not UTF-8: 'utf-8' codec can't decode byte 0xff in position 0: invalid start byte.",
    ),
    "a name without an end": (archive(b"ctorch"), "EOFError", "Ran out of input: a line has no end."),
    "nothing": (archive(b""), "EOFError", "Ran out of input: 1 bytes are wanted, and 0 left."),
    "no end": (archive(b"\x80\x02N"), "EOFError", "Ran out of input: 1 bytes are wanted, and 0 left."),
    "a value that is not there": (said(b"\x85"), "UnpicklingError", "An opcode needs a value, and there is none."),
    "a mark that is not there": (said(b"t"), "UnpicklingError", "An opcode needs a mark, and there is none."),
    "a mark and nothing else": (said(b"(" * MANY), "UnpicklingError", "An opcode needs a value, and there is none."),
    "a number of the memo that is not there": (said(b"h\5"), "UnpicklingError", "Memo value not found at index 5."),
    # keys
    "a list as a key": (said(b"}]Ns"), "UnpicklingError", "list cannot be the type of a key."),
    "a list in a tuple as a key": (
        said(b"}" + tuple_of(b"](Ne") + b"Ns"),
        "UnpicklingError",
        "list cannot be the type of a key.",
    ),
    "a key without a value": (said(b"}(Nu"), "UnpicklingError", "The last of the keys for SETITEMS has no value."),
    "a key that is nested deeply": (
        said(b"})" + b"\x85" * MANY + b"Ns"),
        "UnpicklingError",
        "A key has more than 1000 parts.",
    ),
    "a key that is hashed 2**60 times": (
        said(b"}" + DAG + b"Ns"),
        "UnpicklingError",
        "A key has more than 1000 parts.",
    ),
    "such an element of a set": (
        said(call(name("builtins", "set"), b"]" + DAG + b"a")),
        "UnpicklingError",
        "A key has more than 1000 parts.",
    ),
    "such a key of an ordered dict": (
        said(call(ORDERED, b"]" + DAG + b"N\x86a")),
        "UnpicklingError",
        "A key has more than 1000 parts.",
    ),
    # calls
    "a call with no tuple": (
        said(ORDERED + b"]R"),
        "UnpicklingError",
        "A function is called with list, and not with a tuple.",
    ),
    "a call with nothing": (
        said(PARAMETER + b")R"),
        "UnpicklingError",
        "torch._utils._rebuild_parameter cannot be called like this: _rebuild_parameter() missing 3 required "
        "positional arguments: 'data', 'requires_grad', and 'backward_hooks'.",
    ),
    "bytes by way of another codec": (
        said(call(name("_codecs", "encode"), text("a"), text("zlib"))),
        "UnpicklingError",
        "_codecs.encode cannot be called like this: bytes are written in latin1 and no other encoding.",
    ),
    "bytes that are written again and again": (
        said(
            text("a" * MANY)
            + b"q\0("
            + text("latin1")
            + b"q\1"
            + name("_codecs", "encode")
            + b"q\2"
            + b"h\2h\0h\1\x86R" * 999
            + b"t"
        ),
        "UnpicklingError",
        "Functions are called with more than the pickle has said.",
    ),
    "a set that is made again and again": (
        said(name("builtins", "set") + b"q\0((" + b"K\0" * MANY + b"t\x85q\1" + b"h\0h\1R" * 999 + b"t"),
        "UnpicklingError",
        "Functions are called with more than the pickle has said.",
    ),
    "attributes that are set again and again": (
        said(
            dict_of(*(text(str(each)) + b"N" for each in range(MANY)))
            + b"q\0("
            + ORDERED
            + b"q\1"
            + b"h\1)Rh\0b" * 999
            + b"t"
        ),
        "UnpicklingError",
        "Functions are called with more than the pickle has said.",
    ),
    "many bytes of none": (
        said(call(name("builtins", "bytearray"), integer(HUGE))),
        "UnpicklingError",
        "builtins.bytearray cannot be called like this: it does not take a value of type int.",
    ),
    "the size of a tensor": (
        said(call(name("torch", "Size"), tensor(size=extents(HUGE), stride=extents(0)))),
        "UnpicklingError",
        "torch.Size cannot be called like this: it does not take a value of type Tensor.",
    ),
    "an ordered dict of a number": (
        said(call(ORDERED, integer(HUGE))),
        "UnpicklingError",
        "collections.OrderedDict cannot be called like this: it does not take a value of type int.",
    ),
    "counts of a text": (
        said(call(name("collections", "Counter"), text("abc"))),
        "UnpicklingError",
        "collections.Counter cannot be called like this: it does not take a value of type str.",
    ),
    "a complex number of a text": (
        said(call(name("builtins", "complex"), text("1"), text("1"))),
        "UnpicklingError",
        "builtins.complex cannot be called like this: it does not take a value of type str.",
    ),
    "a device that there is not": (
        said(call(name("torch", "device"), text("moon"))),
        "RuntimeError",
        "Expected one of cpu, cuda, ipu, xpu, mkldnn, opengl, opencl, ideep, hip, ve, fpga, maia, xla, lazy, vulkan, "
        "mps, meta, hpu, mtia, privateuseone device type at start of device string: moon.",
    ),
    # storages
    "a storage that is larger than its record": (
        said(tensor(storage(HUGE))),
        "RuntimeError",
        mismatch(HUGE),
    ),
    "a storage of more elements than there are numbers for": (
        said(tensor(storage(2**120))),
        "RuntimeError",
        mismatch(2**120),
    ),
    "a storage of fewer elements than none": (
        said(tensor(storage(-4))),
        "RuntimeError",
        mismatch(-4),
    ),
    "a storage that is smaller than its record": (
        said(tensor(storage(3))),
        "RuntimeError",
        mismatch(3),
    ),
    "a storage of another element type": (
        said(tensor(storage(kind="Double"))),
        "RuntimeError",
        mismatch(4, 8, "Double"),
    ),
    "a storage that is said to have two sizes": (
        said(b"(" + storage() + storage(8) + b"t"),
        "RuntimeError",
        "Storage 0 is said to have 32 bytes, but it has 16.",
    ),
    "a storage without a record": (said(tensor(storage(key="1"))), "RuntimeError", "It has no record 'data/1'."),
    "a storage outside the folder": (
        said(tensor(storage(key="../data.pkl"))),
        "RuntimeError",
        "It has no record 'data/../data.pkl'.",
    ),
    "a storage without a name": (
        said(b"NQ"),
        "UnpicklingError",
        "A persistent id does not name a storage, its type, device and size.",
    ),
    "a storage whose key is a list": (
        said(tuple_of(text("storage"), name("torch", "FloatStorage"), b"]", text("cpu"), b"K\4") + b"Q"),
        "UnpicklingError",
        "A persistent id does not name a storage, its type, device and size.",
    ),
    "a storage of a class": (
        said(tuple_of(text("storage"), name("torch", "Tensor"), text("0"), text("cpu"), b"K\4") + b"Q"),
        "UnpicklingError",
        "A persistent id does not name a storage, its type, device and size.",
    ),
    "something else that is kept elsewhere": (
        said(tuple_of(text("module"), name("torch", "Tensor"), b"N", b"N") + b"Q"),
        "UnpicklingError",
        "A persistent id does not name a storage, its type, device and size.",
    ),
    # tensors
    "a tensor far beyond its storage": (
        said(tensor(offset=HUGE)),
        "RuntimeError",
        "A tensor reaches to element 1099511627780 of a storage that has 4.",
    ),
    "a tensor of more than its storage": (
        said(tensor(size=extents(HUGE))),
        "RuntimeError",
        "A tensor reaches to element 1099511627776 of a storage that has 4.",
    ),
    "a tensor that steps beyond its storage": (
        said(tensor(stride=extents(2))),
        "RuntimeError",
        "A tensor reaches to element 7 of a storage that has 4.",
    ),
    "a tensor before its storage": (
        said(tensor(offset=-1)),
        "RuntimeError",
        "Sizes, strides and offsets are from 0 to 2**63 - 1.",
    ),
    "a tensor with a negative stride": (
        said(tensor(offset=3, stride=extents(-1))),
        "RuntimeError",
        "Sizes, strides and offsets are from 0 to 2**63 - 1.",
    ),
    "a tensor with a negative size": (
        said(tensor(size=extents(-1))),
        "RuntimeError",
        "Sizes, strides and offsets are from 0 to 2**63 - 1.",
    ),
    "a tensor with more strides than sizes": (
        said(tensor(stride=extents(1, 1))),
        "RuntimeError",
        "unequal size length (1) and stride length (2).",
    ),
    "a tensor with more elements than there are numbers for": (
        said(tensor(size=extents(2**62, 2**62), stride=extents(0, 0))),
        "RuntimeError",
        "numel: integer multiplication overflow.",
    ),
    "a tensor with more bytes than there are numbers for": (
        said(tensor(size=extents(2**62), stride=extents(0))),
        "RuntimeError",
        "There is no array of sizes [4611686018427387904] and strides [0].",
    ),
    "a tensor with a size that is no number": (
        said(tensor(size=tuple_of(b"N"))),
        "UnpicklingError",
        "torch._utils._rebuild_tensor_v2 cannot be called like this: sizes, strides and offsets are integers.",
    ),
    "a tensor of no storage": (
        said(tensor(b"N")),
        "UnpicklingError",
        "torch._utils._rebuild_tensor_v2 cannot be called like this: it does not take a value of type NoneType.",
    ),
    "integers that want gradients": (
        said(call(REBUILD, storage(2, kind="Long"), integer(0), extents(2), extents(1), b"\x88", b"N")),
        "RuntimeError",
        "only Tensors of floating point dtype can require gradients.",
    ),
    "a conjugate of real numbers": (
        said(
            call(REBUILD, storage(), integer(0), extents(4), extents(1), b"\x89", b"N", dict_of(text("conj"), b"\x88"))
        ),
        "UnpicklingError",
        "torch._utils._rebuild_tensor_v2 cannot be called like this: numbers of torch.float32 are not put off.",
    ),
    "a parameter of a number": (
        said(call(PARAMETER, b"N", b"\x88", b"N")),
        "UnpicklingError",
        "torch._utils._rebuild_parameter cannot be called like this: it does not take a value of type NoneType.",
    ),
    "a tensor made by eval's neighbour": (
        said(
            call(
                name("torch._tensor", "_rebuild_from_type_v2"),
                name("builtins", "set"),
                name("torch", "Tensor"),
                b")",
                b"}",
            )
        ),
        "UnpicklingError",
        "torch._tensor._rebuild_from_type_v2 cannot be called like this: no tensor is made of what it is told to call.",
    ),
    "coordinates in a list": (
        said(sparse("torch.sparse_coo", b"]", tensor(), extents(2), b"N")),
        "UnpicklingError",
        "torch._utils._rebuild_sparse_tensor cannot be called like this: it does not take a value of type list.",
    ),
    "coordinates that are no integers": (
        said(sparse("torch.sparse_coo", tensor(), tensor(), extents(2), b"N")),
        "UnpicklingError",
        "torch._utils._rebuild_sparse_tensor cannot be called like this: a part of a sparse tensor is not "
        "torch.strided and torch.float32.",
    ),
    "a compressed matrix without lines": (
        said(sparse("torch.sparse_csr", *[tensor(storage(2, kind="Long"), size=b")", stride=b")")] * 3, extents(9))),
        "RuntimeError",
        "crow_indices must have dimensionality >= 1 but got 0.",
    ),
    "a sparse matrix with more elements than there are numbers for": (
        said(sparse("torch.sparse_coo", INDICES, VALUES, extents(HUGE, HUGE), b"N")),
        "RuntimeError",
        "numel: integer multiplication overflow.",
    ),
    "more coordinates than values": (
        said(
            sparse(
                "torch.sparse_coo",
                tensor(storage(2, kind="Long"), 0, extents(1, 2), extents(2, 1)),
                tensor(storage(2, kind="Long"), 0, extents(1)),
                extents(9),
                b"N",
            )
        ),
        "RuntimeError",
        "indices and values must have same nnz, but got nnz from indices: 2, nnz from values: 1.",
    ),
    # archives
    "no archive": (
        b"PK\3\4",
        "RuntimeError",
        "It cannot be read as a zip archive, because of its directory: File is not a zip file.",
    ),
    "half an archive": (
        said(tensor())[:300],
        "RuntimeError",
        "It cannot be read as a zip archive, because of its directory: File is not a zip file.",
    ),
    "an archive without its last byte": (
        said(tensor())[:-1],
        "RuntimeError",
        "It cannot be read as a zip archive, because of its directory: File is not a zip file.",
    ),
    "an archive with another byte in a storage": (
        archive(b"\x80\x02" + tensor() + b".", data_0=b"0123456789abcdef").replace(b"0123", b"0124"),
        "RuntimeError",
        "It cannot be read as a zip archive, because of the record 'data/0': Bad CRC-32 for file 'archive/data/0'.",
    ),
    "an archive of no pickle": (
        archive(b"").replace(b"data.pkl", b"data.old"),
        "RuntimeError",
        "It has no record 'data.pkl'.",
    ),
    "an archive with a pickle outside its folder": (
        said(b"N").replace(b"archive/data.pkl", b"another/data.pkl"),
        "RuntimeError",
        "The records of the archive do not lie in one folder, each once.",
    ),
    "an archive with a pickle outside every folder": (
        said(b"N").replace(b"archive/", b"archive-"),
        "RuntimeError",
        "The records of the archive do not lie in one folder, each once.",
    ),
    "an archive with two pickles": (
        archive(b"\x80\x02N.", **{"data.old": b""}).replace(b"data.old", b"data.pkl"),
        "RuntimeError",
        "The records of the archive do not lie in one folder, each once.",
    ),
    "an archive of no version": (
        archive(b"\x80\x02N.", version=b"three"),
        "RuntimeError",
        "Its format is of version b'three', and only 1 to 10 are known.",
    ),
    "an archive of a later version": (
        archive(b"\x80\x02N.", version=b"11"),
        "RuntimeError",
        "Its format is of version b'11', and only 1 to 10 are known.",
    ),
    "an archive that inflates": (
        archive(b"N" * 2**24 + b".", compression=zipfile.ZIP_DEFLATED),
        "RuntimeError",
        "With the record 'data.pkl' it would take up more than 8 times the {size} bytes that it has.",
    ),
    "an archive that inflates to no more than room": (
        archive(b"\x80\x02" + b"]" * 1000 + b".", compression=zipfile.ZIP_DEFLATED),
        "RuntimeError",
        "Its pickle has 1003 bytes, and all of the file {size}.",
    ),
    "an archive with a storage that inflates": (
        archive(b"\x80\x02" + storage(2**22) + b".", data_0=bytes(2**24), compression=zipfile.ZIP_DEFLATED),
        "RuntimeError",
        "With the record 'data/0' it would take up more than 8 times the {size} bytes that it has.",
    ),
    "an archive that is compressed otherwise": (
        archive(b"", compression=zipfile.ZIP_LZMA),
        "RuntimeError",
        "The record 'version' is compressed in a way that PyTorch does not know.",
    ),
    "an archive that is encrypted": (lying(flag_bits=1), "RuntimeError", "The record 'version' is encrypted."),
    "an archive that says it is larger than it is": (
        lying(file_size=HUGE, compress_size=HUGE),
        "RuntimeError",
        "With the record 'version' it would take up more than 8 times the {size} bytes that it has.",
    ),
    "an archive with a record that does not end": (
        lying(file_size=500, compress_size=500),
        "RuntimeError",
        "It cannot be read as a zip archive, because of the record 'version': EOFError.",
    ),
    "an archive with a record of another name": (
        lying(filename="archive/another"),
        "RuntimeError",
        "It has no record 'version'.",
    ),
    "an archive with a record that lies elsewhere": (
        lying(header_offset=HUGE),
        "RuntimeError",
        "It cannot be read as a zip archive, because of the record 'version': Truncated file header.",
    ),
    "an archive with a record that inflates from nothing": (
        lying(compress_type=8, file_size=500),
        "RuntimeError",
        "It cannot be read as a zip archive, because of the record 'version': Bad CRC-32 for file 'archive/version'.",
    ),
    # the format before archives
    "an old file that is no file of PyTorch's": (
        pickle.dumps(17, 2),
        "RuntimeError",
        "Invalid magic number; corrupt file?",
    ),
    "an old file that begins with a tensor": (
        b"\x80\x02" + tensor(storage(1), size=extents(1)) + b"." + bytes(16),
        "RuntimeError",
        "Invalid magic number; corrupt file?",
    ),
    "an old file of another version": (
        pickle.dumps(0x1950A86A20F9469CFC6C, 2) + pickle.dumps(9, 2),
        "RuntimeError",
        "Invalid protocol version.",
    ),
    "an old file that ends in its pickle": (
        legacy(tensor())[:90],
        "EOFError",
        "Ran out of input: 4 bytes are wanted, and 3 left.",
    ),
    "an old file that ends in its storage": (
        legacy(tensor())[:-1],
        "EOFError",
        "Ran out of input: 16 bytes are wanted, and 15 left.",
    ),
    "an old file that ends before its storage": (
        legacy(tensor(), contents=b""),
        "EOFError",
        "Ran out of input: 8 bytes are wanted, and 0 left.",
    ),
    "an old file with a storage that is larger than the file": (
        legacy(tensor(storage(HUGE))),
        "RuntimeError",
        "Storage 0 is said to have 4398046511104 bytes, and 128 are left.",
    ),
    "an old file with many storages as large as the file": (
        legacy(b"(" + b"".join(storage(1000, key=str(each)) for each in range(40)) + b"t", contents=bytes(5000)),
        "RuntimeError",
        "With storage 15 it would take up more than 8 times the {size} bytes that it has.",
    ),
    "an old file with a storage of another size": (
        legacy(tensor(), contents=struct.pack("<q", 3) + bytes(12)),
        "RuntimeError",
        "storage has wrong byte size: expected 16 got 12, for storage 0.",
    ),
    "an old file with a storage of fewer elements than none": (
        legacy(tensor(), contents=struct.pack("<q", -4) + bytes(16)),
        "RuntimeError",
        "storage has wrong byte size: expected 16 got -16, for storage 0.",
    ),
    "an old file without its storage": (
        legacy(tensor(), keys=()),
        "RuntimeError",
        "The storages in it are not those that its pickle names.",
    ),
    "an old file with a storage twice": (
        legacy(tensor(), keys="00"),
        "RuntimeError",
        "The storages in it are not those that its pickle names.",
    ),
    "an old file with a storage whose name is a list": (
        legacy(tensor(), keys=[["0"]]),
        "RuntimeError",
        "The storages in it are not those that its pickle names.",
    ),
    # neither
    "a text file": (
        b"model: weights",
        "UnpicklingError",
        "It begins with b'mode', and is neither a zip archive nor a pickle.",
    ),
    "an empty file": (b"", "EOFError", "It is empty."),
}


@pytest.mark.parametrize("title", DAMAGED)
def test_what_is_wrong_is_said(title: str, outcomes: dict[str, Any]) -> None:
    file, kind, why = DAMAGED[title]

    outcome = outcomes[title]

    refused = f"{REFUSED} " if kind == "UnpicklingError" else ""
    said = why.replace("{size}", str(len(file)))
    where = "In the record 'data.pkl': " if file.startswith(b"PK") and about_contents(why) else ""
    assert outcome["raised"] == [kind, f"{outcome['path']}: {refused}{where}{said} {AGAIN}"]


def about_contents(why: str) -> bool:
    """Return whether a message is about what stands in a record, and not about the record or the archive."""
    return not any(each in why for each in ("record", "archive", "Its format"))


# -- what is harmless, and read as PyTorch reads it -------------------------------------------------------------------

NEST = 20_000
HARMLESS: dict[str, tuple[bytes, str]] = {
    "a memo of four billion values": (said(b"Nr" + struct.pack("<I", 2**32 - 2)), "NoneType"),
    "lists in lists": (said(b"]" * NEST + b"a" * (NEST - 1)), "list"),
    "tuples in tuples": (said(b")" + b"\x85" * NEST), "tuple"),
    "dicts in dicts": (said(b"}N" * NEST + b"N" + b"s" * NEST), "dict"),
    "attributes of attributes": (
        said(ORDERED + b"q\0)Rq\1" + (b"h\0)R}" + text("a") + b"h\1sbq\1") * NEST),
        "OrderedDict",
    ),
    "2**60 tuples that are one": (said(DAG), "tuple"),
    "a list in itself": (said(b"]q\0h\0a"), "list"),
    "one number a million million times": (said(tensor(size=extents(HUGE), stride=extents(0))), "Tensor"),
    "a conjugate of that": (
        archive(
            b"\x80\x02"
            + call(
                REBUILD,
                storage(2, kind="ComplexFloat"),
                b"K\0",
                extents(HUGE),
                extents(0),
                b"\x89",
                b"N",
                dict_of(text("conj"), b"\x88"),
            )
            + b"."
        ),
        "Tensor",
    ),
    "a sparse tensor of that": (
        said(
            sparse(
                "torch.sparse_coo",
                tensor(storage(2, kind="Long"), 0, extents(1, HUGE), extents(0, 0)),
                tensor(storage(2, kind="Long"), 0, extents(HUGE), extents(0)),
                extents(HUGE),
                b"N",
            )
        ),
        "Tensor",
    ),
}


@pytest.mark.parametrize("title", HARMLESS)
def test_what_is_harmless_is_read(title: str, outcomes: dict[str, Any]) -> None:
    assert outcomes[title]["raised"] is None
    assert outcomes[title]["kind"] == HARMLESS[title][1]


# -- what has as many objects as it has room for ----------------------------------------------------------------------

PARTS = tuple_of(INDICES, VALUES, extents(9), b"N")
LAYOUT = call(name("torch.serialization", "_get_layout"), text("torch.sparse_coo"))
WITH_ATTRIBUTES = name("torch._tensor", "_rebuild_from_type_v2")
ATTRIBUTES = dict_of(text("a"), b"N")


def again_and_again(function: bytes, *arguments: bytes) -> bytes:
    """Say in five bytes each to call a function once more."""
    return said(function + b"q\0" + tuple_of(*arguments) + b"q\1" + b"(" + b"h\0h\1R" * MANY + b"t")


DENSE: dict[str, bytes] = {
    "many lists": said(b"(" + b"]" * MANY + b"t"),
    "many dicts": said(b"(" + b"}" * MANY + b"t"),
    "many marks": said(b"N" + b"(" * MANY + b"N" + b"t" * MANY),
    "many numbers in the memo": said(b"N" + b"".join(b"r" + struct.pack("<I", each) for each in range(MANY))),
    "many sets": again_and_again(name("builtins", "set"), b"]"),
    "many counters": again_and_again(name("collections", "Counter"), b"}"),
    "many ordered dicts": again_and_again(ORDERED),
    "many sizes": again_and_again(name("torch", "Size"), b")"),
    "many tensors": again_and_again(REBUILD, storage(), b"K\0", extents(4), extents(1), b"\x89", b"N"),
    "many parameters": again_and_again(PARAMETER, tensor(), b"\x88", b"N"),
    "many sparse tensors": again_and_again(name("torch._utils", "_rebuild_sparse_tensor"), LAYOUT, PARTS),
    "many tensors with attributes": again_and_again(
        WITH_ATTRIBUTES, REBUILD, name("torch", "Tensor"), SHARED, ATTRIBUTES
    ),
    "many conjugates": again_and_again(
        REBUILD,
        storage(2, kind="ComplexFloat"),
        b"K\0",
        extents(2),
        extents(1),
        b"\x89",
        b"N",
        dict_of(text("conj"), b"\x88"),
    ),
}

# -- all of them, in a process that has little memory -----------------------------------------------------------------

FILES = {
    **{title: said(body) for title, (body, _) in INTRUDERS.items()},
    **{title: file for title, (file, _, _) in DAMAGED.items()},
    **{title: file for title, (file, _) in HARMLESS.items()},
    **DENSE,
}
READER = """
import builtins, json, os, resource, sys, time, tracemalloc
import numpy as np
import assay_reference as torch

def world():
    owners = [vars(builtins), vars(np), vars(torch), vars(torch.Tensor), torch.serialization._KNOWN]
    names = [{str(name): id(value) for name, value in owner.items()} for owner in owners]
    return [*names, list(np.__path__), str(torch.get_default_dtype()), sorted(sys.modules), os.listdir()]

def read(path):
    outcome = {"path": path, "raised": None, "kind": None}
    before = world()
    tracemalloc.start()
    start = time.perf_counter()
    try:
        outcome["kind"] = type(torch.load(path)).__name__
    except BaseException as error:
        outcome["raised"] = [type(error).__name__, str(error)]
    outcome["seconds"] = time.perf_counter() - start
    outcome["peak"] = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return {**outcome, "unchanged": world() == before}

resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[1]),) * 2)
read("first")  # which imports what the library puts off
json.dump([read(path) for path in sys.argv[2:]], sys.stdout)
"""


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Read all files in another process, and return what came of each."""
    folder = tmp_path_factory.mktemp("files")
    (folder / "first").write_bytes(said(tensor()))
    paths = [f"{number}.pt" for number in range(len(FILES))]
    for path, content in zip(paths, FILES.values(), strict=True):
        (folder / path).write_bytes(content)
    ran = subprocess.run(
        [sys.executable, "-c", READER, str(ADDRESS_SPACE), *paths],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ran.returncode == 0, ran.stderr
    return dict(zip(FILES, json.loads(ran.stdout), strict=True))


@pytest.mark.parametrize("title", FILES)
def test_a_file_changes_nothing_that_is_not_its_own(title: str, outcomes: dict[str, Any]) -> None:
    assert outcomes[title]["unchanged"]


@pytest.mark.parametrize("title", FILES)
def test_a_file_takes_up_no_more_memory_than_its_size_allows(title: str, outcomes: dict[str, Any]) -> None:
    assert outcomes[title]["peak"] < FIXED + BYTES_PER_BYTE * len(FILES[title])


@pytest.mark.parametrize("title", FILES)
def test_a_file_is_read_quickly(title: str, outcomes: dict[str, Any]) -> None:
    assert outcomes[title]["seconds"] < 20  # of a machine that does other things too


# -- as PyTorch does --------------------------------------------------------------------------------------------------

REFUSED_ON_PURPOSE = (
    "a call of the shell", "a call of eval", "NumPy by way of a module's import", "a call of what the pickle made",
    "attributes of an element type", "items of a class", "an element for a tensor", "nothing", "no end",
    "a text of four billion bytes", "a device that there is not", "a storage that is larger than its record",
    "a storage that is smaller than its record", "a storage of another element type", "a storage without a record",
    "a storage outside the folder", "a storage without a name", "a tensor before its storage",
    "a tensor with a negative stride", "a tensor with more strides than sizes",
    "a tensor with more elements than there are numbers for", "integers that want gradients",
    "a sparse matrix with more elements than there are numbers for", "more coordinates than values", "no archive",
    "half an archive", "an archive without its last byte", "an archive of no pickle",
    "an archive with a pickle outside its folder", "an archive with a pickle outside every folder",
    "an archive of no version", "an archive of a later version", "an archive that is compressed otherwise",
    "an old file that is no file of PyTorch's", "an old file of another version", "an empty file",
)  # fmt: skip


@pytest.mark.parametrize("title", REFUSED_ON_PURPOSE)
def test_the_class_of_an_error_is_pytorchs(title: str, outcomes: dict[str, Any]) -> None:
    torch = pytest.importorskip("torch")

    with pytest.raises(Exception) as caught:
        torch.load(io.BytesIO(FILES[title]))

    assert outcomes[title]["raised"][0] == type(caught.value).__name__


@pytest.mark.parametrize("opcode", pickletools.opcodes)
def test_an_opcode_is_known_where_pytorch_knows_it(opcode: pickletools.OpcodeInfo) -> None:
    torch = pytest.importorskip("torch")
    file = archive(opcode.code.encode("latin1"))

    unknown = [
        f"Unsupported operand {ord(opcode.code)}" in raised(library.load, file) for library in (torch, reference)
    ]

    assert unknown[0] == unknown[1]


def raised(load: Any, file: bytes) -> str:
    """Return what reading a file raises, in words."""
    try:
        return repr(load(io.BytesIO(file)))
    except Exception as error:
        return str(error)

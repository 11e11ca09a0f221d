"""The names that PyTorch's pickles may use: functions that make tensors and plain containers, and values.

What a function is called with comes from a file, so it takes nothing but what PyTorch calls it with.
"""

from __future__ import annotations

import math
from collections import Counter, OrderedDict
from collections.abc import Callable
from functools import partial
from types import NoneType
from typing import Any, Final

from assay_reference.core import devices, dtypes
from assay_reference.core.layouts import COMPRESSED, KINDS, layout, sparse_coo, strided
from assay_reference.core.tensor import Size, Tensor
from assay_reference.nn.parameter import Parameter
from assay_reference.serialization.errors import Damaged
from assay_reference.serialization.pickles import checked_key, set_attributes
from assay_reference.serialization.storages import StorageType, current
from assay_reference.sparse.construction import compressed, sparse_coo_tensor
from assay_reference.sparse.invariants import checks
from assay_reference.storage import TypedStorage, section

DIMENSIONS: Final = 64  # that NumPy's arrays may have
LACKING: Final = ("_rebuild_tensor_v3", "_rebuild_meta_tensor_no_storage")  # of other element types; on no device
LACKING_DTYPES: Final = (
    "uint16", "uint32", "uint64", "float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz",
)  # fmt: skip
LARGEST: Final = 2**63 - 1  # number of elements, and of bytes


def _a(kind: type | tuple[type, ...], value: Any) -> Any:
    """Return a value, which must be of a type."""
    if not isinstance(value, kind):
        raise TypeError(f"it does not take a value of type {type(value).__name__}")
    return value


def _extents(values: Any) -> tuple[int, ...]:
    """Return strides or an offset, if they are such."""
    if not all(type(each) is int for each in _a((tuple, list), values)):
        raise TypeError("sizes, strides and offsets are integers")
    if not all(0 <= each <= LARGEST for each in values):
        raise Damaged("Sizes, strides and offsets are from 0 to 2**63 - 1.")
    if len(values) > DIMENSIONS:
        raise NotImplementedError(
            f"A tensor of the reference has at most {DIMENSIONS} dimensions, and not {len(values)}."
        )
    return tuple(values)


def _sizes(values: Any) -> tuple[int, ...]:
    """Return sizes, if they are such, and of no more elements than there are numbers for."""
    shape = _extents(values)
    if math.prod(shape) > LARGEST:
        raise Damaged("numel: integer multiplication overflow.")
    return shape


# -- tensors ----------------------------------------------------------------------------------------------------------


def _rebuild_tensor(storage: Any, offset: Any, size: Any, stride: Any) -> Tensor:
    memory, shape, steps = _a(TypedStorage, storage), _sizes(size), _extents(stride)
    (start,) = _extents((offset,))
    if len(shape) == len(steps) and math.prod(shape) > 0:
        end = start + 1 + sum((length - 1) * step for length, step in zip(shape, steps, strict=True))
        if end > len(memory):
            raise Damaged(f"A tensor reaches to element {end} of a storage that has {len(memory)}.")
    try:
        return section(memory, memory.dtype, start, shape, steps)
    except (OverflowError, ValueError) as error:
        raise Damaged(f"There is no array of sizes {list(shape)} and strides {list(steps)}.") from error


def _rebuild_tensor_v2(
    storage: Any,
    offset: Any,
    size: Any,
    stride: Any,
    requires_grad: Any,
    backward_hooks: Any,
    metadata: Any = None,
) -> Tensor:
    if metadata is not None:
        storage = current.get().mirrored(_a(TypedStorage, storage), **_bits(metadata, storage.dtype))
    tensor = _rebuild_tensor(storage, offset, size, stride)
    return tensor.requires_grad_() if _a(bool, requires_grad) else tensor


def _bits(metadata: Any, kind: dtypes.dtype) -> dict[str, bool]:
    """Return what PyTorch has put off: to conjugate complex numbers, or to change the sign of them or of real ones."""
    bits = {"conj": False, "neg": False, **_a(dict, metadata)}
    if len(bits) > 2 or not all(isinstance(each, bool) for each in bits.values()):
        raise TypeError("a tensor's metadata are conj and neg")
    if not (kind.is_complex or (kind.is_floating_point and not bits["conj"])):
        raise TypeError(f"numbers of {kind} are not put off")
    return bits


def _rebuild_parameter(data: Any, requires_grad: Any, backward_hooks: Any) -> Any:
    return Parameter(_a(Tensor, data), _a(bool, requires_grad))


def _rebuild_parameter_with_state(data: Any, requires_grad: Any, backward_hooks: Any, state: Any) -> Any:
    parameter = _rebuild_parameter(data, requires_grad, backward_hooks)
    set_attributes(parameter, state)
    return parameter


def _rebuild_from_type(function: Any, kind: Any, arguments: Any, state: Any) -> Tensor:
    """Rebuild a tensor that has attributes of its own."""
    if not any(function is _KNOWN["torch._utils", name] for name in ("_rebuild_tensor_v2", "_rebuild_sparse_tensor")):
        raise TypeError("no tensor is made of what it is told to call")
    if kind is not Tensor:
        raise TypeError("only a torch.Tensor has attributes of its own")
    tensor: Tensor = function(*_a(tuple, arguments))
    set_attributes(tensor, state)
    return tensor


def _rebuild_sparse_tensor(kind: Any, data: Any) -> Tensor:
    make = _coordinates if kind is sparse_coo else partial(_lines, _a(layout, kind))
    build = make(*_a(tuple, data))
    if checks.get():
        current.get().later.append(partial(build, check_invariants=True))
    return build(check_invariants=False)


def _coordinates(indices: Any, values: Any, size: Any, is_coalesced: Any = None) -> Callable[..., Tensor]:
    places = _dense(indices, dtypes.int64)
    coalesced = _a((bool, NoneType), is_coalesced)
    return partial(sparse_coo_tensor, places, _dense(values), _sizes(size), is_coalesced=coalesced)


def _lines(kind: layout, starts: Any, plain_indices: Any, values: Any, size: Any) -> Callable[..., Tensor]:
    if kind not in COMPRESSED:
        raise NotImplementedError(f"rebuilding sparse tensor for layout {kind}")
    packed: Any = KINDS[kind]
    begins, within = (_dense(each, dtypes.int32, dtypes.int64) for each in (starts, plain_indices))
    return partial(compressed, packed, f"{kind.name}_tensor", begins, within, _dense(values), _sizes(size))


def _dense(value: Any, *kinds: dtypes.dtype) -> Tensor:
    """Return a part of a sparse tensor, which must be strided, and of one of these types if there are any."""
    tensor: Tensor = _a(Tensor, value)
    if tensor.layout is not strided or tensor.dtype not in (kinds or dtypes.DTYPES):
        raise TypeError(f"a part of a sparse tensor is not {tensor.layout} and {tensor.dtype}")
    return tensor


def _get_layout(name: Any) -> layout:
    layouts = {str(each): each for each in (strided, *KINDS)}
    if _a(str, name) not in layouts:
        raise NotImplementedError(f"the reference has no layout {name}")
    return layouts[name]


def _lacking(title: str) -> Callable[..., Any]:
    """Return a function for what PyTorch makes and the reference cannot."""

    def rebuild(*arguments: Any) -> Any:
        raise NotImplementedError(f"the reference has nothing that {title} makes")

    return rebuild


# -- plain containers -------------------------------------------------------------------------------------------------


def _size(sizes: Any) -> Size:
    return Size(_a((tuple, list), sizes))


def _device(kind: Any, index: Any = None) -> devices.device:
    return devices.device(_a(str, kind), _a((int, NoneType), index))


def _ordered(pairs: Any = ()) -> OrderedDict[Any, Any]:
    made = OrderedDict()
    for pair in _a((tuple, list), pairs):
        key, value = _a((tuple, list), pair)
        made[checked_key(key)] = value
    return made


def _counter(counts: Any) -> Counter[Any]:
    return Counter(_a(dict, counts))


def _set(items: Any) -> set[Any]:
    return set(map(checked_key, _a((tuple, list), items)))


def _complex(real: Any, imag: Any) -> complex:
    return complex(_a((int, float), real), _a((int, float), imag))


def _encode(text: Any, encoding: Any) -> bytes:
    """Return bytes, which pickles of protocol 2 write as text."""
    if encoding not in ("latin1", "latin-1"):
        raise ValueError("bytes are written in latin1 and no other encoding")
    return _a(str, text).encode("latin1")  # type: ignore[no-any-return]


def _bytearray(content: Any = b"", encoding: Any = "latin-1") -> bytearray:
    return bytearray(_encode(content, encoding) if isinstance(content, str) else _a(bytes, content))


# -- the names --------------------------------------------------------------------------------------------------------


# What a pickle may call.
_KNOWN: Final[dict[tuple[str, str], Callable[..., Any]]] = {
    ("torch._utils", "_rebuild_tensor"): _rebuild_tensor,
    ("torch._utils", "_rebuild_tensor_v2"): _rebuild_tensor_v2,
    ("torch._utils", "_rebuild_parameter"): _rebuild_parameter,
    ("torch._utils", "_rebuild_parameter_with_state"): _rebuild_parameter_with_state,
    ("torch._utils", "_rebuild_sparse_tensor"): _rebuild_sparse_tensor,
    ("torch._tensor", "_rebuild_from_type_v2"): _rebuild_from_type,
    ("torch.serialization", "_get_layout"): _get_layout,
    **{("torch._utils", each): _lacking(f"torch._utils.{each}") for each in LACKING},
    ("torch", "Size"): _size,
    ("torch", "device"): _device,
    ("collections", "OrderedDict"): _ordered,
    ("collections", "Counter"): _counter,
    ("builtins", "set"): _set,
    ("builtins", "complex"): _complex,
    ("builtins", "bytearray"): _bytearray,
    ("_codecs", "encode"): _encode,
}
# What a pickle may name besides.
_VALUES: Final[dict[tuple[str, str], Any]] = {
    ("torch", "Tensor"): Tensor,
    ("torch.storage", "UntypedStorage"): StorageType(dtypes.uint8),
    **{("torch", each): None for each in LACKING_DTYPES},
    **{("torch", each.name): each for each in dtypes.DTYPES},
    **{("torch", f"{each.title}Storage"): StorageType(each) for each in dtypes.DTYPES},
}

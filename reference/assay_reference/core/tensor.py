"""Tensor: an array with an element type, a device, memory that views share, and a history.

Here is what a tensor holds. What it can do is attached to the class where it is written: its history by history.py, how
it shows by printing.py, and what it can compute by the decorators of dispatch.py.
"""

from __future__ import annotations

import warnings
import weakref
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from assay_reference.core import devices, dtypes, layouts
from assay_reference.core.arrays import address, contiguous_strides, strided, to_host
from assay_reference.core.grad_mode import inference, recording, records
from assay_reference.core.layouts import Packed
from assay_reference.core.memory import Storage, UntypedStorage, share
from assay_reference.core.memory_formats import check_memory_format, contiguous_format, is_in_format

Function = TypeVar("Function", bound=Callable[..., Any])

SCALAR_WITH_GRAD = (
    "Converting a tensor with requires_grad=True to a scalar may lead to unexpected behavior.\n"
    "Consider using tensor.detach() first."
)


class Size(tuple[int, ...]):
    """The shape of a tensor."""

    def __new__(cls, sizes: Iterable[Any] = ()) -> Size:
        whole = tuple(each.item() if isinstance(each, Tensor) else each for each in sizes)
        for position, each in enumerate(whole):
            if not hasattr(each, "__index__"):
                raise TypeError(f"torch.Size() takes an iterable of 'int' (item {position} is '{type(each).__name__}')")
        return super().__new__(cls, map(int, whole))

    def numel(self) -> int:
        """Return the number of elements."""
        return int(np.prod(self, dtype=np.int64))

    def __getitem__(self, index: Any) -> Any:
        item = super().__getitem__(index)
        return Size(item) if isinstance(index, slice) else item

    def __add__(self, other: Any) -> Size:
        if not isinstance(other, tuple):
            raise TypeError(f"can only concatenate tuple (not {type(other).__name__}) to torch.Size")
        return Size(super().__add__(other))

    def __radd__(self, other: Any) -> Size:
        return Size(other + tuple(self)) if isinstance(other, tuple) else NotImplemented

    def __mul__(self, count: Any) -> Size:
        return Size(super().__mul__(count))

    __rmul__ = __mul__

    def __repr__(self) -> str:
        return f"torch.Size([{', '.join(map(str, self))}])"

    def __reduce__(self) -> tuple[Any, ...]:
        return Size, (tuple(self),)


class Tensor:
    """A tensor, as PyTorch has it."""

    __array_priority__ = 1000  # NumPy's numbers leave operators to us

    _array: Any  # NumPy's or CuPy's, with its strides
    dtype: dtypes.dtype = dtypes.float32
    device: devices.device = devices.CPU
    _storage: UntypedStorage
    _grad: Tensor | None = None
    _requires_grad: bool = False
    _node: Any = None  # the recorded step that made this
    _output_nr: int = 0  # which of its results this is
    _accumulator: weakref.ref[Any] | None = None
    _base: Tensor | None = None  # what this is a view of
    _chain: tuple[Any, ...] = ()  # the views that lead from there to here
    _seen_version: int = 0  # the version of the memory for which the history is right
    _hooks_of_leaf: dict[int, Any]  # on the gradient of a leaf, if there are any
    _hooks_of_accumulation: dict[int, Any]  # which are called after that has been added to .grad
    _origin: str = ""  # where a view was made that may not be written to: the word of history.ORIGINS

    # -- making ---------------------------------------------------------------------------------------------------

    @classmethod
    def _wrap(
        cls,
        array: Any,
        device: devices.device | None = None,
        storage: UntypedStorage | None = None,
        *,
        keeps_strides: bool = False,
    ) -> Tensor:
        """Make a tensor of an array, which it keeps."""
        if isinstance(array, np.generic):
            array = np.asarray(array)
        tensor: Tensor = object.__new__(Tensor)
        if storage is None and not array.size and not (keeps_strides or isinstance(array, Packed)):  # which NumPy sets
            array = strided(array, array.shape, contiguous_strides(array.shape, array.itemsize))
        tensor._array = array
        tensor.dtype = dtypes.OF_ARRAY[array.dtype]
        tensor.device = devices.of_array(array) if device is None else device
        tensor._storage = UntypedStorage._over(array, inference.get()) if storage is None else storage
        return tensor

    @staticmethod
    def _over(storage: Storage, kind: dtypes.dtype, name: str) -> Tensor:
        """Make a tensor of all of a storage, whose type must be this one if it has any; messages call it by name."""
        if storage._kind is not kind and not isinstance(storage, UntypedStorage):
            raise RuntimeError(
                f"Expected a Storage of type {name} or an UntypedStorage, but got type {storage._kind.title} for "
                "argument 1 'storage'"
            )
        memory = storage.untyped()
        return Tensor._wrap(memory.row(kind), memory.device, memory)

    def _view(self, array: Any) -> Tensor:
        """Make a view of this tensor's memory, which takes part in the same history."""
        view = Tensor._wrap(array, self.device, self._storage)
        view._base = self if self._base is None else self._base
        view._seen_version = self._storage.version
        view._origin = self._origin if records() else "inference" if inference.get() else "no_grad"
        return view

    @staticmethod
    def _make_subclass(cls: Any, data: Tensor, require_grad: bool = False) -> Any:
        """Make a tensor of a subclass that shares another's memory and none of its history."""
        tensor = object.__new__(cls)
        tensor._array, tensor._storage = data._array, data._storage
        tensor.dtype, tensor.device = data.dtype, data.device
        tensor.requires_grad = require_grad
        return tensor

    # -- what it is -----------------------------------------------------------------------------------------------

    @property
    def shape(self) -> Size:
        return Size(self._array.shape)

    def size(self, dim: int | None = None) -> Any:
        """Return the shape, or the size of one dimension."""
        if dim is None:
            return self.shape
        return self._array.shape[wrap_dim(dim, self._array.ndim)]

    def stride(self, dim: int | None = None) -> Any:
        """Return how many elements of memory lie between neighbours, in each dimension or in one."""
        strides = tuple(each // self.dtype.itemsize for each in self._array.strides)
        return strides if dim is None else strides[wrap_dim(dim, self._array.ndim)]

    def dim(self) -> int:
        """Return the number of dimensions."""
        return int(self._array.ndim)

    def numel(self) -> int:
        """Return the number of elements."""
        return int(self._array.size)

    ndimension = dim
    nelement = numel

    @property
    def ndim(self) -> int:
        return int(self._array.ndim)

    @property
    def itemsize(self) -> int:
        return self.dtype.itemsize

    @property
    def nbytes(self) -> int:
        if self.is_sparse:
            raise RuntimeError(
                "nbytes is not defined for sparse tensors.  If you want the size of the constituent tensors, add the "
                "nbytes of the indices and values.  If you want the size of the  equivalent dense tensor, multiply "
                "numel() by element_size()"
            )
        return int(self._array.size) * self.dtype.itemsize

    def element_size(self) -> int:
        """Return the size of an element in bytes."""
        return self.dtype.itemsize

    def storage_offset(self) -> int:
        """Return how many elements into its storage the tensor starts."""
        return 0 if isinstance(self._array, Packed) else self._storage.offset_of(self._array)

    def data_ptr(self) -> int:
        """Return the address of the first element."""
        return address(self._array) if self._array.size else 0

    def untyped_storage(self) -> UntypedStorage:
        """Return the memory that the tensor and its views share."""
        if isinstance(self._array, Packed):
            raise NotImplementedError(f"Cannot access storage of {self._array.implementation}")
        return self._storage

    def is_shared(self) -> bool:
        """Return whether other processes can see the memory."""
        return self.untyped_storage().is_shared()

    def share_memory_(self) -> Tensor:
        """Move the memory to where other processes can see it, and all tensors that share it with it."""
        if not self.is_shared():
            share(self)
        return self

    def is_contiguous(self, *, memory_format: Any = contiguous_format) -> bool:
        """Return whether the elements lie in memory in order and without gaps."""
        check_memory_format("is_contiguous", memory_format, optional=False)
        return is_in_format(self._array, memory_format)

    def is_floating_point(self) -> bool:
        """Return whether the elements are floating point numbers."""
        return self.dtype.is_floating_point

    def is_complex(self) -> bool:
        """Return whether the elements are complex numbers."""
        return self.dtype.is_complex

    def is_signed(self) -> bool:
        """Return whether the element type has negative numbers."""
        return self.dtype.is_signed

    def is_inference(self) -> bool:
        """Return whether the tensor was made in inference mode."""
        return self._storage.inference

    def get_device(self) -> int:
        """Return the number of the CUDA device, or -1 on the CPU."""
        return -1 if self.device.index is None else self.device.index

    @property
    def is_cuda(self) -> bool:
        return self.device.type == "cuda"

    @property
    def is_sparse(self) -> bool:
        return self.layout is layouts.sparse_coo

    @property
    def is_sparse_csr(self) -> bool:
        return self.layout is layouts.sparse_csr

    @property
    def is_mkldnn(self) -> bool:
        return self.layout is layouts._mkldnn

    @property
    def is_quantized(self) -> bool:
        return False

    @property
    def layout(self) -> layouts.layout:
        return self._array.layout if isinstance(self._array, Packed) else layouts.strided

    def _is_view(self) -> bool:
        """Return whether the tensor is a view, whose history is part of its base's."""
        return self._base is not None

    @property
    def _version(self) -> int:
        if self._storage.inference:
            raise RuntimeError("Inference tensors do not track version counter.")
        return self._storage.version

    @property
    def data(self) -> Tensor:
        memory = self._storage
        shared = UntypedStorage._over(memory.array, memory.inference, memory.fixed)
        return Tensor._wrap(self._array, self.device, shared)

    @data.setter
    def data(self, new: Tensor) -> None:
        if not isinstance(new, Tensor):
            raise TypeError(f"Variable data has to be a tensor, but got {type(new).__name__}")
        if self.requires_grad and not new.dtype.is_differentiable:
            raise RuntimeError("data set to a tensor that requires gradients must be floating point or complex dtype")
        self._array, self._storage, self.dtype, self.device = new._array, new._storage, new.dtype, new.device

    # -- to Python and NumPy --------------------------------------------------------------------------------------

    def numpy(self, *, force: bool = False) -> Any:
        """Return the NumPy array that shares this tensor's memory."""
        if isinstance(self._array, Packed):
            title = self.layout.title
            raise TypeError(f"can't convert {title} layout tensor to numpy. Use Tensor.to_dense() first.")
        if force:
            return self.detach().cpu().numpy()
        if self.device.type != "cpu":
            raise TypeError(
                f"can't convert {self.device} device type tensor to numpy. Use Tensor.cpu() to copy the tensor to host "
                "memory first."
            )
        if self.requires_grad:
            raise RuntimeError("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.")
        if self.dtype is dtypes.bfloat16:
            raise TypeError("Got unsupported ScalarType BFloat16")
        self._storage.fixed = True
        return self._array.view()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        array = self.numpy()
        return array if dtype is None else array.astype(dtype, copy=bool(copy))

    def __array_wrap__(self, array: Any, context: Any = None, return_scalar: bool = False) -> Tensor:
        """Make a tensor of what a function of NumPy returned for this one."""
        return Tensor._wrap(np.asarray(array))

    def item(self) -> Any:
        """Return the only element as a Python number."""
        if self._array.size != 1:
            raise RuntimeError(f"a Tensor with {self._array.size} elements cannot be converted to Scalar")
        if isinstance(self._array, Packed) and self.is_sparse:
            return self.to_dense().item()
        return self.tolist() if not self._array.ndim else to_host(self._array).reshape(()).tolist()

    def tolist(self) -> Any:
        """Return the elements as Python numbers, in nested lists."""
        array = to_host(self._array)
        return (array.astype(np.float32) if self.dtype is dtypes.bfloat16 else array).tolist()

    def _only_element(self) -> Any:
        if self._array.size != 1:
            raise ValueError("only one element tensors can be converted to Python scalars")
        return self.item()

    def _real_element(self, kind: str) -> Any:
        value = self._only_element()
        if isinstance(value, complex):
            if value.imag:
                raise RuntimeError(f"value cannot be converted to type {kind} without overflow")
            return value.real
        return value

    def __float__(self) -> float:
        if self.requires_grad and recording.get():
            warnings.warn(SCALAR_WITH_GRAD, UserWarning, stacklevel=2)
        return float(self._real_element("double"))

    def __int__(self) -> int:
        return int(self._real_element("int64_t"))

    def __complex__(self) -> complex:
        return complex(self._only_element())

    def __index__(self) -> int:
        if self._array.size != 1 or self.dtype.category not in ("bool", "integer"):
            raise TypeError("only integer tensors of a single element can be converted to an index")
        return int(self.item())

    def __bool__(self) -> bool:
        if self._array.size != 1:
            raise RuntimeError(
                f"Boolean value of Tensor with {'more than one' if self._array.size else 'no'} value"
                f"{'' if self._array.size else 's'} is ambiguous"
            )
        return bool(self.item())

    def __len__(self) -> int:
        if not self._array.ndim:
            raise TypeError("len() of a 0-d tensor")
        return int(self._array.shape[0])

    def __iter__(self) -> Iterator[Tensor]:
        if not self._array.ndim:
            raise TypeError("iteration over a 0-d tensor")
        return iter(self.unbind(0))

    def __contains__(self, element: Any) -> bool:
        return bool((element == self)._array.any())

    def __hash__(self) -> int:
        return id(self)

    def __format__(self, spec: str) -> str:
        if type(self) is Tensor and not self._array.ndim:
            return format(self.item(), spec)
        return super().__format__(spec)

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        if not self.is_leaf:
            raise RuntimeError(
                "Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol at the "
                "moment.  If you were attempting to deepcopy a module, this may be because of a "
                "torch.nn.utils.weight_norm usage, see https://github.com/pytorch/pytorch/pull/103001"
            )
        if id(self) not in memo:
            copied = Tensor._make_subclass(type(self), self.detach().clone(), self._requires_grad)
            copied._grad = None if self._grad is None else self._grad.__deepcopy__(memo)
            memo[id(self)] = copied
        return memo[id(self)]  # type: ignore[no-any-return]

    if TYPE_CHECKING:  # what others attach
        grad: Tensor | None
        is_leaf: bool
        requires_grad: bool
        retains_grad: bool

        def __getattr__(self, name: str) -> Any: ...
        def __getitem__(self, index: Any) -> Tensor: ...
        def __setitem__(self, index: Any, value: Any) -> None: ...
        def __add__(self, other: Any) -> Tensor: ...
        def __radd__(self, other: Any) -> Tensor: ...
        def __sub__(self, other: Any) -> Tensor: ...
        def __rsub__(self, other: Any) -> Tensor: ...
        def __mul__(self, other: Any) -> Tensor: ...
        def __rmul__(self, other: Any) -> Tensor: ...
        def __truediv__(self, other: Any) -> Tensor: ...
        def __rtruediv__(self, other: Any) -> Tensor: ...
        def __floordiv__(self, other: Any) -> Tensor: ...
        def __mod__(self, other: Any) -> Tensor: ...
        def __pow__(self, other: Any) -> Tensor: ...
        def __rpow__(self, other: Any) -> Tensor: ...
        def __matmul__(self, other: Any) -> Tensor: ...
        def __and__(self, other: Any) -> Tensor: ...
        def __or__(self, other: Any) -> Tensor: ...
        def __xor__(self, other: Any) -> Tensor: ...
        def __lt__(self, other: Any) -> Tensor: ...
        def __le__(self, other: Any) -> Tensor: ...
        def __gt__(self, other: Any) -> Tensor: ...
        def __ge__(self, other: Any) -> Tensor: ...
        def __eq__(self, other: Any) -> Tensor: ...  # type: ignore[override]
        def __ne__(self, other: Any) -> Tensor: ...  # type: ignore[override]
        def __neg__(self) -> Tensor: ...
        def __abs__(self) -> Tensor: ...
        def __invert__(self) -> Tensor: ...


def attach(name: str, member: Any) -> None:
    """Make a function or a property a member of Tensor."""
    if name in vars(Tensor) and name not in vars(object):
        raise TypeError(f"Tensor.{name}: defined twice")
    setattr(Tensor, name, member)


def method(function: Function) -> Function:
    """Make a function the method of Tensor that has its name."""
    function.__qualname__ = f"Tensor.{function.__name__}"
    attach(function.__name__, function)
    return function


def wrap_dim(dim: int, ndim: int) -> int:
    """Return a dimension counted from the front, or raise which ones there are."""
    bound = max(ndim, 1)
    if not -bound <= dim < bound:
        raise IndexError(f"Dimension out of range (expected to be in range of [{-bound}, {bound - 1}], but got {dim})")
    return dim % bound


def is_tensor(obj: Any, /) -> bool:
    """Return whether something is a tensor."""
    return isinstance(obj, Tensor)


def is_inference(input: Tensor) -> bool:
    """Return whether a tensor was made in inference mode."""
    return input.is_inference()

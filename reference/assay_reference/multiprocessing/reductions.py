"""What is sent of a tensor or a storage to another process: the memory that it lives in, and not what is in it."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from multiprocessing.reduction import ForkingPickler
from typing import Any

from assay_reference.core import shared_memory
from assay_reference.core.arrays import Array
from assay_reference.core.dtypes import dtype
from assay_reference.core.memory import UntypedStorage
from assay_reference.core.packed import Sparse
from assay_reference.core.tensor import Tensor
from assay_reference.nn.parameter import Parameter
from assay_reference.storage import section


def reduce_tensor(tensor: Tensor) -> tuple[Callable[..., Tensor], tuple[Any, ...]]:
    """Send a tensor, whose memory is shared from then on."""
    if tensor.requires_grad and not tensor.is_leaf:
        raise RuntimeError(
            "Cowardly refusing to serialize non-leaf tensor which requires_grad, since autograd does not support "
            "crossing process boundaries.  If you just want to transfer the data, call detach() on the tensor before "
            "serializing (e.g., putting it on the queue)."
        )
    for hook in vars(tensor).get("_hooks_of_leaf", {}).values():
        if not getattr(hook, "__torch_unserializable__", False):
            warnings.warn(
                f"backward hook {hook!r} on tensor will not be serialized.  If this is expected, you can decorate the "
                "function with @torch.utils.hooks.unserializable_hook to suppress this warning",
                stacklevel=2,
            )
    if isinstance(tensor._array, Sparse):
        return rebuild_sparse_tensor, (*_parts(tensor._array), tensor.requires_grad)
    if tensor.untyped_storage().nbytes():
        tensor.share_memory_()
    place = tensor.storage_offset(), tuple(tensor.shape), tensor.stride()
    return rebuild_tensor, (type(tensor), tensor.untyped_storage(), tensor.dtype, *place, tensor.requires_grad)


def rebuild_tensor(
    cls: type[Tensor],
    storage: UntypedStorage,
    kind: dtype,
    offset: int,
    size: Sequence[int],
    stride: Sequence[int],
    requires_grad: bool,
) -> Tensor:
    """Make the tensor that was sent."""
    made = section(storage, kind, offset, size, stride)
    return Tensor._make_subclass(cls, made, requires_grad)  # type: ignore[no-any-return]


def _parts(packed: Sparse) -> tuple[type[Sparse], dict[str, Any]]:
    """Return the class of a sparse tensor, and what it consists of, with tensors for arrays."""
    vars(packed).update(vars(packed.each(_shared)))
    arrays = {id(each) for each in packed.parts().values()}
    return type(packed), {
        name: Tensor._wrap(each) if id(each) in arrays else each for name, each in vars(packed).items()
    }


def _shared(array: Array) -> Array:
    return Tensor._wrap(array).share_memory_()._array


def rebuild_sparse_tensor(cls: type[Sparse], parts: dict[str, Any], requires_grad: bool) -> Tensor:
    """Make the sparse tensor that was sent."""
    packed = object.__new__(cls)
    vars(packed).update({name: getattr(each, "_array", each) for name, each in parts.items()})
    return Tensor._wrap(packed).requires_grad_(requires_grad)  # type: ignore[no-any-return]


def reduce_storage(storage: UntypedStorage) -> tuple[Callable[..., UntypedStorage], tuple[Any, ...]]:
    """Send a storage, whose memory is shared from then on."""
    if storage.is_cuda or not storage.nbytes():
        return UntypedStorage._over, (storage.memory,)
    memory = shared_memory.of_array(storage.share_memory_().array)
    assert memory is not None
    return rebuild_storage, (memory.handle(), storage.nbytes())


def rebuild_storage(handle: Any, size: int) -> UntypedStorage:
    """Make the storage that was sent."""
    array = shared_memory.opened(handle)
    return UntypedStorage._over(array if array.size == size else array[:size])


def init_reductions() -> None:
    """Let Python's queues, pipes and processes send tensors and storages in this way."""
    ForkingPickler.register(UntypedStorage, reduce_storage)
    for kind in (Tensor, Parameter):
        ForkingPickler.register(kind, reduce_tensor)

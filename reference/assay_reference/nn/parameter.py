"""Parameters, which modules learn, and buffers, which they keep."""

from __future__ import annotations

from typing import Any

from assay_reference.core.tensor import Tensor
from assay_reference.ops.creation import empty


class Parameter(Tensor):
    """A tensor that a module registers among its parameters."""

    def __new__(cls, data: Tensor | None = None, requires_grad: bool = True) -> Any:
        given = empty(0) if data is None else data.detach()
        if requires_grad and not given.dtype.is_differentiable:
            raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")
        return Tensor._make_subclass(cls, given, requires_grad)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        if id(self) not in memo:
            memo[id(self)] = type(self)(self.data.clone(), self.requires_grad)
        return memo[id(self)]

    def __reduce_ex__(self, protocol: Any) -> Any:
        state = {name: value for name, value in vars(self).items() if name not in Tensor.__annotations__}
        return Parameter, (self.detach(), self.requires_grad), state


class _BufferType(type):
    """A buffer is a tensor of the plain class that was made as one."""

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, Tensor) and getattr(instance, "_is_buffer", False)


class Buffer(Tensor, metaclass=_BufferType):
    """A tensor that a module registers among its buffers, and saves if it is persistent."""

    persistent: bool

    def __new__(cls, data: Tensor | None = None, *, persistent: bool = True) -> Any:
        given = empty(0) if data is None else data
        buffer = given.detach().requires_grad_(given.requires_grad)
        buffer._is_buffer, buffer.persistent = True, persistent
        return buffer

"""torch.autograd with the forms of the documented edition."""

from __future__ import annotations

from typing import Any

from assay_reference import autograd as current
from assay_reference.documented.forms import optional, renamed

backward = renamed(
    current.backward, variables="tensors", grad_variables="grad_tensors", retain_variables="retain_graph"
)
grad = optional(current.grad, "create_graph")


def __getattr__(name: str) -> Any:
    return getattr(current, name)


class Function(current.Function):
    """An op of the user's own, which may be an instance with forward and backward, called itself."""

    def __init__(self) -> None: ...

    def __call__(self, *inputs: Any) -> Any:
        """Call forward, and keep the context, whose methods and attributes become the instance's."""

        def forward(ctx: Any, *inputs: Any) -> Any:
            self._context = ctx
            return self.forward(*inputs)

        def backward(ctx: Any, *grads: Any) -> Any:
            return self.backward(*grads)

        methods = {"forward": staticmethod(forward), "backward": staticmethod(backward)}
        static: Any = type(type(self).__name__, (current.Function,), methods)
        return static.apply(*inputs)

    def __getattr__(self, name: str) -> Any:
        if name == "_context":
            raise AttributeError(f"{type(self).__name__} has not been called")
        return getattr(self._context, name)

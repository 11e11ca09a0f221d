"""torch.autograd.Function: ops with gradients of the user's own."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from assay_reference.engine import FREED, Grads, Node, edge_of, meta_of, no_grad, records
from assay_reference.recording import Saved, rebase
from assay_reference.tensor import Tensor


class FunctionNode(Node):
    """A recorded call of a Function, and what forward and backward pass between them as ctx."""

    function: ClassVar[type[Function]]

    def __init__(self, inputs: Sequence[Any]) -> None:
        tensors = [each if isinstance(each, Tensor) else None for each in inputs]
        self.needs_input_grad = tuple(each is not None and records() and each.requires_grad for each in tensors)
        edges = [
            edge_of(each) if each is not None and needed else None
            for each, needed in zip(tensors, self.needs_input_grad, strict=True)
        ]
        super().__init__(edges, ())
        self.materialize = True
        self.to_save: tuple[Tensor | None, ...] = ()
        self.saved: list[tuple[Saved | None, int | None]] = []  # with the number of the output that each is, if any
        self.dirty: tuple[Tensor, ...] = ()
        self.non_differentiable: tuple[Tensor, ...] = ()
        self.freed = False

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keep tensors for backward, guarded against changes in place."""
        self.to_save = tensors

    def mark_dirty(self, *tensors: Tensor) -> None:
        """Say which inputs forward changed in place."""
        self.dirty = tensors

    def mark_non_differentiable(self, *tensors: Tensor) -> None:
        """Say which outputs have no gradient."""
        self.non_differentiable = tensors

    def set_materialize_grads(self, value: bool) -> None:
        """Choose whether backward gets zeros, or None, for outputs without a gradient."""
        self.materialize = value

    @property
    def saved_tensors(self) -> tuple[Tensor | None, ...]:
        """The tensors that forward saved."""
        if self.freed:
            raise RuntimeError(FREED)
        return tuple(self._unpacked(*each) for each in self.saved)

    def _unpacked(self, saved: Saved | None, output: int | None) -> Tensor | None:
        if saved is None:
            return None
        tensor = saved.unpack()
        if output is not None:  # saved without its history, which would be a cycle
            tensor._node, tensor._output_nr, tensor._requires_grad = self, output, True
        return tensor

    def finish(self, outs: Sequence[Any]) -> None:
        """Connect the outputs to this step, and save what is to be saved."""
        self.outputs = [meta_of(each) for each in outs]
        for each in self.to_save:
            output = next((number for number, out in enumerate(outs) if out is each), None)
            kept = each if each is None or output is None else each.detach()
            self.saved.append((None if kept is None else Saved(kept, kept._node, kept._output_nr), output))
        for number, out in enumerate(outs):
            if not (out.dtype.is_floating_point or out.dtype.is_complex) or _among(out, self.non_differentiable):
                continue
            if _among(out, self.dirty):
                rebase(out, self)
            out._node, out._output_nr, out._requires_grad = self, number, True

    def release(self) -> None:
        self.freed = bool(self.saved)
        self.saved = []

    def __call__(self, grads: Grads, wanted: Sequence[bool]) -> Grads:
        if self.materialize:
            grads = [meta.zeros() if each is None else each for each, meta in zip(grads, self.outputs, strict=True)]
        results = self.function.backward(self, *grads)
        results = results if isinstance(results, tuple) else (results,)
        extra = results[len(self.edges) :]
        if len(results) < len(self.edges) or any(each is not None for each in extra):
            raise RuntimeError(
                f"function {self.name()} returned an incorrect number of gradients (expected {len(self.edges)}, got "
                f"{len(results)})"
            )
        return results[: len(self.edges)]


def _among(tensor: Tensor, tensors: Sequence[Tensor]) -> bool:
    return any(tensor is each for each in tensors)


class Function:
    """An op of the user's own: forward and backward are static methods, and apply calls it."""

    _node: ClassVar[type[FunctionNode]]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        warnings.warn(
            f"{type(self)} should not be instantiated. Methods on autograd functions are all static, so you should "
            "invoke them on the class itself. Instantiating an autograd function will raise an error in a future "
            "version of PyTorch.",
            DeprecationWarning,
            stacklevel=2,
        )

    def __call__(self, *args: Any) -> Any:
        """Refuse to be called: functions of the first versions were instances."""
        raise RuntimeError(
            "Legacy autograd function with non-static forward method is deprecated. Please use new-style autograd "
            "function with static forward method. (Example: "
            "https://pytorch.org/docs/stable/autograd.html#torch.autograd.Function)"
        )

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """Compute the results; takes ctx first, unless there is a setup_context."""
        raise NotImplementedError("You must implement the forward function for custom autograd.Function.")

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        """Save what backward needs, where forward does not take ctx."""
        raise NotImplementedError("setup_context is not implemented.")

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        """Turn gradients of the results into gradients of the inputs."""
        raise NotImplementedError(
            "You must implement either the backward or vjp method for your custom autograd.Function to use it with "
            "backward mode AD."
        )

    @classmethod
    def apply(cls, *args: Any) -> Any:
        """Call the function, and record the call."""
        node = _node_type(cls)(args)
        with no_grad():
            if cls.setup_context is Function.setup_context:
                result = cls.forward(node, *args)
            else:
                result = cls.forward(*args)
                cls.setup_context(node, args, result)
        if not any(node.needs_input_grad):
            return result
        results = result if isinstance(result, tuple) else (result,)
        # An input that is given back as it came is another tensor, with another history.
        given = [each for each in args if isinstance(each, Tensor) and not _among(each, node.dirty)]
        outs = [each.detach() if _among(each, given) else each for each in results]
        node.finish(outs)
        return tuple(outs) if isinstance(result, tuple) else outs[0]


def _node_type(function: type[Function]) -> type[FunctionNode]:
    """Give the class of a function's nodes, which bears its name."""
    if "_node" not in vars(function):
        function._node = type(f"{function.__name__}Backward", (FunctionNode,), {"function": function})
    return function._node


def once_differentiable(backward: Callable[..., Any]) -> Callable[..., Any]:
    """Record nothing in a backward that cannot be differentiated again."""
    return functools.wraps(backward)(lambda ctx, *grads: _without_history(backward, ctx, grads))


def _without_history(backward: Callable[..., Any], ctx: Any, grads: tuple[Any, ...]) -> Any:
    with no_grad():
        return backward(ctx, *grads)

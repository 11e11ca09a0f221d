"""torch.autograd.Function: ops with gradients of the user's own."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from assay_reference.core.engine import FREED, Grads, Node, edge_of, meta_of
from assay_reference.core.grad_mode import no_grad, records
from assay_reference.core.history import rebase
from assay_reference.core.recording import Saved
from assay_reference.core.tensor import Tensor
from assay_reference.ops.shape import alias


class FunctionNode(Node):
    """A recorded call of a Function, and what forward and backward pass between them as ctx."""

    function: ClassVar[type[Function]]

    def __init__(self, inputs: Sequence[Any]) -> None:
        self.needs_input_grad = tuple(isinstance(each, Tensor) and each.requires_grad for each in inputs)
        self.recorded = records() and any(self.needs_input_grad)
        self.tensors = [position for position, each in enumerate(inputs) if isinstance(each, Tensor)]
        super().__init__([edge_of(inputs[position]) for position in self.tensors] if self.recorded else (), ())
        self.materialize = True
        self.to_save: tuple[Tensor | None, ...] = ()
        self.saved: list[tuple[Saved | None, int | None]] = []  # with the number of the output that each is, if any
        self.dirty: tuple[Tensor, ...] = ()
        self.non_differentiable: tuple[Tensor, ...] = ()
        self.freed = False

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keep tensors for backward, guarded against changes in place."""
        for position, each in enumerate(tensors):
            if not isinstance(each, (Tensor, type(None))):
                raise TypeError(
                    f"save_for_backward can only save variables, but argument {position} is of type "
                    f"{type(each).__name__}"
                )
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
        self.outputs = [meta_of(each) if isinstance(each, Tensor) else None for each in outs]
        for each in self.to_save:
            output = next((number for number, out in enumerate(outs) if out is each), None)
            if each is None or output is None:
                self.saved.append((None if each is None else Saved(each), None))
            else:
                self.saved.append((Saved(each.detach(), (self, output)), output))
        for number, out in enumerate(outs):
            if not isinstance(out, Tensor) or _among(out, self.non_differentiable):
                continue
            if not out.dtype.is_differentiable:
                continue
            if _among(out, self.dirty):
                rebase(out, self)
                continue
            if out._base is not None:
                out._origin = "function"
            out._node, out._output_nr, out._requires_grad = self, number, True

    def release(self) -> None:
        self.freed = bool(self.saved)
        self.saved = []

    def __call__(self, grads: Grads, wanted: Sequence[bool]) -> Grads:
        if self.materialize:
            grads = [
                meta.zeros() if each is None and meta is not None else each
                for each, meta in zip(grads, self.outputs, strict=True)
            ]
        results = self.function.backward(self, *grads)
        results = results if isinstance(results, tuple) else (results,)
        count = len(self.needs_input_grad)
        if len(results) < count or any(each is not None for each in results[count:]):
            raise RuntimeError(
                f"function {self.name()} returned an incorrect number of gradients (expected {count}, got "
                f"{len(results)})"
            )
        for position, each in enumerate(results[:count]):
            if each is not None and position not in self.tensors:
                raise RuntimeError(
                    f"function {self.name()} returned a gradient different than None at position {position + 1}, but "
                    "the corresponding forward input was not a Variable"
                )
            if not isinstance(each, (Tensor, type(None))):
                raise RuntimeError(f"expected Variable or None (got {type(each).__name__})")
        return [results[position] for position in self.tensors]

    def check_dirty(self, outs: Sequence[Any]) -> None:
        """Refuse changes in place of inputs that are not returned, or of leaves."""
        if not all(_among(each, outs) for each in self.dirty):
            raise RuntimeError(
                "Some elements marked as dirty during the forward method were not returned as output. The inputs that "
                "are modified inplace must all be outputs of the Function."
            )
        if self.recorded and any(each.requires_grad and each.is_leaf for each in self.dirty):
            raise RuntimeError("a leaf Variable that requires grad has been used in an in-place operation.")


def _among(tensor: Any, tensors: Sequence[Any]) -> bool:
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
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Call the function, and record the call."""
        node = _node_type(cls)(args)
        with no_grad():
            if cls.setup_context is Function.setup_context:
                result = cls.forward(node, *args, **kwargs)
            else:
                result = cls.forward(*args, **kwargs)
                cls.setup_context(node, args, result)
        outs = list(result) if isinstance(result, tuple) else [result]
        node.check_dirty(outs)
        for each in node.dirty:
            each._storage.version += 1
        if not node.recorded:
            return result
        # An input that is given back as it came is another tensor, with another history.
        given = [each for each in args if isinstance(each, Tensor) and not _among(each, node.dirty)]
        fixed = [_among(each, node.non_differentiable) for each in outs]
        outs = [alias(each) if _among(each, given) else each for each in outs]
        node.non_differentiable = tuple(each for each, is_fixed in zip(outs, fixed, strict=True) if is_fixed)
        node.finish(outs)
        return tuple(outs) if isinstance(result, tuple) else outs[0]


def _node_type(function: type[Function]) -> type[FunctionNode]:
    """Return the class of a function's nodes, which has the function's name."""
    if "_node" not in vars(function):
        function._node = type(f"{function.__name__}Backward", (FunctionNode,), {"function": function})
    return function._node


def once_differentiable(backward: Callable[..., Any]) -> Callable[..., Any]:
    """Record nothing in a backward that cannot be differentiated again."""
    return functools.wraps(backward)(lambda ctx, *grads: _without_history(backward, ctx, grads))


def _without_history(backward: Callable[..., Any], ctx: Any, grads: tuple[Any, ...]) -> Any:
    with no_grad():
        return backward(ctx, *grads)

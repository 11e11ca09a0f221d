"""The history of tensors: where gradients come from and go to, and what views and writes in place do to it.

A tensor that was computed knows the recorded step that made it; one that was not is a leaf, which keeps its gradient. A
view takes part in the history of its base: a write to either is recorded as a step of the base's, after which the
history of every view is recorded anew when it is next read.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

from assay_reference.core.engine import (
    FREED,
    Grads,
    Hook,
    Node,
    RemovableHandle,
    accumulated_hooks,
    edge_of,
    leaf_hooks,
    meta_of,
)
from assay_reference.core.grad_mode import enable_grad, inference, recording
from assay_reference.core.strides import is_dense, laid_out
from assay_reference.core.tensor import Tensor, attach, method

AMBIGUOUS: Final = (
    "Given that this use case is ambiguous and error-prone, it is forbidden. You can clarify your code by moving both "
    "the view and the inplace either both inside the {mode} block (if you don't want the inplace to be tracked) or "
    "both outside (if you want the inplace to be tracked)."
)
ORIGINS: Final = {  # why a view may not be written to, by where it was made
    "no_grad": AMBIGUOUS.format(mode="no_grad"),
    "inference": AMBIGUOUS.format(mode="inference_mode"),
    "several": (
        "This view is the output of a function that returns multiple views. Such functions do not allow the output "
        "views to be modified inplace. You should replace the inplace operation by an out-of-place one."
    ),
    "function": (
        "This view was created inside a custom Function (or because an input was returned as-is) and the autograd "
        "logic to handle view+inplace would override the custom backward associated with the custom Function, leading "
        "to incorrect gradients. This behavior is forbidden. You can fix this by cloning the output of the custom "
        "Function."
    ),
}
NOT_LEAF: Final = (
    "you can only change requires_grad flags of leaf variables. If you want to use a computed variable in a subgraph "
    "that doesn't require differentiation use var_no_grad = var.detach()."
)
GRAD_OF_RESULT: Final = (
    "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its .grad attribute won't be "
    "populated during autograd.backward(). If you indeed want the .grad field to be populated for a non-leaf Tensor, "
    "use .retain_grad() on the non-leaf Tensor. If you access the non-leaf Tensor by mistake, make sure you access the "
    "leaf Tensor instead. See github.com/pytorch/pytorch/pull/30531 for more information."
)
NEVER: Final = -1  # the version of no memory

# The views that lead from a base to a view: of each the op, its further arguments, and which of its results it is.
Chain: TypeAlias = "tuple[tuple[Any, tuple[Any, ...], int], ...]"


# -- the history of a tensor ------------------------------------------------------------------------------------------


def grad_fn(self: Tensor) -> Node | None:
    """Return the recorded step that made the tensor; None for a leaf."""
    if self._base is not None and self._seen_version != self._storage.version:
        refresh_history(self)
    return self._node  # type: ignore[no-any-return]


def requires_grad(self: Tensor) -> bool:
    """Return whether operations on the tensor are recorded."""
    if self._requires_grad or self._base is None:
        return self._requires_grad
    return self._base.requires_grad and self.dtype.is_differentiable


def set_requires_grad(self: Tensor, wanted: bool) -> None:
    """Choose whether operations on a leaf are recorded."""
    if not isinstance(wanted, bool):
        raise RuntimeError("requires_grad must be a bool")
    if not wanted and not self.is_leaf:
        raise RuntimeError(NOT_LEAF)
    if wanted and not self.dtype.is_differentiable:
        raise RuntimeError("only Tensors of floating point and complex dtype can require gradients")
    if wanted and self._storage.inference and not inference.get():
        raise RuntimeError("Setting requires_grad=True on inference tensor outside InferenceMode is not allowed.")
    self._requires_grad = bool(wanted)


def grad(self: Tensor) -> Tensor | None:
    """Return the gradient that has been accumulated."""
    if self._grad is None and not self.is_leaf and not self.retains_grad:
        warnings.warn(GRAD_OF_RESULT, UserWarning, stacklevel=2)
    return self._grad


def set_grad(self: Tensor, grad: Tensor | None) -> None:
    """Put another gradient there, or none."""
    if grad is not None:
        check_grad(self, grad)
    self._grad = grad


def delete_grad(self: Tensor) -> None:
    """Drop the gradient."""
    self._grad = None


def retains_grad(self: Tensor) -> bool:
    """Return whether the tensor keeps its gradient though it is no leaf."""
    return self._node is not None and self._node.retained.get(self._output_nr) is self


attach("grad_fn", property(grad_fn))
attach("output_nr", property(lambda self: self._output_nr))
attach("is_leaf", property(lambda self: self.grad_fn is None))
attach("requires_grad", property(requires_grad, set_requires_grad))
attach("grad", property(grad, set_grad, delete_grad))
attach("retains_grad", property(retains_grad))


@method
def requires_grad_(self: Tensor, requires_grad: bool = True) -> Tensor:
    """Choose whether gradients are wanted."""
    if not isinstance(requires_grad, bool):
        kind = type(requires_grad).__name__
        raise TypeError(f"requires_grad_(): argument 'requires_grad' (position 1) must be bool, not {kind}")
    if requires_grad and not self.dtype.is_differentiable:
        raise RuntimeError("only Tensors of floating point dtype can require gradients")
    self.requires_grad = requires_grad
    return self


@method
def retain_grad(self: Tensor) -> None:
    """Keep the gradient in .grad, as if this were a leaf."""
    if not self.requires_grad:
        raise RuntimeError("can't retain_grad on Tensor that has requires_grad=False")
    node = self.grad_fn
    if node is not None:
        node.retained[self._output_nr] = self


@method
def detach(self: Tensor) -> Tensor:
    """Return the same memory without the history."""
    return Tensor._wrap(self._array, self.device, self._storage)


@method
def detach_(self: Tensor) -> Tensor:
    """Forget the history."""
    if self._base is not None:
        raise RuntimeError(
            "Can't detach views in-place. Use detach() instead. If you are using DistributedDataParallel (DDP) for "
            "training, and gradient_as_bucket_view is set as True, gradients are views of DDP buckets, and hence "
            "detach_() cannot be called on these gradients. To fix this error, please refer to the "
            "Optimizer.zero_grad() function in torch/optim/optimizer.py as the solution."
        )
    self._node, self._output_nr, self._requires_grad = None, 0, False
    return self


@method
def register_hook(self: Tensor, hook: Hook) -> RemovableHandle:
    """Call a function with the gradient when it is known; what it returns, if anything, replaces the gradient."""
    if not self.requires_grad:
        raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
    node = self.grad_fn
    hooks = leaf_hooks(self) if node is None else node.hooks.setdefault(self._output_nr, {})
    return RemovableHandle(hooks, hook)


@method
def register_post_accumulate_grad_hook(self: Tensor, hook: Callable[[Tensor], None]) -> RemovableHandle:
    """Call a function with this leaf after its .grad has been added to."""
    if not self.requires_grad or self.grad_fn is not None:
        raise RuntimeError("post accumulate grad hooks cannot be registered on non-leaf tensors")
    return RemovableHandle(accumulated_hooks(self), hook)


def check_grad(tensor: Tensor, grad: Tensor) -> None:
    """Refuse what cannot be a tensor's gradient."""
    if not isinstance(grad, Tensor):
        raise TypeError(f"assigned grad expected to be a Tensor or None but got grad of type {type(grad).__name__}")
    if grad is tensor:
        raise RuntimeError("can't assign Variable as its own grad")
    if grad.dtype is not tensor.dtype:
        raise RuntimeError(
            f"attempting to assign a gradient with dtype '{grad.dtype.c_name}' to a tensor with "
            f"grad_dtype '{tensor.dtype.title}'. The gradient must match the tensor's grad_dtype (defaults to the "
            "tensor's dtype). You can set the tensor's grad_dtype attribute with a specific dtype, or None to allow "
            "any dtype. Set grad_dtype with caution. Diverging the dtypes of a tensor and its gradient may break "
            "downstream systems that assume they match."
        )
    if grad._array.shape != tensor._array.shape:
        raise RuntimeError(
            f"attempting to assign a gradient of size '{list(grad.shape)}' to a tensor of size '{list(tensor.shape)}'. "
            "Please ensure that the gradient and the tensor are the same size"
        )


# -- what views and writes do to it ------------------------------------------------------------------------------------


class CopySlices(Node):
    """A write into a view, as its base sees it: what was overwritten has no more influence."""

    def __init__(self, base: Tensor, written: Node, chain: Chain) -> None:
        super().__init__((edge_of(base), *written.edges[1:]), (meta_of(base),))
        self.written, self.chain, self.freed = written, chain, False
        self.strides = base._array.strides if is_dense(base._array) else None

    def release(self) -> None:
        self.freed = True
        self.written.release()

    def __call__(self, grads: Grads, wanted: Sequence[bool]) -> Grads:
        if self.freed:
            raise RuntimeError(FREED)
        grad = grads[0]
        if grad is None:
            return [None] * len(self.edges)
        part, *others = self.written([_replayed(grad, self.chain).clone()], wanted)
        if not wanted[0]:
            return [None, *others]
        whole = grad.new_zeros(tuple(grad.shape)).copy_(grad)
        if self.strides is not None and not recording.get():  # as the base lies in memory
            with whole.device.current():
                whole = Tensor._wrap(laid_out(whole._array, self.strides), whole.device, keeps_strides=True)
        before = _replayed(whole, self.chain)
        if part is None:
            before.zero_()
        else:
            before.copy_(part)
        return [whole, *others]


def _replayed(base: Tensor, chain: Chain) -> Tensor:
    """Take the same view of another tensor."""
    view = base
    for op, rest, number in chain:
        taken = op.perform([view, *rest])
        view = taken[number] if isinstance(taken, tuple) else taken
    return view


def _taken_again(base: Tensor, view: Tensor) -> Tensor:
    """Take again a view that exists, by its location in memory if it has the element type of its base."""
    if base.dtype is view.dtype:
        return base.as_strided(tuple(view.shape), view.stride(), view.storage_offset())  # type: ignore[no-any-return]
    return _replayed(base, view._chain)


def refresh_history(view: Tensor) -> None:
    """Record a view anew after a write to the memory that it shares."""
    base = view._base
    if base is None or (view._node is None and not base.requires_grad):
        return  # it may come to require a gradient, and then the view is out of date
    refuse_ambiguous(view, "its base or another view of its base has been modified inplace")
    view._seen_version = view._storage.version
    with enable_grad():
        fresh = _taken_again(base if base.requires_grad else base.detach().requires_grad_(), view)
    if not base.requires_grad:  # the view is one of a leaf that is a view itself, from which nothing flows on
        fresh._node.edges = (None,)
    view._node, view._output_nr, view._requires_grad = fresh._node, fresh._output_nr, True


def rebase(target: Tensor, node: Node) -> None:
    """Make a tensor the result of an in-place step, and its base, if it is a view, the result of a write into it."""
    base = target._base
    if base is None:
        set_history(target, node)
    else:
        set_history(base, CopySlices(base, node, target._chain))
        target._requires_grad, target._seen_version = True, NEVER


def set_history(tensor: Tensor, node: Node) -> None:
    """Make a step the one that made a tensor; the tensor goes on to retain its gradient, if it did."""
    if tensor.retains_grad and tensor._node is not None:
        del tensor._node.retained[tensor._output_nr]
        node.retained[0] = tensor
    tensor._node, tensor._output_nr, tensor._requires_grad = node, 0, True


def check_writable(target: Tensor, recorded: bool) -> None:
    """Refuse an in-place change that would make the recorded history wrong."""
    if target._storage.inference and not inference.get():
        raise RuntimeError(
            "Inplace update to inference tensor outside InferenceMode is not allowed.You can make a clone to get a "
            "normal tensor before doing inplace update.See https://github.com/pytorch/rfcs/pull/17 for more details."
        )
    if not recorded:
        return
    base = target._base
    if base is not None:
        refuse_ambiguous(target, "is being modified inplace")
        if target.requires_grad and base.is_leaf:
            raise RuntimeError("a view of a leaf Variable that requires grad is being used in an in-place operation.")
    if target.requires_grad and target.is_leaf:
        raise RuntimeError("a leaf Variable that requires grad is being used in an in-place operation.")


def refuse_ambiguous(view: Tensor, what: str) -> None:
    """Refuse a write after which it is not clear what a view's history is."""
    if not view._origin:
        return
    node = view._node
    if view._origin == "inference":
        subject = f"A view was created in inference mode and {what} in normal mode."
    elif node is None or view._origin == "no_grad":
        subject = f"A view was created in no_grad mode and {what} with grad mode enabled."
    else:
        subject = f"Output {view._output_nr} of {node.name().rsplit('Backward', 1)[0]} is a view and {what}."
    raise RuntimeError(f"{subject} {ORIGINS[view._origin]}")

"""How a call of an op becomes a node of the autograd graph, and what a write does to the graph."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeAlias

from assay_reference.dtypes import dtype
from assay_reference.engine import FREED, STALE, Edge, Grads, Node, edge_of, meta_of
from assay_reference.grad_mode import enable_grad, inference
from assay_reference.tensor import Tensor

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
UNDERIVED: Final = "NotImplemented"  # the name of a recorded call through which no gradient flows back
NEVER: Final = -1  # the version of no memory

if TYPE_CHECKING:
    from assay_reference.ops import Op, ViewOp


class Rule:
    """A gradient rule; the names of its parameters say what it needs."""

    def __init__(self, op: Op, function: Callable[..., Any]) -> None:
        self.function = function
        names = list(inspect.signature(function).parameters)
        unknown = set(names) - {"grad", "out", "shape", *op.names}
        if names[:1] != ["grad"] or unknown:
            raise TypeError(
                f"{op.name}: a gradient rule takes grad, then any of out, shape, "
                f"{', '.join(op.names)}; not {', '.join(names)}"
            )
        self.needs_out = "out" in names
        self.needs_shape = "shape" in names
        self.needs = tuple(each for each in names if each not in ("grad", "out", "shape"))

    def __call__(self, grad: Any, node: OpNode) -> Any:
        needed = {name: _unpacked(node.saved[name]) for name in self.needs}
        if self.needs_shape:
            needed["shape"] = node.shape
        if self.needs_out:
            outs = tuple(_unpacked(each) for each in node.saved_outs)
            for number, each in enumerate(outs):  # saved without their history, which would be a cycle
                if number in node.differentiable:
                    each._node, each._output_nr, each._requires_grad = node, number, True
            needed["out"] = outs if len(outs) > 1 else outs[0]
        return self.function(grad, **needed)


class Saved:
    """A tensor that a gradient rule will need, and the version in which it needs it."""

    __slots__ = ("maker", "tensor", "version")

    def __init__(self, tensor: Tensor, maker: tuple[Node, int] | None = None) -> None:
        if tensor._storage.inference:
            raise RuntimeError(
                "Inference tensors cannot be saved for backward. Please do not use Tensors created in inference mode "
                "in computation tracked by autograd. To work around this, you can make a clone to get a normal tensor "
                "and use it in autograd, or use `torch.no_grad()` instead of `torch.inference_mode()`."
            )
        self.tensor = tensor
        self.version = tensor._storage.version
        self.maker = maker  # of a result, which is saved without its history, and the number that it has there

    def unpack(self) -> Tensor:
        """Return the tensor, if it is still what it was."""
        if self.tensor._storage.version != self.version:
            raise RuntimeError(
                STALE.format(
                    type=self.tensor.type(),
                    shape=list(self.tensor.shape),
                    source=self._source(),
                    now=self.tensor._storage.version,
                    then=self.version,
                )
            )
        return self.tensor

    def _source(self) -> str:
        node, number = self.maker or (self.tensor.grad_fn, self.tensor.output_nr)
        return "" if node is None else f", which is output {number} of {node.name().split('Backward')[0]},"


def _shape(value: Any) -> tuple[Any, ...]:
    """Return a tensor's shape, or the shapes of several; unlike the tensor itself, nothing can make it stale."""
    if isinstance(value, Tensor):
        return tuple(value._array.shape)
    return tuple(map(_shape, value)) if isinstance(value, tuple) else ()


def _saved(value: Any) -> Any:
    if isinstance(value, Tensor):
        return Saved(value)
    if isinstance(value, tuple) and any(isinstance(each, Tensor) for each in value):
        return tuple(_saved(each) for each in value)
    return value


def _unpacked(saved: Any) -> Any:
    if isinstance(saved, Saved):
        return saved.unpack()
    if isinstance(saved, tuple):
        return tuple(_unpacked(each) for each in saved)
    return saved


class OpNode(Node):
    """A recorded call of an op."""

    op: ClassVar[Op]

    def __init__(
        self, edges: Mapping[str, Sequence[Edge | None]], outs: Sequence[Tensor], values: Sequence[Any]
    ) -> None:
        super().__init__([each for group in edges.values() for each in group], [meta_of(each) for each in outs])
        self.operands = [(name, len(each)) for name, each in edges.items()]
        self.differentiable = [place for place, each in enumerate(outs) if is_differentiable(each.dtype)]
        self.saved_outs: tuple[Saved, ...] = ()
        self.freed = False
        self.shape = _shape(values[self.op.operands[0]])
        self.rules = self.op.rules_for(values)
        needed = {name for rule in self.rules for name in rule.needs}
        self.saved = {name: _saved(values[self.op.parameters.index[name]]) for name in needed}

    def save_outputs(self, outs: Sequence[Tensor]) -> None:
        """Save the results too, if a rule asks for them."""
        if any(rule.needs_out for rule in self.rules):
            self.saved_outs = tuple(Saved(each.detach(), (self, number)) for number, each in enumerate(outs))

    def release(self) -> None:
        self.freed = bool(self.saved_outs) or any(isinstance(each, (Saved, tuple)) for each in self.saved.values())
        if self.freed:
            self.saved, self.saved_outs = {}, ()

    def __call__(self, grads: Grads, wanted: Sequence[bool]) -> Grads:
        if type(self).__name__ == UNDERIVED:
            raise RuntimeError(f"derivative for aten::{self.op.name} is not implemented")
        if self.freed:
            raise RuntimeError(FREED)
        given = [(grads[place], self.outputs[place]) for place in self.differentiable]
        defined = [meta.zeros() if grad is None and meta is not None else grad for grad, meta in given]
        grad = defined[0] if len(defined) == 1 else tuple(defined)
        if self.op.joint_rule is not None:
            return self._flat(self.op.joint_rule(grad, self))
        results: list[Tensor | None] = []
        for name, count in self.operands:
            if not any(wanted[len(results) : len(results) + count]):
                results += [None] * count
            else:
                result = self.op.rules[name](grad, self)
                results += result if isinstance(result, (tuple, list)) else [result]
        return results

    def _flat(self, results: Any) -> list[Tensor | None]:
        """Line up what a joint rule gave, an entry for each operand of the op, with the edges."""
        if len(self.op.operands) == 1 and self.op.operands[0] not in self.op.parameters.lists:
            return [results]
        entries = results if len(self.op.operands) > 1 else (results,)
        present = {name for name, _ in self.operands}
        flat: list[Tensor | None] = []
        for place, entry in zip(self.op.operands, entries, strict=True):
            if self.op.names[place] in present:
                flat += entry if place in self.op.parameters.lists else [entry]
        return flat


class CopySlices(Node):
    """A write into a view, as its base sees it: what was overwritten has no more influence."""

    def __init__(self, base: Tensor, written: Node, chain: Chain) -> None:
        super().__init__((edge_of(base), *written.edges[1:]), (meta_of(base),))
        self.written, self.chain = written, chain

    def release(self) -> None:
        self.written.release()

    def __call__(self, grads: Grads, wanted: Sequence[bool]) -> Grads:
        grad = grads[0]
        if grad is None:
            return [None] * len(self.edges)
        part, *others = self.written([_replayed(grad, self.chain).clone()], wanted)
        if not wanted[0]:
            return [None, *others]
        whole = grad.clone()
        before = _replayed(whole, self.chain)
        if part is None:
            before.zero_()
        else:
            before.copy_(part)
        return [whole, *others]


Chain: TypeAlias = "tuple[tuple[ViewOp, tuple[Any, ...], int], ...]"


def _replayed(base: Tensor, chain: Chain) -> Tensor:
    """Take the same view of another tensor."""
    view = base
    for op, rest, number in chain:
        taken = op.perform([view, *rest])
        view = taken[number] if isinstance(taken, tuple) else taken
    return view


def _taken_again(base: Tensor, view: Tensor) -> Tensor:
    """Take a view that is there already, by its place in memory if the elements are the same."""
    if base.dtype is view.dtype:
        return base.as_strided(tuple(view.shape), view.stride(), view.storage_offset())  # type: ignore[no-any-return]
    return _replayed(base, view._chain)


def refresh_history(view: Tensor) -> None:
    """Record a view anew after a write to the memory that it shares."""
    base = view._base
    if base is None or not base.requires_grad:
        view._seen_version = view._storage.version
        return
    refuse_ambiguous(view, "its base or another view of its base has been modified inplace")
    view._seen_version = view._storage.version
    with enable_grad():
        fresh = _taken_again(base, view)
    view._node, view._output_nr, view._requires_grad = fresh._node, fresh._output_nr, True


def rebase(target: Tensor, node: Node) -> None:
    """Make a tensor the result of an in-place step, and its base, if it is a view, the result of a write into it."""
    base = target._base
    if base is None:
        _lead(target, node)
    else:
        _lead(base, CopySlices(base, node, target._chain))
        target._requires_grad, target._seen_version = True, NEVER


def _lead(tensor: Tensor, node: Node) -> None:
    """Return a tensor another history; it goes on to retain its gradient, if it did."""
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
        subject = f"Output {view._output_nr} of {node.name().split('Backward')[0]} is a view and {what}."
    raise RuntimeError(f"{subject} {ORIGINS[view._origin]}")


def is_differentiable(of: dtype) -> bool:
    """Return whether a type has gradients."""
    return of.is_floating_point or of.is_complex

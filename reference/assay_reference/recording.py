"""How a call of an op becomes a node of the autograd graph, and what a write does to the graph."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from assay_reference.dtypes import dtype
from assay_reference.engine import FREED, STALE, Edge, Grads, Node, edge_of, enable_grad, inference, meta_of, records
from assay_reference.tensor import Tensor

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

    __slots__ = ("source", "tensor", "version")

    def __init__(self, tensor: Tensor, source: Node | None, output: int) -> None:
        if tensor._storage.inference:
            raise RuntimeError(
                "Inference tensors cannot be saved for backward. Please do not use Tensors created in inference mode "
                "in computation tracked by autograd. To work around this, you can make a clone to get a normal tensor "
                "and use it in autograd, or use `torch.no_grad()` instead of `torch.inference_mode()`."
            )
        self.tensor = tensor
        self.version = tensor._storage.version
        self.source = "" if source is None else f", which is output {output} of {source.name().split('Backward')[0]},"

    def unpack(self) -> Tensor:
        """Give the tensor, if it is still what it was."""
        if self.tensor._storage.version != self.version:
            raise RuntimeError(
                STALE.format(
                    type=self.tensor.type(),
                    shape=list(self.tensor.shape),
                    source=self.source,
                    now=self.tensor._storage.version,
                    then=self.version,
                )
            )
        return self.tensor


def _shape(value: Any) -> tuple[Any, ...]:
    """Give a tensor's shape, or the shapes of several; unlike the tensor itself, nothing can make it stale."""
    if isinstance(value, Tensor):
        return tuple(value._array.shape)
    return tuple(map(_shape, value)) if isinstance(value, tuple) else ()


def _saved(value: Any) -> Any:
    if isinstance(value, Tensor):
        return Saved(value, value._node, value._output_nr)
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

    def __init__(self, edges: Sequence[Edge | None], outs: Sequence[Tensor], values: Sequence[Any]) -> None:
        super().__init__(edges, [meta_of(each) for each in outs])
        self.differentiable = [place for place, each in enumerate(outs) if is_differentiable(each.dtype)]
        self.saved_outs: tuple[Saved, ...] = ()
        self.freed = False
        self.shape = _shape(values[self.op.operands[0]])
        self.operands: list[tuple[str, int]] = []  # the name of each operand that is there, and of how many tensors
        for place in self.op.operands:
            value = values[place]
            if isinstance(value, (Tensor, tuple)):
                self.operands.append((self.op.names[place], len(value) if isinstance(value, tuple) else 1))
        self.rules = self.op.rules_for(values)
        needed = {name for rule in self.rules for name in rule.needs}
        self.saved = {name: _saved(values[self.op.parameters.index[name]]) for name in needed}

    def save_outputs(self, outs: Sequence[Tensor]) -> None:
        """Save the results too, if a rule asks for them."""
        if any(rule.needs_out for rule in self.rules):
            self.saved_outs = tuple(Saved(each.detach(), self, number) for number, each in enumerate(outs))

    def release(self) -> None:
        self.freed = bool(self.saved_outs) or any(isinstance(each, (Saved, tuple)) for each in self.saved.values())
        if self.freed:
            self.saved, self.saved_outs = {}, ()

    def __call__(self, grads: Grads, wanted: Sequence[bool]) -> Grads:
        if self.freed:
            raise RuntimeError(FREED)
        given = [(grads[place], self.outputs[place]) for place in self.differentiable]
        defined = [meta.zeros() if grad is None else grad for grad, meta in given]
        grad = defined[0] if len(defined) == 1 else tuple(defined)
        if self.op.joint_rule is not None:
            return self._flat(self.op.joint_rule(grad, self))
        results: list[Tensor | None] = []
        for name, count in self.operands:
            rule = self.op.rules.get(name)
            if rule is None or not any(wanted[len(results) : len(results) + count]):
                results += [None] * count
            else:
                result = rule(grad, self)
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
        super().__init__((edge_of(base), Edge(written, 0)), (meta_of(base),))
        self.chain = chain

    def __call__(self, grads: Grads, wanted: Sequence[bool]) -> Grads:
        grad = grads[0]
        if grad is None:
            return None, None
        kept = None
        if wanted[0]:
            kept = grad.clone()
            _replayed(kept, self.chain).zero_()
        return kept, _replayed(grad, self.chain).clone() if wanted[1] else None


Chain: TypeAlias = "tuple[tuple[ViewOp, tuple[Any, ...], int], ...]"


def _replayed(base: Tensor, chain: Chain) -> Tensor:
    """Take the same view of another tensor."""
    view = base
    for op, rest, number in chain:
        taken = op.perform([view, *rest])
        view = taken[number] if isinstance(taken, tuple) else taken
    return view


def refresh_history(view: Tensor) -> None:
    """Record a view anew after a write to the memory that it shares."""
    base = view._base
    if base is None or not base.requires_grad:
        view._seen_version = view._storage.version
        return
    refuse_ambiguous(view, "its base or another view of its base has been modified inplace")
    view._seen_version = view._storage.version
    with enable_grad():
        fresh = _replayed(base, view._chain)
    view._node, view._output_nr, view._requires_grad = fresh._node, fresh._output_nr, True


def rebase(target: Tensor, node: Node) -> None:
    """Make a tensor the result of an in-place step, and its base, if it is a view, the result of a write into it."""
    base = target._base
    if base is not None:
        base._node, base._output_nr = CopySlices(base, node, target._chain), 0
        base._requires_grad = True
    target._node, target._output_nr, target._requires_grad = node, 0, True
    target._seen_version = target._storage.version


def check_writable(target: Tensor) -> None:
    """Refuse an in-place change that would make the recorded history wrong."""
    if target._storage.inference and not inference.get():
        raise RuntimeError(
            "Inplace update to inference tensor outside InferenceMode is not allowed.You can make a clone to get a "
            "normal tensor before doing inplace update.See https://github.com/pytorch/rfcs/pull/17 for more details."
        )
    if not records():
        return
    base = target._base
    if base is not None and (target.requires_grad or base.requires_grad):
        refuse_ambiguous(target, "is being modified inplace")
        if base._requires_grad and base._node is None:
            raise RuntimeError("a view of a leaf Variable that requires grad is being used in an in-place operation.")
    if target._requires_grad and target.grad_fn is None:
        raise RuntimeError("a leaf Variable that requires grad is being used in an in-place operation.")


def refuse_ambiguous(view: Tensor, what: str) -> None:
    """Refuse a write after which it is not clear what a view's history is."""
    if view._made_without_grad:
        raise RuntimeError(
            f"A view was created in no_grad mode and {what} with grad mode enabled. Given that this use case is "
            "ambiguous and error-prone, it is forbidden. You can clarify your code by moving both the view and the "
            "inplace either both inside the no_grad block (if you don't want the inplace to be tracked) or both "
            "outside (if you want the inplace to be tracked)."
        )
    if view._view_of_several and view._node is not None:
        raise RuntimeError(
            f"Output {view._output_nr} of {view._node.name().split('Backward')[0]} is a view and {what}. This view is "
            "the output of a function that returns multiple views. Such functions do not allow the output views to be "
            "modified inplace. You should replace the inplace operation by an out-of-place one."
        )


def is_differentiable(of: dtype) -> bool:
    """Tell whether a type has gradients."""
    return of.is_floating_point or of.is_complex

"""How a call of an op becomes a node of the autograd graph."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Final

from assay_reference.core.engine import FREED, STALE, Edge, Grads, Node, meta_of
from assay_reference.core.layouts import Packed
from assay_reference.core.tensor import Tensor

DETACHED: Final = (
    "Trying to use a saved tensor that has been detached in-place, i.e. with .detach_().This is not supported, please "
    "use out-of-place `.detach()` instead"
)
UNDERIVED: Final = "NotImplemented"  # the name of a recorded call through which no gradient flows back

if TYPE_CHECKING:
    from assay_reference.core.op import Op


class Rule:
    """A gradient rule; the names of its parameters say what it needs."""

    def __init__(self, op: Op, function: Callable[..., Any]) -> None:
        self.function = function
        names = list(inspect.signature(function).parameters)
        parts = op.fields
        unknown = set(names) - {"grad", "out", "shape", "strides", *op.names, *parts}
        if names[:1] != ["grad"] or unknown:
            raise TypeError(
                f"{op.name}: a gradient rule takes grad, then any of out, shape, "
                f"{', '.join((*parts, *op.names))}; not {', '.join(names)}"
            )
        self.needs_out = "out" in names
        self.needs_shape = "shape" in names
        self.needs_strides = "strides" in names
        self.needs_parts = tuple(each for each in names if each in parts and each not in op.names)
        self.needs = tuple(each for each in names if each not in ("grad", "out", "shape", "strides", *self.needs_parts))

    def __call__(self, grad: Any, node: OpNode) -> Any:
        needed = {name: _unpacked(node.saved[name]) for name in self.needs}
        if self.needs_shape:
            needed["shape"] = node.shape
        if self.needs_strides:
            needed["strides"] = node.strides
        if self.needs_out:
            outs = tuple(node.output(number) for number in range(len(node.outputs)))
            needed["out"] = outs if len(outs) > 1 else outs[0]
        for part in self.needs_parts:
            needed[part] = node.output(node.op.fields.index(part))
        return self.function(grad, **needed)


class Saved:
    """A tensor that a gradient rule needs, and the version in which it needs it."""

    __slots__ = ("maker", "recorded", "tensor", "version")

    def __init__(self, tensor: Tensor, maker: tuple[Node, int] | None = None) -> None:
        if tensor._storage.inference:
            raise RuntimeError(
                "Inference tensors cannot be saved for backward. Please do not use Tensors created in inference mode "
                "in computation tracked by autograd. To work around this, you can make a clone to get a normal tensor "
                "and use it in autograd, or use `torch.no_grad()` instead of `torch.inference_mode()`."
            )
        self.tensor = tensor
        self.version = tensor._storage.version
        self.recorded = tensor._node is not None
        self.maker = maker  # of a result, which is saved without its history, and the number that it has there

    def unpack(self) -> Tensor:
        """Return the tensor, if it is still what it was."""
        if self.recorded and self.tensor._node is None:
            raise RuntimeError(DETACHED)
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
    """Return a tensor's shape, or the shapes of several, which no write can make stale."""
    if isinstance(value, Tensor):
        return tuple(value._array.shape)
    return tuple(map(_shape, value)) if isinstance(value, tuple) else ()


def _strides(tensor: Tensor) -> tuple[int, ...]:
    """Return a tensor's strides, of which one that is not strided has none."""
    return () if isinstance(tensor._array, Packed) else tensor.stride()


def _saved(value: Any) -> Any:
    if isinstance(value, Tensor):
        return Saved(value)
    if isinstance(value, tuple) and any(isinstance(each, Tensor) for each in value):
        return tuple(_saved(each) for each in value)
    return value


def _holds_tensors(saved: Any) -> bool:
    return isinstance(saved, Saved) or (isinstance(saved, tuple) and any(map(_holds_tensors, saved)))


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
        self.differentiable = [position for position, each in enumerate(outs) if each.dtype.is_differentiable]
        self.saved_outs: dict[int, Saved] = {}
        self.freed = False
        self.shape = _shape(values[self.op.operands[0]])
        self.rules = self.op.rules_of(values)
        self.strides: tuple[Any, ...] = ()
        if any(rule.needs_strides for rule in self.rules):
            self.strides = tuple(_strides(values[position]) for position in self.op.operands)
        self.saved = {name: _saved(values[self.op.parameters.index[name]]) for name in self.op.needed(values)}

    def save_outputs(self, outs: Sequence[Tensor]) -> None:
        """Save the results too, if a rule asks for them, be its gradient wanted or not."""
        parts = {self.op.fields.index(part) for rule in self.rules for part in rule.needs_parts}
        for number, each in enumerate(outs):
            if number in parts or any(rule.needs_out for rule in self.rules):
                self.saved_outs[number] = Saved(each.detach(), (self, number))

    def output(self, number: int) -> Tensor:
        """Return a saved result, with the history that it was saved without, since that would be a cycle."""
        result = self.saved_outs[number].unpack()
        if number in self.differentiable:
            result._node, result._output_nr, result._requires_grad = self, number, True
        return result

    def release(self) -> None:
        self.freed = bool(self.saved_outs) or any(
            _holds_tensors(each) or self.op.saves_number(name, each) for name, each in self.saved.items()
        )
        if self.freed:
            self.saved, self.saved_outs = {}, {}

    def __call__(self, grads: Grads, wanted: Sequence[bool]) -> Grads:
        if type(self).__name__ == UNDERIVED:
            raise RuntimeError(f"derivative for aten::{self.op.name} is not implemented")
        if self.freed:
            raise RuntimeError(FREED)
        for each in (*self.saved.values(), *self.saved_outs.values()):
            _unpacked(each)  # whether or not this pass needs it, as PyTorch does
        given = [(grads[position], self.outputs[position]) for position in self.differentiable]
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
        """Line up the results of a joint rule, one for each operand of the op, with the edges."""
        if len(self.op.operands) == 1 and self.op.operands[0] not in self.op.parameters.lists:
            return [results]
        entries = results if len(self.op.operands) > 1 else (results,)
        present = {name for name, _ in self.operands}
        flat: list[Tensor | None] = []
        for position, entry in zip(self.op.operands, entries, strict=True):
            if self.op.names[position] in present:
                flat += entry if position in self.op.parameters.lists else [entry]
        return flat

"""The autograd engine: a graph of recorded steps, walked backwards.

Every recorded step is a Node. Its edges lead to the steps that made its inputs, and so always to nodes that are older
than itself. Walking from the newest node to the oldest therefore visits each node after everything that used its
result, which is all the ordering that reverse-mode differentiation needs.
"""

from __future__ import annotations

import heapq
import itertools
import weakref
from collections.abc import Callable, Iterable, Sequence
from operator import index
from typing import Any, ClassVar, Final, NamedTuple, TypeAlias

import numpy as np

from assay_reference.core.arrays import contiguous_strides
from assay_reference.core.devices import device
from assay_reference.core.dtypes import dtype
from assay_reference.core.grad_mode import recording, set_grad_enabled
from assay_reference.core.layouts import Packed
from assay_reference.core.strides import copied, is_dense, laid_out
from assay_reference.core.tensor import Tensor

Grads: TypeAlias = Sequence[Tensor | None]
Hook: TypeAlias = Callable[[Tensor], Tensor | None]
NodeHook: TypeAlias = Callable[..., Any]

FREED = (
    "Trying to backward through the graph a second time (or directly access saved tensors after they have already been "
    "freed). Saved intermediate values of the graph are freed when you call .backward() or autograd.grad(). Specify "
    "retain_graph=True if you need to backward through the graph a second time or if you need to access saved tensors "
    "after calling backward."
)
STALE = (
    "one of the variables needed for gradient computation has been modified by an inplace operation: [{type} "
    "{shape}]{source} is at version {now}; expected version {then} instead. Hint: enable anomaly detection to find the "
    "operation that failed to compute its gradient, with torch.autograd.set_detect_anomaly(True, check_nan=False)."
)

UNGENERATED: Final = {"AccumulateGrad", "CopyBackwards", "CopySlices", "NotImplemented"}

_ages = itertools.count()


class Edge(NamedTuple):
    """Where a gradient goes next: to one output of a node."""

    node: Node
    output: int


class Meta(NamedTuple):
    """What a gradient of an output looks like."""

    shape: tuple[int, ...]
    dtype: dtype
    device: device

    def zeros(self) -> Tensor:
        """Make the gradient of an output that nothing depends on."""
        with self.device.current():
            return Tensor._wrap(self.device.xp.zeros(self.shape, self.dtype.numpy), self.device)


class Node:
    """One recorded step; calling it turns gradients of its outputs into gradients of its inputs."""

    edges: tuple[Edge | None, ...]
    accumulates: ClassVar[bool] = False

    def __init__(self, edges: Iterable[Edge | None], outputs: Sequence[Meta | None]) -> None:
        self.edges = tuple(edges)
        self.outputs = outputs
        self.age = next(_ages)
        self.hooks: dict[int, dict[int, Hook]] = {}  # by output: what a tensor's register_hook added
        self.prehooks: dict[int, NodeHook] = {}  # what register_prehook of this node added
        self.posthooks: dict[int, NodeHook] = {}  # and its register_hook
        self.retained: dict[int, Tensor] = {}  # by output: the tensor that retains its gradient

    def __call__(self, grads: Grads, wanted: Sequence[bool]) -> Grads:
        """Return the gradients of the inputs that are wanted."""
        raise NotImplementedError

    def release(self) -> None:
        """Forget what was saved for the backward pass."""

    def name(self) -> str:
        """Return the name that PyTorch gives this step, with its namespace if the step is not of an op of its own."""
        name = type(self).__name__
        return f"torch::autograd::{name}" if name in UNGENERATED else name

    @property
    def next_functions(self) -> tuple[tuple[Node | None, int], ...]:
        return tuple((None, 0) if edge is None else (edge.node, edge.output) for edge in self.edges)

    def register_prehook(self, hook: NodeHook) -> RemovableHandle:
        """Call a function with the gradients of the outputs; what it returns, if anything, replaces them."""
        return RemovableHandle(self.prehooks, hook)

    def register_hook(self, hook: NodeHook) -> RemovableHandle:
        """Call a function with the gradients of the inputs, and of the outputs; what it returns replaces the former."""
        return RemovableHandle(self.posthooks, hook)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} object at {id(self):#x}>"


class AccumulateGrad(Node):
    """The end of the walk at a leaf: add what arrives to its .grad."""

    accumulates = True

    def __init__(self, variable: Tensor) -> None:
        super().__init__((), (meta_of(variable),))
        self.age = -1  # after every other node
        self.variable = variable
        self.hooks[0] = leaf_hooks(variable)

    def __call__(self, grads: Grads, wanted: Sequence[bool]) -> Grads:
        variable, grad = self.variable, grads[0]
        if grad is None:
            return ()
        if variable.grad is None:
            variable.grad = kept(grad, variable)
        elif recording.get() or variable.grad.layout is not grad.layout:
            variable.grad = added(variable.grad, grad)
        else:
            variable.grad.add_(grad)
        for hook in list(accumulated_hooks(variable).values()):
            hook(variable)
        return ()


def kept(grad: Tensor, variable: Tensor) -> Tensor:
    """Return a gradient as a leaf keeps it: in memory of its own, which is laid out as the leaf's."""
    packed = isinstance(grad._array, Packed) or isinstance(variable._array, Packed)
    if recording.get():  # the copy is a step too
        whole = not packed and is_dense(variable._array)
        return variable.detach().clone().copy_(grad) if whole else grad.clone()  # type: ignore[no-any-return]
    if packed:
        return grad.detach().clone()  # type: ignore[no-any-return]
    array, wanted = grad._array, variable._array.strides
    if not is_dense(variable._array):
        wanted = contiguous_strides(array.shape, array.itemsize)
    if all(
        one == other or (size == 1 and one) for one, other, size in zip(array.strides, wanted, array.shape, strict=True)
    ):
        wanted = array.strides  # which say nothing else
    with grad.device.current():
        return Tensor._wrap(copied(array, wanted, array.dtype), grad.device, keeps_strides=True)


def apart(grad: Tensor) -> Tensor:
    """Return a gradient in memory of its own, in order."""
    if recording.get() or isinstance(grad._array, Packed):
        copy: Tensor = grad.clone()
        return copy
    array = grad._array
    with grad.device.current():
        return Tensor._wrap(copied(array, contiguous_strides(array.shape, array.itemsize), array.dtype), grad.device)


def leaf_hooks(tensor: Tensor) -> dict[int, Hook]:
    """Return the hooks on a leaf's gradient, which its AccumulateGrad calls."""
    hooks: dict[int, Hook] = tensor.__dict__.setdefault("_hooks_of_leaf", {})
    return hooks


def accumulated_hooks(tensor: Tensor) -> dict[int, Callable[[Tensor], None]]:
    """Return the hooks that are called after a leaf's .grad has been added to."""
    hooks: dict[int, Callable[[Tensor], None]] = tensor.__dict__.setdefault("_hooks_of_accumulation", {})
    return hooks


def added(first: Tensor, second: Tensor) -> Tensor:
    """Add two gradients; the first of a dense and a sparse one must be the dense one."""
    if first.is_sparse:
        return second + first
    total: Tensor = first + second
    in_place = first._base is None and not recording.get()  # PyTorch adds to the first where nothing else holds it
    if not in_place or isinstance(total._array, Packed) or not is_dense(first._array):
        return total
    with total.device.current():
        return Tensor._wrap(laid_out(total._array, first._array.strides), total.device, keeps_strides=True)


def meta_of(tensor: Tensor) -> Meta:
    """Describe the gradients of a tensor."""
    return Meta(tuple(tensor.shape), tensor.dtype, tensor.device)


def edge_of(tensor: Tensor) -> Edge | None:
    """Return where the gradient of a tensor goes: to what made it, or into its .grad; None where it is not wanted."""
    node = tensor.grad_fn
    if node is not None:
        return Edge(node, tensor.output_nr)
    return Edge(_accumulator(tensor), 0) if tensor._requires_grad else None


def _accumulator(leaf: Tensor) -> Node:
    node = leaf._accumulator() if leaf._accumulator is not None else None
    if node is None:
        node = AccumulateGrad(leaf)
        leaf._accumulator = weakref.ref(node)  # the graph keeps it; a strong reference would be a cycle
    return node


def walk(
    roots: Sequence[tuple[Edge, Tensor]],
    *,
    targets: Sequence[Edge] | None = None,
    accumulate: bool,
    retain_graph: bool | None,
    create_graph: bool,
) -> list[Tensor | None]:
    """Send gradients from the roots back through the graph; return those that arrived at the targets."""
    create_graph = bool(index(create_graph))  # None is no truth value
    retain_graph = create_graph if retain_graph is None else bool(index(retain_graph))
    leads = None if targets is None else _leading_to({edge.node for edge in targets}, [edge.node for edge, _ in roots])
    wanted_at = {(edge.node, edge.output): position for position, edge in reversed(list(enumerate(targets or ())))}
    arrived: list[Tensor | None] = [None] * len(targets or ())
    pending: dict[Node, list[Tensor | None]] = {}
    queue: list[tuple[int, int, Node]] = []

    def deliver(edge: Edge, grad: Tensor) -> None:
        if edge.node not in pending:
            pending[edge.node] = [None] * len(edge.node.outputs)
            heapq.heappush(queue, (-edge.node.age, id(edge.node), edge.node))
        sofar = pending[edge.node][edge.output]
        pending[edge.node][edge.output] = grad if sofar is None else added(sofar, grad)

    with set_grad_enabled(create_graph):
        for edge, grad in roots:
            deliver(edge, grad)
        while queue:
            node = heapq.heappop(queue)[2]
            grads = _after_hooks(node, pending.pop(node))
            for output, each in enumerate(grads):
                if (node, output) in wanted_at:
                    arrived[wanted_at[node, output]] = each
            if isinstance(node, AccumulateGrad):
                if accumulate and (leads is None or node in leads):
                    node(grads, ())
                continue
            wanted = [edge is not None and (leads is None or edge.node in leads) for edge in node.edges]
            if not any(wanted):
                continue
            results: Grads = [
                each if onward is None or each is None or not due else _conform(each, onward, node, position)
                for position, (each, onward, due) in enumerate(
                    zip(node(grads, wanted), node.edges, wanted, strict=True)
                )
            ]
            for hook in list(node.posthooks.values()):
                results = _replaced_all(results, hook, hook(tuple(results), tuple(grads)))
            if not retain_graph:
                node.release()
            for onward, result, due in zip(node.edges, results, wanted, strict=True):
                if onward is not None and due and result is not None:
                    deliver(onward, result)
    for position, edge in enumerate(targets or ()):  # the same input may be a target twice
        arrived[position] = arrived[wanted_at[edge.node, edge.output]]
    return arrived


def _leading_to(targets: set[Node], roots: Sequence[Node]) -> set[Node]:
    """Return the nodes from which the walk reaches a target, the targets among them."""
    reached = set(roots)
    stack = list(reached)
    while stack:
        for edge in stack.pop().edges:
            if edge is not None and edge.node not in reached:
                reached.add(edge.node)
                stack.append(edge.node)
    leads = targets & reached
    for node in sorted(reached, key=lambda each: each.age):
        if any(edge is not None and edge.node in leads for edge in node.edges):
            leads.add(node)
    return leads


def _after_hooks(node: Node, grads: list[Tensor | None]) -> list[Tensor | None]:
    for output, hooks in node.hooks.items():
        for hook in list(hooks.values()):
            grad = grads[output]
            if grad is not None:
                grads[output] = _replaced(grad, hook)
    for output, tensor in node.retained.items():
        grad = grads[output]
        if grad is not None:
            tensor._grad = apart(grad) if tensor._grad is None else tensor._grad + grad
    for prehook in list(node.prehooks.values()):
        grads = list(_replaced_all(grads, prehook, prehook(tuple(grads))))
    return grads


def _replaced(grad: Tensor, hook: Hook) -> Tensor:
    """Let a hook replace a gradient by another of the same kind."""
    result = hook(grad)
    if result is None:
        return grad
    name = getattr(hook, "__name__", "<unknown>")
    if not hasattr(result, "_array"):
        raise TypeError(f"expected Variable, but hook returned '{type(result).__name__}'")
    if result.dtype is not grad.dtype:
        raise RuntimeError(f"hook '{name}' has changed the type of value (was {grad.type()} got {result.type()})")
    if result.shape != grad.shape:
        raise RuntimeError(f"hook '{name}' has changed the size of value")
    return result


def _replaced_all(grads: Grads, hook: NodeHook, result: Any) -> Grads:
    """Let a hook of a node replace the gradients."""
    if result is None:
        return grads
    if not isinstance(result, tuple):
        raise TypeError(f"expected tuple, but hook returned '{type(result).__name__}'")
    if len(result) != len(grads):
        raise RuntimeError(
            f"hook '{getattr(hook, '__name__', '<unknown>')}' has returned an incorrect number of values (got "
            f"{len(result)}, but expected {len(grads)})"
        )
    return result


def _conform(grad: Tensor, edge: Edge, node: Node, position: int) -> Tensor:
    """Check a gradient against what it is the gradient of; sum what was broadcast, and cast what was promoted."""
    meta = edge.node.outputs[edge.output]
    assert meta is not None  # only tensors have edges
    if grad._array.shape != meta.shape:
        try:
            expandable = np.broadcast_shapes(grad._array.shape, meta.shape) == grad._array.shape
        except ValueError:
            expandable = False
        if not expandable:
            raise RuntimeError(
                f"Function {node.name()} returned an invalid gradient at index {position} - got "
                f"{list(grad.shape)} but expected shape compatible with {list(meta.shape)}"
            )
        grad = grad.sum_to_size(meta.shape)
    return grad if (grad.dtype, grad.device) == (meta.dtype, meta.device) else grad.to(meta.device, meta.dtype)


class RemovableHandle:
    """What register_hook returns: a way to remove the hook."""

    _ids = itertools.count()

    def __init__(self, hooks: dict[int, Any], hook: Any) -> None:
        self.id = next(self._ids)
        self._hooks = hooks
        hooks[self.id] = hook

    def remove(self) -> None:
        """Remove the hook; a second time does nothing."""
        self._hooks.pop(self.id, None)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *exception: object) -> None:
        self.remove()

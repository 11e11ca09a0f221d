"""The autograd engine: a graph of recorded steps, walked backwards.

Every recorded step is a Node. Its edges lead to the steps that made its inputs, and so always to nodes that are older
than itself. Walking from the newest node to the oldest therefore visits each node after everything that used its
result, which is all the ordering that reverse-mode differentiation needs.
"""

from __future__ import annotations

import heapq
import itertools
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ContextDecorator
from contextvars import ContextVar, Token
from operator import index
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from assay_reference.devices import device
    from assay_reference.dtypes import dtype
    from assay_reference.tensor import Tensor

Grads: TypeAlias = "Sequence[Tensor | None]"

FREED = (
    "Trying to backward through the graph a second time (or directly access saved tensors after they have already been "
    "freed). Saved intermediate values of the graph are freed when you call .backward() or autograd.grad(). Specify "
    "retain_graph=True if you need to backward through the graph a second time or if you need to access saved tensors "
    "after calling backward."
)
STALE = (
    "one of the variables needed for gradient computation has been modified by an inplace operation: [{type} "
    "{shape}]{source} is at version {now}; expected version {then} instead. Hint: enable anomaly detection to find "
    "the operation that failed to compute its gradient, with torch.autograd.set_detect_anomaly(True, check_nan=False)."
)

recording: ContextVar[bool] = ContextVar("recording", default=True)
inference: ContextVar[bool] = ContextVar("inference", default=False)
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
        from assay_reference.tensor import Tensor  # tensors are written on the engine

        return Tensor._wrap(self.device.xp.zeros(self.shape, self.dtype.numpy), self.device)


class Node:
    """One recorded step; calling it turns gradients of its outputs into gradients of its inputs."""

    edges: tuple[Edge | None, ...]
    accumulates: ClassVar[bool] = False

    def __init__(self, edges: Iterable[Edge | None], outputs: Sequence[Meta]) -> None:
        self.edges = tuple(edges)
        self.outputs = outputs
        self.age = next(_ages)
        self.hooks: dict[int, dict[int, Hook]] = {}  # by output: what register_hook added
        self.retained: dict[int, Tensor] = {}  # by output: the tensor that retains its gradient

    def __call__(self, grads: Grads, wanted: Sequence[bool]) -> Grads:
        """Give the gradients of the inputs that are wanted."""
        raise NotImplementedError

    def release(self) -> None:
        """Forget what was saved for the backward pass."""

    def name(self) -> str:
        """Give the name that PyTorch gives this step."""
        return type(self).__name__

    @property
    def next_functions(self) -> tuple[tuple[Node | None, int], ...]:
        return tuple((None, 0) if edge is None else (edge.node, edge.output) for edge in self.edges)

    def __repr__(self) -> str:
        return f"<{self.name()} object at {id(self):#x}>"


Hook: TypeAlias = "Callable[[Tensor], Tensor | None]"


class AccumulateGrad(Node):
    """The end of the walk at a leaf: add what arrives to its .grad."""

    accumulates = True

    def __init__(self, variable: Tensor) -> None:
        super().__init__((), (meta_of(variable),))
        self.age = -1  # after every other node
        self.variable = variable
        self.hooks[0] = variable._leaf_hooks

    def __call__(self, grads: Grads, wanted: Sequence[bool]) -> Grads:
        variable, grad = self.variable, grads[0]
        if grad is None:
            return ()
        if variable.grad is None:
            variable.grad = grad if recording.get() else grad.detach().clone()
        elif recording.get() or variable.grad.layout is not grad.layout:
            variable.grad = added(variable.grad, grad)
        else:
            variable.grad.add_(grad)
        for hook in list(variable._accumulated_hooks.values()):
            hook(variable)
        return ()


def added(first: Tensor, second: Tensor) -> Tensor:
    """Add two gradients; the first of a dense and a sparse one must be the dense one."""
    return second + first if first.is_sparse else first + second


def meta_of(tensor: Tensor) -> Meta:
    """Describe the gradients of a tensor."""
    return Meta(tuple(tensor.shape), tensor.dtype, tensor.device)


def edge_of(tensor: Tensor) -> Edge | None:
    """Give where the gradient of a tensor goes: to what made it, or into its .grad; None where it is not wanted."""
    node = tensor.grad_fn
    if node is not None:
        return Edge(node, tensor.output_nr)
    return Edge(_accumulator(tensor), 0) if tensor.requires_grad else None


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
    """Send gradients from the roots back through the graph; give those that arrived at the targets."""
    create_graph = bool(index(create_graph))  # None is no truth value
    retain_graph = create_graph if retain_graph is None else bool(index(retain_graph))
    leads = None if targets is None else _leading_to({edge.node for edge in targets}, [edge.node for edge, _ in roots])
    wanted_at = {(edge.node, edge.output): place for place, edge in reversed(list(enumerate(targets or ())))}
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
            results = node(grads, wanted)
            if not retain_graph:
                node.release()
            for position, (onward, result) in enumerate(zip(node.edges, results, strict=True)):
                if onward is not None and wanted[position] and result is not None:
                    deliver(onward, _conform(result, onward, node, position))
    for place, edge in enumerate(targets or ()):  # the same input may be asked for twice
        arrived[place] = arrived[wanted_at[edge.node, edge.output]]
    return arrived


def _leading_to(targets: set[Node], roots: Sequence[Node]) -> set[Node]:
    """Find the nodes from which the walk reaches a target, the targets among them."""
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
                replacement = hook(grad)
                grads[output] = grad if replacement is None else replacement
    for output, tensor in node.retained.items():
        grad = grads[output]
        if grad is not None:
            tensor._grad = grad if tensor._grad is None else tensor._grad + grad
    return grads


def _conform(grad: Tensor, edge: Edge, node: Node, position: int) -> Tensor:
    """Check a gradient against what it is the gradient of; sum what was broadcast, and cast what was promoted."""
    meta = edge.node.outputs[edge.output]
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
    return grad if grad.dtype is meta.dtype else grad.to(meta.dtype)


class RemovableHandle:
    """What register_hook gives: a way to take the hook off again."""

    _ids = itertools.count()

    def __init__(self, hooks: dict[int, Any]) -> None:
        self.id = next(self._ids)
        self._hooks = hooks

    def remove(self) -> None:
        """Take the hook off; a second time does nothing."""
        self._hooks.pop(self.id, None)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *exception: object) -> None:
        self.remove()


class _Switch(ContextDecorator):
    """A setting of this thread that holds inside a with block, or inside a decorated function."""

    switches: ClassVar[Mapping[ContextVar[bool], bool]] = {}

    def __new__(cls, function: Callable[..., Any] | None = None) -> Any:
        switch = super().__new__(cls)
        if function is None:
            return switch
        switch.__init__()  # type: ignore[misc]  # used without parentheses, as @torch.no_grad
        return switch(function)

    def __init__(self) -> None:
        self._before: list[list[Token[bool]]] = []

    def settings(self) -> Mapping[ContextVar[bool], bool]:
        """Say what each variable is set to."""
        return self.switches

    def _recreate_cm(self) -> _Switch:
        return self

    def __enter__(self) -> None:
        self._before.append([variable.set(value) for variable, value in self.settings().items()])

    def __exit__(self, *exception: object) -> None:
        for token in self._before.pop():
            token.var.reset(token)


class no_grad(_Switch):
    """Record nothing."""

    switches = {recording: False}  # noqa: RUF012


class enable_grad(_Switch):
    """Record again, inside a no_grad."""

    switches = {recording: True}  # noqa: RUF012


class inference_mode(_Switch):
    """Record nothing, and make tensors that can never be recorded."""

    def __new__(cls, mode: bool | Callable[..., Any] = True) -> Any:
        return super().__new__(cls, mode if callable(mode) else None)

    def __init__(self, mode: bool | Callable[..., Any] = True) -> None:
        super().__init__()
        self.mode = bool(mode)

    def settings(self) -> Mapping[ContextVar[bool], bool]:
        return {recording: not self.mode, inference: self.mode}


class set_grad_enabled(_Switch):
    """Switch recording on or off: at once, and back again at the end of a with block."""

    def __new__(cls, mode: bool) -> Any:
        return super().__new__(cls)

    def __init__(self, mode: bool) -> None:
        super().__init__()
        self.mode = mode
        self._token: Token[bool] | None = recording.set(mode)

    def settings(self) -> Mapping[ContextVar[bool], bool]:
        return {recording: self.mode}

    def __enter__(self) -> None:
        if self._token is not None:
            recording.reset(self._token)
            self._token = None
        super().__enter__()


def is_grad_enabled() -> bool:
    """Tell whether recording is switched on."""
    return recording.get()


def records() -> bool:
    """Tell whether operations are recorded here: in inference mode none are, whatever enable_grad says inside."""
    return recording.get() and not inference.get()


def is_inference_mode_enabled() -> bool:
    """Tell whether inference_mode is on."""
    return inference.get()

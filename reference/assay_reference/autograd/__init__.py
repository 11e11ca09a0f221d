"""torch.autograd: gradients on request."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from assay_reference.autograd.function import Function, once_differentiable
from assay_reference.autograd.variable import Variable
from assay_reference.core.dispatch import composite
from assay_reference.core.engine import Edge, Node, RemovableHandle, edge_of, meta_of, walk
from assay_reference.core.grad_mode import enable_grad, inference_mode, is_grad_enabled, no_grad, set_grad_enabled
from assay_reference.core.tensor import Tensor

ONLY_INPUTS = (
    "only_inputs argument is deprecated and is ignored now (defaults to True). To accumulate gradient for other parts "
    "of the graph, please use torch.autograd.backward."
)

__all__ = [
    "Function",
    "Node",
    "RemovableHandle",
    "Variable",
    "backward",
    "enable_grad",
    "grad",
    "inference_mode",
    "is_grad_enabled",
    "no_grad",
    "once_differentiable",
    "set_grad_enabled",
]


def backward(
    tensors: Tensor | Sequence[Tensor],
    grad_tensors: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    grad_variables: Any = None,
    inputs: Any = None,
) -> None:
    """Add the gradients of the tensors to the .grad of the leaves that made them."""
    if grad_variables is not None:
        warnings.warn(
            "`grad_variables` is deprecated. Use `grad_tensors` instead.", category=FutureWarning, stacklevel=2
        )
        if grad_tensors is not None:
            raise RuntimeError(
                "`grad_tensors` and `grad_variables` (deprecated) arguments both passed to `backward()`. Please only "
                "use `grad_tensors`."
            )
        grad_tensors = grad_variables
    outputs = _listed(tensors)
    targets = None if inputs is None else _targets(_listed(inputs))
    if targets == []:
        raise RuntimeError("`inputs` argument to `backward()` cannot be empty.")
    for each in () if inputs is None else _listed(inputs):
        each.retain_grad()
    walk(
        _roots(outputs, grad_tensors),
        targets=targets,
        accumulate=True,
        retain_graph=retain_graph,
        create_graph=create_graph,
    )


@composite(function=False, name="backward")
def backward_method(
    self: Tensor,
    gradient: Tensor | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Any = None,
) -> None:
    """Add the gradient with respect to every leaf that made this to the leaf's .grad."""
    backward(self, gradient, retain_graph, create_graph, inputs=inputs)


def grad(
    outputs: Tensor | Sequence[Tensor],
    inputs: Tensor | Sequence[Tensor],
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Tensor | None, ...]:
    """Return the gradients of the outputs with respect to the inputs."""
    if materialize_grads and allow_unused is False:
        raise ValueError(
            "Expected allow_unused to be True or not passed when materialize_grads=True, but got: allow_unused=False."
        )
    if not only_inputs:
        warnings.warn(ONLY_INPUTS, FutureWarning, stacklevel=2)
    wanted = _listed(inputs)
    if not wanted:
        raise RuntimeError("`inputs` argument to `grad()` cannot be empty.")
    found = walk(
        _roots(_listed(outputs), grad_outputs),
        targets=_targets(wanted),
        accumulate=False,
        retain_graph=retain_graph,
        create_graph=create_graph,
    )
    if materialize_grads:
        return tuple(
            each.detach() * 0 if result is None else result for each, result in zip(wanted, found, strict=True)
        )
    for position, each in enumerate(found):
        if each is None and not allow_unused:
            raise RuntimeError(
                f"The differentiated Tensor at index {position} appears to not have been used in the graph. Set "
                "allow_unused=True if this is the desired behavior."
            )
    return tuple(found)


def _listed(tensors: Any) -> list[Tensor]:
    return [tensors] if isinstance(tensors, Tensor) else list(tensors)


def _targets(inputs: list[Tensor]) -> list[Edge]:
    if not all(each.requires_grad for each in inputs):
        raise RuntimeError("One of the differentiated Tensors does not require grad")
    return [edge_of(each) or Edge(Unreachable((), (meta_of(each),)), 0) for each in inputs]


class Unreachable(Node):
    """What stands for a view that requires a gradient because its base does, and is not part of any history."""


def _roots(outputs: list[Tensor], grads: Any) -> list[tuple[Edge, Tensor]]:
    given = [None] * len(outputs) if grads is None else _listed(grads)
    if len(given) != len(outputs):
        raise RuntimeError(f"got {len(outputs)} tensors and {len(given)} gradients")
    first = [
        _first_gradient(position, output, grad)
        for position, (output, grad) in enumerate(zip(outputs, given, strict=True))
    ]
    roots = []
    for position, (output, each) in enumerate(zip(outputs, first, strict=True)):
        edge = edge_of(output)
        if edge is None:
            raise RuntimeError(f"element {position} of tensors does not require grad and does not have a grad_fn")
        roots.append((edge, each))
    return roots


def _first_gradient(position: int, output: Tensor, grad: Tensor | None) -> Tensor:
    if grad is None:
        if output.requires_grad and output.numel() != 1:
            raise RuntimeError("grad can be implicitly created only for scalar outputs")
        if output.requires_grad and not output.dtype.is_floating_point:
            raise RuntimeError(f"grad can be implicitly created only for real scalar outputs but got {output.dtype!r}")
        with output.device.current():
            return Tensor._wrap(output.device.xp.ones(output._array.shape, output.dtype.numpy), output.device)
    if not isinstance(grad, Tensor):
        raise TypeError(f"gradients can be either Tensors or None, but got {type(grad).__name__}")
    if grad._array.shape != output._array.shape:
        raise RuntimeError(
            f"Mismatch in shape: grad_output[{position}] has a shape of {grad.shape} and output[{position}] has a "
            f"shape of {output.shape}."
        )
    if grad.dtype.is_complex != output.dtype.is_complex:
        raise RuntimeError(
            f"For complex Tensors, both grad_output and output are required to have the same dtype. Mismatch in dtype: "
            f"grad_output[{position}] has a dtype of {grad.dtype} and output[{position}] has a dtype of {output.dtype}."
        )
    return grad if grad.dtype is output.dtype else grad.to(output.dtype)

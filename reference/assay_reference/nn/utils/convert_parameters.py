"""Parameters as one vector, and back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from assay_reference.core.tensor import Tensor
from assay_reference.ops.joining import cat


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """Return all elements of parameters in one vector."""
    return cat([each.view(-1) for each in on_one_device(parameters)])  # type: ignore[no-any-return]


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Let the parameters be views of a vector, one part of it each."""
    if not isinstance(vec, Tensor):
        raise TypeError(f"expected torch.Tensor, but got: {typename(vec)}")
    start = 0
    for each in on_one_device(parameters):
        end = start + each.numel()
        each.data = vec[start:end].view_as(each).data
        start = end


def on_one_device(parameters: Iterable[Tensor]) -> Iterator[Tensor]:
    """Yield parameters; raise TypeError at one that is on another device than the first."""
    device = None
    for each in parameters:
        device = each.device if device is None else device
        if each.device != device:
            raise TypeError("Found two parameters on different devices, this is currently not supported.")
        yield each


def typename(value: object) -> str:
    """Return the full name of a value's type."""
    kind = type(value)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"

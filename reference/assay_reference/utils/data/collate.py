"""Batches of samples: tensors stacked, numbers made tensors, containers part by part."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, MutableSequence, Sequence
from copy import copy
from typing import Any

import numpy as np

from assay_reference.core.dispatch import FUNCTIONS
from assay_reference.core.dtypes import float64
from assay_reference.core.layouts import SPARSE
from assay_reference.core.tensor import Tensor


def default_collate(batch: Sequence[Any]) -> Any:
    """Make a batch of samples, which are all alike."""
    first = batch[0]
    if isinstance(first, Tensor):
        if first.layout in SPARSE:
            raise RuntimeError(
                "Batches of sparse tensors are not currently supported by the default collate_fn; "
                "please provide a custom collate_fn to handle them appropriately."
            )
        return FUNCTIONS["stack"](list(batch), 0)
    if isinstance(first, np.ndarray):
        if first.dtype.kind in "SUO":
            raise _no_batch_of(first.dtype)
        return default_collate([FUNCTIONS["as_tensor"](each) for each in batch])
    if isinstance(first, (np.bool_, np.number)):
        return FUNCTIONS["as_tensor"](np.array(batch))
    if isinstance(first, float):
        return FUNCTIONS["tensor"](list(batch), dtype=float64)
    if isinstance(first, int):
        return FUNCTIONS["tensor"](list(batch))
    if isinstance(first, (str, bytes)):
        return batch
    if isinstance(first, Mapping):
        return rebuilt(first, {key: default_collate([each[key] for each in batch]) for key in first})
    if isinstance(first, Sequence):
        if not hasattr(first, "_fields") and any(len(each) != len(first) for each in batch):
            raise RuntimeError("each element in list of batch should be of equal size")
        return rebuilt(first, [default_collate(part) for part in zip(*batch, strict=False)])
    raise _no_batch_of(type(first))


def _no_batch_of(kind: Any) -> TypeError:
    return TypeError(
        f"default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found {kind}"
    )


def default_convert(data: Any) -> Any:
    """Make tensors of the arrays in a sample that is not batched."""
    if isinstance(data, (Tensor, str, bytes)):
        return data
    if isinstance(data, (np.ndarray, np.generic)):
        return data if data.dtype.kind in "SUO" else FUNCTIONS["as_tensor"](data)
    if isinstance(data, Mapping):
        return rebuilt(data, {key: default_convert(data[key]) for key in data})
    if isinstance(data, Sequence):
        return rebuilt(data, [default_convert(each) for each in data])
    return data


def rebuilt(model: Any, parts: Any) -> Any:
    """Return a container like another, of its class if that can be, with other parts; a tuple becomes a list."""
    made: Any
    try:
        match model:
            case MutableMapping():
                made = copy(model)
                made.update(parts)
                return made
            case tuple():
                return type(model)(*parts) if hasattr(model, "_fields") else parts
            case MutableSequence():
                made = copy(model)
                for index, part in enumerate(parts):
                    made[index] = part
                return made
        return type(model)(parts)
    except TypeError:
        return parts

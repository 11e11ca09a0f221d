"""torch.utils.data with the forms of the documented edition."""

from __future__ import annotations

from typing import Any

from assay_reference.core.tensor import Tensor
from assay_reference.documented.utils.data import sampler
from assay_reference.documented.utils.data.sampler import Sampler, WeightedRandomSampler
from assay_reference.utils import data as current

__all__ = ["DataLoader", "Sampler", "TensorDataset", "WeightedRandomSampler", "sampler"]


class DataLoader(current.DataLoader):
    """The loader, whose fifth argument was the number of workers."""

    def __init__(
        self, dataset: Any, batch_size: int | None = 1, shuffle: bool | None = None, sampler: Any = None,
        num_workers: int = 0, collate_fn: Any = None, pin_memory: bool = False, drop_last: bool = False, **more: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            dataset, batch_size, shuffle, sampler, num_workers=num_workers, collate_fn=collate_fn,
            pin_memory=pin_memory, drop_last=drop_last, **more,
        )  # fmt: skip


class TensorDataset(current.TensorDataset):
    """Rows of two tensors, which had names."""

    def __init__(self, *tensors: Tensor, data_tensor: Any = None, target_tensor: Any = None) -> None:
        super().__init__(*tensors, *(each for each in (data_tensor, target_tensor) if each is not None))


def __getattr__(name: str) -> Any:
    return getattr(current, name)

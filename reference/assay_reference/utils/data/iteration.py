"""One time through a loader, in its own process."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

from assay_reference import cuda
from assay_reference.core.arrays import is_on_host, pinned
from assay_reference.core.tensor import Tensor
from assay_reference.utils.data.collate import rebuilt
from assay_reference.utils.data.sampler import random_seed


class Iteration(Iterator[Any]):
    """Batches in the order of a loader's sampler."""

    def __init__(self, loader: Any) -> None:
        if loader.pin_memory and loader.pin_memory_device:
            warnings.warn(
                "pin_memory_device is deprecated, the current accelerator will be used as the device,"
                f"ignore pin_memory_device='{loader.pin_memory_device}'.",
                stacklevel=4,
            )
        if loader.pin_memory and not cuda.is_available():
            warnings.warn(
                "'pin_memory' argument is set as true but no accelerator is found, "
                "then device pinned memory won't be used.",
                stacklevel=4,
            )
        self.loader = loader
        self.pins = loader.pin_memory and cuda.is_available()
        Iteration.restart(self)
        self.base_seed = random_seed(loader.generator)  # drawn before the order of samples, workers or not

    def restart(self) -> None:
        """Begin at the first batch."""
        self.indices = iter(self.loader._index_sampler)
        self.claimed: int | None = self.loader._claimed_length
        self.yielded = 0

    def __len__(self) -> int:
        return len(self.loader._index_sampler)

    def __next__(self) -> Any:
        batch = self.following()
        self.yielded += 1
        if self.claimed is not None and self.yielded > self.claimed:
            warnings.warn(self._more_than_claimed(), stacklevel=2)
        return _pinned(batch) if self.pins else batch

    def following(self) -> Any:
        """Return the next batch."""
        raise NotImplementedError

    def _more_than_claimed(self) -> str:
        said = (
            f"Length of IterableDataset {self.loader.dataset} was reported to be {self.claimed}"
            f"(when accessing len(dataloader)), but {self.yielded} samples have been fetched. "
        )
        if not self.loader.num_workers:
            return said
        return said + (
            "For multiprocessing data-loading, this could be caused by not properly configuring the IterableDataset "
            "replica at each worker. Please see "
            "https://pytorch.org/docs/stable/data.html#torch.utils.data.IterableDataset for examples."
        )


class LocalIteration(Iteration):
    """Batches that are fetched when they are asked for."""

    def __init__(self, loader: Any) -> None:
        super().__init__(loader)
        if loader.timeout:
            raise AssertionError("_SingleProcessDataLoaderIter requires timeout == 0")
        self.fetch = loader._fetching.begin()

    def following(self) -> Any:
        return self.fetch(next(self.indices))


def _pinned(data: Any) -> Any:
    """Return a batch whose tensors are in page-locked memory."""
    if isinstance(data, Tensor):
        return Tensor._wrap(pinned(data._array)) if is_on_host(data._array) else data
    if isinstance(data, dict):
        return rebuilt(data, {key: _pinned(each) for key, each in data.items()})
    if isinstance(data, (tuple, list)):
        return rebuilt(data, [_pinned(each) for each in data])
    return data

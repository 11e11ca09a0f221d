"""The loader: batches of a dataset's samples."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from assay_reference.core.dispatch import FUNCTIONS
from assay_reference.core.dtypes import float64
from assay_reference.core.generator import Generator, default_generator
from assay_reference.core.tensor import Tensor
from assay_reference.utils.data.dataset import IterableDataset
from assay_reference.utils.data.sampler import BatchSampler, RandomSampler, SequentialSampler


def default_collate(batch: Sequence[Any]) -> Any:
    """Make a batch of samples: tensors and arrays stacked, numbers made tensors, containers part by part."""
    first = batch[0]
    if isinstance(first, Tensor):
        return FUNCTIONS["stack"](list(batch), 0)
    if isinstance(first, np.ndarray):
        return FUNCTIONS["stack"]([FUNCTIONS["as_tensor"](each) for each in batch], 0)
    if isinstance(first, np.generic):
        return FUNCTIONS["as_tensor"](np.array(batch))
    if isinstance(first, float):
        return FUNCTIONS["tensor"](list(batch), dtype=float64)
    if isinstance(first, (bool, int)):
        return FUNCTIONS["tensor"](list(batch))
    if isinstance(first, (str, bytes)):
        return list(batch)
    if isinstance(first, Mapping):
        return type(first)({key: default_collate([each[key] for each in batch]) for key in first})  # type: ignore[call-arg]
    if isinstance(first, Sequence):
        if any(len(each) != len(first) for each in batch):
            raise RuntimeError("each element in list of batch should be of equal size")
        parts = [default_collate(part) for part in zip(*batch, strict=True)]
        return type(first)(*parts) if hasattr(first, "_fields") else parts
    raise TypeError(
        f"default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found {type(first)}"
    )


class DataLoader:
    """Batches of a dataset's samples, in order or shuffled, made by threads on request."""

    def __init__(
        self, dataset: Any, batch_size: int | None = 1, shuffle: bool | None = None, sampler: Any = None,
        batch_sampler: Any = None, num_workers: int = 0, collate_fn: Callable[[Any], Any] | None = None,
        pin_memory: bool = False, drop_last: bool = False, timeout: float = 0, worker_init_fn: Any = None,
        multiprocessing_context: Any = None, generator: Generator | None = None, **options: Any,
    ) -> None:  # fmt: skip
        if num_workers < 0:
            raise ValueError("num_workers option should be non-negative; use num_workers=0 to disable multiprocessing.")
        if isinstance(dataset, IterableDataset) and shuffle not in (None, False):
            raise ValueError(
                f"DataLoader with IterableDataset: expected unspecified shuffle option, but got shuffle={shuffle}"
            )
        if sampler is not None and shuffle:
            raise ValueError("sampler option is mutually exclusive with shuffle")
        if batch_sampler is not None:
            if batch_size != 1 or shuffle or sampler is not None or drop_last:
                raise ValueError(
                    "batch_sampler option is mutually exclusive with batch_size, shuffle, sampler, and drop_last"
                )
            batch_size, drop_last = None, False
        elif batch_size is None and drop_last:
            raise ValueError("batch_size=None option disables auto-batching and is mutually exclusive with drop_last")
        self.dataset, self.batch_size, self.drop_last = dataset, batch_size, drop_last
        self.num_workers, self.generator = num_workers, generator
        self._iterable = isinstance(dataset, IterableDataset)
        if sampler is None and not self._iterable:
            sampler = RandomSampler(dataset, generator=generator) if shuffle else SequentialSampler(dataset)
        self.sampler = sampler
        if batch_sampler is None and batch_size is not None and not self._iterable:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        self.batch_sampler = batch_sampler
        batches = batch_sampler is not None or batch_size is not None
        self.collate_fn = collate_fn or (default_collate if batches else _converted)

    def __iter__(self) -> Iterator[Any]:
        # PyTorch draws a seed for its workers first, whether it has any or not; the order of samples follows after.
        (self.generator or default_generator).long_words(1)
        if self._iterable:
            return self._from_iterable()
        if self.batch_sampler is None:
            return (self.collate_fn(self.dataset[index]) for index in self.sampler)
        if self.num_workers:
            return self._by_workers()
        return map(self._batch, self.batch_sampler)

    def _batch(self, indices: Sequence[int]) -> Any:
        return self.collate_fn([self.dataset[index] for index in indices])

    def _by_workers(self) -> Iterator[Any]:
        """Let threads make batches; they come in order."""
        with ThreadPoolExecutor(self.num_workers) as pool:
            yield from pool.map(self._batch, list(self.batch_sampler))

    def _from_iterable(self) -> Iterator[Any]:
        if self.batch_size is None:
            yield from map(self.collate_fn, self.dataset)
            return
        batch: list[Any] = []
        for sample in self.dataset:
            batch.append(sample)
            if len(batch) == self.batch_size:
                yield self.collate_fn(batch)
                batch = []
        if batch and not self.drop_last:
            yield self.collate_fn(batch)

    def __len__(self) -> int:
        return len(self.sampler if self.batch_sampler is None else self.batch_sampler)


def _converted(sample: Any) -> Any:
    """Make tensors of the arrays in a sample that is not batched."""
    return FUNCTIONS["as_tensor"](sample) if isinstance(sample, np.ndarray) else sample

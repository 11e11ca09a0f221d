"""The loader: batches of a dataset's samples."""

from __future__ import annotations

import multiprocessing
import os
import warnings
from collections.abc import Callable, Iterator
from itertools import repeat
from multiprocessing.context import BaseContext
from typing import Any, Final

from assay_reference.core.generator import Generator
from assay_reference.utils.data.collate import default_collate, default_convert
from assay_reference.utils.data.dataset import IterableDataset
from assay_reference.utils.data.fetching import Fetching
from assay_reference.utils.data.iteration import Iteration, LocalIteration
from assay_reference.utils.data.parallel import ParallelIteration
from assay_reference.utils.data.sampler import BatchSampler, RandomSampler, Sampler, SequentialSampler

_FIXED: Final = ("batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers")


class _Endless(Sampler[None]):
    """Yields None for ever: an iterable dataset knows by itself where it ends."""

    def __iter__(self) -> Iterator[None]:
        return repeat(None)


class DataLoader:
    """Batches of a dataset's samples, in order or shuffled, fetched when asked for or by workers ahead of time."""

    def __init__(
        self, dataset: Any, batch_size: int | None = 1, shuffle: bool | None = None, sampler: Any = None,
        batch_sampler: Any = None, num_workers: int = 0, collate_fn: Callable[[Any], Any] | None = None,
        pin_memory: bool = False, drop_last: bool = False, timeout: float = 0, worker_init_fn: Any = None,
        multiprocessing_context: Any = None, generator: Generator | None = None, *,
        prefetch_factor: int | None = None, persistent_workers: bool = False, pin_memory_device: str = "",
        in_order: bool = True,
    ) -> None:  # fmt: skip
        _check_workers(num_workers, timeout, prefetch_factor, persistent_workers)
        self.num_workers, self.timeout, self.worker_init_fn = num_workers, timeout, worker_init_fn
        self.prefetch_factor = 2 if num_workers and prefetch_factor is None else prefetch_factor
        self.pin_memory, self.pin_memory_device, self.in_order = pin_memory, pin_memory_device, in_order
        self.multiprocessing_context = multiprocessing_context

        if isinstance(dataset, IterableDataset):
            _check_stream(shuffle=shuffle, sampler=sampler, batch_sampler=batch_sampler)
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
        if sampler is None:
            sampler = _sampler(dataset, bool(shuffle), generator)
        if batch_size is not None:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        self.batch_size, self.drop_last, self.generator = batch_size, drop_last, generator
        self.sampler, self.batch_sampler, self.dataset = sampler, batch_sampler, dataset
        self.collate_fn = collate_fn or (default_convert if batch_sampler is None else default_collate)
        self.persistent_workers = persistent_workers
        self._claimed_length: int | None = None  # of an iterable dataset, once it has been asked
        self._iteration: ParallelIteration | None = None  # whose workers persist
        self._made = True
        _warn_of_many(num_workers)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _FIXED and "_made" in vars(self):
            raise ValueError(f"{name} attribute should not be set after {type(self).__name__} is initialized")
        super().__setattr__(name, value)

    @property
    def multiprocessing_context(self) -> Any:
        """How worker processes are started."""
        return self._context

    @multiprocessing_context.setter
    def multiprocessing_context(self, context: Any) -> None:
        if context is not None and not self.num_workers:
            raise ValueError(
                "multiprocessing_context can only be used with multi-process loading (num_workers > 0), "
                f"but got num_workers={self.num_workers}"
            )
        if isinstance(context, str):
            methods = multiprocessing.get_all_start_methods()
            if context not in methods:
                raise ValueError(
                    f"multiprocessing_context option should specify a valid start method in {methods!r}, "
                    f"but got multiprocessing_context={context!r}"
                )
            context = multiprocessing.get_context(context)
        if context is not None and not isinstance(context, BaseContext):
            raise TypeError(
                "multiprocessing_context option should be a valid context object or a string specifying the start "
                f"method, but got multiprocessing_context={context}"
            )
        self._context = context

    def __iter__(self) -> Iteration:
        if not self.num_workers:
            return LocalIteration(self)
        if self._iteration is not None:
            self._iteration.restart()
            return self._iteration
        _warn_of_many(self.num_workers)
        iteration = ParallelIteration(self)
        if self.persistent_workers:
            self._iteration = iteration
        return iteration

    def __len__(self) -> int:
        if not isinstance(self.dataset, IterableDataset):
            return len(self._index_sampler)
        self._claimed_length = length = len(self.dataset)  # type: ignore[arg-type]
        if self.batch_size is None:
            return length
        whole, rest = divmod(length, self.batch_size)
        return whole + bool(rest and not self.drop_last)

    @property
    def _index_sampler(self) -> Any:
        return self.sampler if self.batch_sampler is None else self.batch_sampler

    @property
    def _fetching(self) -> Fetching:
        return Fetching(self.dataset, self.collate_fn, self.batch_sampler is not None, self.drop_last)


def _sampler(dataset: Any, shuffle: bool, generator: Generator | None) -> Sampler[Any]:
    """Return the sampler of a loader that is given none."""
    if isinstance(dataset, IterableDataset):
        return _Endless()
    return RandomSampler(dataset, generator=generator) if shuffle else SequentialSampler(dataset)


def _check_workers(num_workers: int, timeout: float, prefetch_factor: int | None, persistent_workers: bool) -> None:
    if num_workers < 0:
        raise ValueError("num_workers option should be non-negative; use num_workers=0 to disable multiprocessing.")
    if timeout < 0:
        raise ValueError("timeout option should be non-negative")
    if not num_workers and prefetch_factor is not None:
        raise ValueError(
            "prefetch_factor option could only be specified in multiprocessing.let num_workers > 0 to enable "
            "multiprocessing, otherwise set prefetch_factor to None."
        )
    if prefetch_factor is not None and prefetch_factor < 0:
        raise ValueError("prefetch_factor option should be non-negative")
    if persistent_workers and not num_workers:
        raise ValueError("persistent_workers option needs num_workers > 0")


def _check_stream(**options: Any) -> None:
    """Refuse what an iterable dataset decides by itself."""
    for name, value in options.items():
        if value is not None and not (name == "shuffle" and value is False):
            raise ValueError(
                f"DataLoader with IterableDataset: expected unspecified {name} option, but got {name}={value}"
            )


def _warn_of_many(num_workers: int) -> None:
    """Warn of more workers than there are processors for them."""
    checked = hasattr(os, "sched_getaffinity")
    processors = len(os.sched_getaffinity(0)) if checked else os.cpu_count()
    if not num_workers or (processors is not None and num_workers <= processors):
        return
    if processors is None:
        suggested = "DataLoader is not able to compute a suggested max number of worker in current system."
    else:
        suggested = (
            f"Our suggested max number of worker in current system is {processors}"
            f"{'' if checked else ' (`cpuset` is not taken into account)'}, "
            "which is smaller than what this DataLoader is going to create."
        )
    warnings.warn(
        f"This DataLoader will create {num_workers} worker processes in total. {suggested} Please be aware that "
        "excessive worker creation might get DataLoader running slow or even freeze, lower the worker number to avoid "
        "potential slowness/freeze if necessary.",
        stacklevel=3,
    )

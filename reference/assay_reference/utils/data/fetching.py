"""Fetching: from what a sampler yields to the samples of a dataset, collated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import Any

from assay_reference.utils.data.dataset import IterableDataset, samples

Fetch = Callable[[Any], Any]  # from an index, or the indices of a batch, to what a loader yields


@dataclass(frozen=True, slots=True)
class Fetching:
    """What a process needs to know to fetch batches, or single samples."""

    dataset: Any
    collate_fn: Callable[[Any], Any]
    batched: bool
    drop_last: bool

    @property
    def streams(self) -> bool:
        """Whether samples come one after the other, whatever the indices."""
        return isinstance(self.dataset, IterableDataset)

    def begin(self) -> Fetch:
        """Return a function that fetches; that of an iterable dataset starts at its beginning, and stops at its end."""
        if self.streams:
            return _Stream(self).batch if self.batched else _Stream(self).sample
        return self._batch if self.batched else self._sample

    def _batch(self, indices: Any) -> Any:
        return self.collate_fn(samples(self.dataset, indices))

    def _sample(self, index: Any) -> Any:
        return self.collate_fn(self.dataset[index])


class _Stream:
    """An iterable dataset on its way; of its indices only the number counts."""

    def __init__(self, fetching: Fetching) -> None:
        self.fetching, self.source, self.ended = fetching, iter(fetching.dataset), False

    def batch(self, indices: Any) -> Any:
        found = [] if self.ended else list(islice(self.source, len(indices)))
        self.ended = len(found) < len(indices)
        if not found or (self.ended and self.fetching.drop_last):
            raise StopIteration
        return self.fetching.collate_fn(found)

    def sample(self, index: Any) -> Any:
        return self.fetching.collate_fn(next(self.source))

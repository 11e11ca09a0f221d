"""torch.utils.data.sampler with the forms of the documented edition."""

from __future__ import annotations

from typing import Any, TypeVar

from assay_reference.documented.forms import renamed
from assay_reference.utils.data import sampler as current

T_co = TypeVar("T_co", covariant=True)


class Sampler(current.Sampler[T_co]):
    """The base class, which took the data."""

    def __init__(self, data_source: Any = None) -> None: ...


class WeightedRandomSampler(current.WeightedRandomSampler):
    """Indices of weights, with a former name for replacement."""

    __init__ = renamed(current.WeightedRandomSampler.__init__, replace="replacement")


def __getattr__(name: str) -> Any:
    return getattr(current, name)

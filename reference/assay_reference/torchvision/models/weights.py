"""Weights that were trained before: where they are to be had, and what is known of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, Self

from assay_reference.hub import load_state_dict_from_url

SITE: Final = "https://download.pytorch.org/models/"
CLASSES: Final = 1000  # of ImageNet, on which all of them were trained


@dataclass(frozen=True)
class Weights:
    """Where a checkpoint is to be had, and what is known of it."""

    url: str
    meta: dict[str, Any]


class WeightsEnum(Enum):
    """The checkpoints of one model."""

    @classmethod
    def verify(cls, obj: Any) -> Self | None:
        """Return the member that is meant, which may be said by its name."""
        if obj is None or isinstance(obj, cls):
            return obj
        if isinstance(obj, str):
            return cls[obj.removeprefix(cls.__name__ + ".")]
        raise TypeError(f"Invalid Weight class provided; expected {cls.__name__} but received {type(obj).__name__}.")

    def get_state_dict(self, *args: Any, **kwargs: Any) -> Any:
        """Load the checkpoint, which is downloaded unless it is there already."""
        return load_state_dict_from_url(self.url, *args, **kwargs)

    @property
    def url(self) -> str:
        return str(self.value.url)

    @property
    def meta(self) -> dict[str, Any]:
        return dict(self.value.meta)

    def __repr__(self) -> str:
        return f"{type(self).__name__}.{self.name}"

    __str__ = __repr__


def checkpoint(file: str, num_params: int, min_size: int = 1) -> Weights:
    """Return the weights in a file; the smallest image that the model takes is so many pixels wide and high."""
    return Weights(SITE + file, {"min_size": (min_size, min_size), "num_params": num_params})

"""Generators of random numbers: the 32-bit Mersenne Twister, as PyTorch runs it on the CPU."""

from __future__ import annotations

import math
import os
from typing import Any, Final

import numpy as np

from assay_reference.core import devices
from assay_reference.core.arrays import Array, cuda_namespace
from assay_reference.core.box_muller import BLOCK, box_muller, parts
from assay_reference.core.tensor import Tensor

DEFAULT_SEED: Final = 67280421310721

_WORDS: Final = 624  # of the twister's key
# A state as PyTorch keeps it, byte for byte: `left` words of the key are still to be given out, the first of them at
# `next`; `spare` is the second number of a pair of normal ones.
_STATE: Final = np.dtype(
    {
        "names": ["seed", "left", "seeded", "next", "key", "spare", "has_spare"],
        "formats": ["<u8", "<i4", "<i4", "<u8", ("<u8", _WORDS), "<f8", "<i4"],
        "offsets": [0, 8, 12, 16, 24, 24 + 8 * _WORDS + 8, 24 + 8 * _WORDS + 24],
        "itemsize": 5056,
    }
)


class Generator:
    """A source of random numbers, started from a seed."""

    def __init__(self, device: Any = "cpu") -> None:
        self.device = devices.device(device)
        if self.device.type != "cpu" and cuda_namespace() is None:
            raise RuntimeError(f"Cannot get {self.device.type.upper()} generator without its library.")
        self.manual_seed(DEFAULT_SEED)

    def manual_seed(self, seed: int) -> Generator:
        """Start from a seed; its lower 32 bits count."""
        if isinstance(seed, (bool, float, str)):
            raise RuntimeError(f"manual_seed expected a long, but got {type(seed).__name__}")
        if not -(2**63) <= int(seed) < 2**64:
            raise ValueError("Overflow when unpacking long long")
        self._seed = int(seed) % 2**64
        self._bits = _seeded(self._seed)
        self._spare: float | None = None  # the second number of a pair of normal ones
        return self

    def initial_seed(self) -> int:
        return self._seed

    def seed(self) -> int:
        """Start from a seed of the operating system's, and return it."""
        self.manual_seed(int.from_bytes(os.urandom(8)))
        return self._seed

    def get_state(self) -> Tensor:
        """Return all that the next numbers depend on, as bytes that PyTorch's generators take too."""
        twister = self._bits.state["state"]
        state = np.zeros(1, _STATE)
        fresh = twister["pos"] == _WORDS and np.array_equal(twister["key"], _seeded(self._seed).state["state"]["key"])
        state["seed"], state["seeded"], state["key"] = self._seed, 1, twister["key"]
        state["left"], state["next"] = (1, 0) if fresh else (_WORDS + 1 - twister["pos"], twister["pos"])
        state["spare"], state["has_spare"] = self._spare or 0.0, self._spare is not None
        return Tensor._wrap(state.view(np.uint8))

    def set_state(self, new_state: Tensor) -> Generator:
        """Go on where the generator was whose state it is."""
        if not isinstance(new_state, Tensor):
            raise TypeError(f"expected a torch.ByteTensor, but got {type(new_state).__name__}")
        data = new_state.numpy(force=True)
        if data.dtype != np.uint8:
            raise TypeError("RNG state must be a torch.ByteTensor")
        if data.size != _STATE.itemsize:
            raise RuntimeError(
                f"Expected a CPUGeneratorImplState of size {_STATE.itemsize} but found the input RNG state size to be "
                f"{data.size}"
            )
        state = np.frombuffer(data.tobytes(), _STATE)[0]
        if state["seeded"] != 1 or not 1 <= state["left"] <= _WORDS or state["next"] > _WORDS:
            raise RuntimeError("Invalid mt19937 state")
        twister: Any = {"key": state["key"].astype(np.uint32), "pos": _WORDS + 1 - int(state["left"])}
        self._bits.state = {"bit_generator": "MT19937", "state": twister}
        self._seed, self._spare = int(state["seed"]), float(state["spare"]) if state["has_spare"] else None
        return self

    def words(self, count: int) -> Array:
        """Return so many numbers of 32 bits."""
        return self._bits.random_raw(count)

    def long_words(self, count: int) -> Array:
        """Return so many numbers of 64 bits, each from two words, the high one first."""
        pairs = self.words(2 * count).reshape(count, 2)
        return pairs[:, 0] << np.uint64(32) | pairs[:, 1]

    def integers(self, count: int, low: int, high: int, *, wide: bool) -> Array:
        """Return integers of [low, high), each from 32 bits or, where these are not wide enough, from 64."""
        words = self.long_words(count) if wide else self.words(count)
        return (words % np.uint64(high - low) + np.uint64(low % 2**64)).astype(np.int64)

    def uniform(self, count: int, dtype: np.dtype[Any]) -> Array:
        """Return numbers of [0, 1) with the 53 bits of float64's fractions, or the 24 of float32's."""
        if dtype == np.float64:
            return (self.long_words(count) & np.uint64(2**53 - 1)) * 2.0**-53
        numbers = np.empty(count, np.float32)
        for part in parts(count):
            numbers[part] = (self.words(part.stop - part.start) & np.uint64(2**24 - 1)) * 2.0**-24
        return numbers

    def exponential(self, count: int) -> Array:
        """Return exponential numbers of mean one, in float64."""
        return -np.log1p(-self.uniform(count, np.dtype(np.float64)))

    def normal(self, count: int, dtype: np.dtype[Any], dense: bool = True) -> Array:
        """Return normal numbers by Box and Muller's transform, in blocks where they will lie side by side in order."""
        if count < BLOCK or not dense:
            return np.array([self._one_normal() for _ in range(count)])
        whole = count - count % BLOCK
        # The half dtypes draw for whole blocks only, the others for all.
        drawn = count if dtype in (np.float32, np.float64) else whole
        numbers = np.resize(box_muller(self.uniform(drawn, dtype)[:whole]), count)
        if whole < count:
            # What is left over is made anew, with some of what is there already.
            numbers[-BLOCK:] = box_muller(self.uniform(BLOCK, dtype))
        return numbers

    def _one_normal(self) -> float:
        if self._spare is not None:
            number, self._spare = self._spare, None
            return number
        angle, height = self.uniform(2, np.dtype(np.float64))
        radius = math.sqrt(-2 * math.log1p(-height))
        self._spare = radius * math.sin(2 * math.pi * angle)
        return radius * math.cos(2 * math.pi * angle)

    def permutation(self, count: int) -> Array:
        """Return 0, 1, 2, … shuffled from the front."""
        order = np.arange(count)
        for index, word in enumerate(self.words(max(count - 1, 0)).tolist()):
            other = index + word % (count - index)
            order[index], order[other] = order[other], order[index]
        return order


def _seeded(seed: int) -> np.random.MT19937:
    """Return the twister at the start of a seed."""
    twister = np.random.MT19937()
    twister._legacy_seeding(seed % 2**32)
    return twister


default_generator: Final = Generator()

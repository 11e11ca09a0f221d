"""torch.nn.utils.rnn: sequences of different lengths, padded to one tensor or packed step by step."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from assay_reference.core.arrays import Array
from assay_reference.core.dispatch import op
from assay_reference.core.dtypes import int64
from assay_reference.core.tensor import Tensor
from assay_reference.ops.creation import arange, empty_like, full, tensor

__all__ = [
    "PackedSequence",
    "invert_permutation",
    "pack_padded_sequence",
    "pack_sequence",
    "pad_packed_sequence",
    "pad_sequence",
    "unpack_sequence",
    "unpad_sequence",
]


class Packed(NamedTuple):
    """What a packed batch keeps."""

    data: Tensor
    batch_sizes: Tensor
    sorted_indices: Tensor | None
    unsorted_indices: Tensor | None


class PackedSequence(Packed):
    """A batch of sequences of different lengths, the longest first: the first steps of all, then the second ones, …"""

    def __new__(
        cls,
        data: Any,
        batch_sizes: Tensor | None = None,
        sorted_indices: Tensor | None = None,
        unsorted_indices: Tensor | None = None,
    ) -> PackedSequence:
        if batch_sizes is None:
            if not (isinstance(data, (list, tuple)) and len(data) == 2):
                raise AssertionError("Expected data to be a list or tuple of length 2")
            data, batch_sizes = data
        elif batch_sizes.device.type != "cpu":
            raise ValueError(
                "batch_sizes should always be on CPU. Instances of PackedSequence should never be created manually. "
                "They should be instantiated by functions like pack_sequence and pack_padded_sequences in "
                "nn.utils.rnn. https://pytorch.org/docs/stable/nn.html#torch.nn.utils.rnn.pack_sequence"
            )
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def to(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """Convert the data; return the batch itself if it is so already."""
        data = self.data.to(*args, **kwargs)
        if data is self.data:
            return self
        indices = (None if each is None else each.to(data.device) for each in self[2:])
        return type(self)(data, self.batch_sizes, *indices)

    def cuda(self, *args: Any, **kwargs: Any) -> PackedSequence:
        return self.to(*args, **({} if args else {"device": "cuda"}), **kwargs)

    def cpu(self) -> PackedSequence:
        return self.to(device="cpu")

    @property
    def is_cuda(self) -> bool:
        return self.data.device.type == "cuda"


def _converting(kind: str) -> Any:
    def convert(self: PackedSequence) -> PackedSequence:
        data = getattr(self.data, kind)()
        return self.to(data.dtype)

    convert.__name__ = kind
    return convert


for _kind in ("double", "float", "half", "long", "int", "short", "char", "byte"):
    setattr(PackedSequence, _kind, _converting(_kind))


def invert_permutation(permutation: Tensor | None) -> Tensor | None:
    """Return where each element of a permutation went."""
    if permutation is None:
        return None
    places = arange(0, permutation.numel(), device=permutation.device)
    return empty_like(permutation).scatter_(0, permutation, places)  # type: ignore[no-any-return]


# -- packed and padded: each is the other's gradient ------------------------------------------------------------------


@op(function=False, method=False, keeps_half=True, node="PackPaddedSequenceBackward0")
def packed(input: Array, sizes: Tensor) -> Array:
    """Return the first so many sequences of each step, one step after the other."""
    return np.concatenate([step[:count] for step, count in zip(input, sizes.tolist(), strict=False)])


@op(function=False, method=False, keeps_half=True, node="CopySlices")
def padded(data: Array, sizes: Tensor, value: Any, steps: int) -> Array:
    """Return the sequences of each step side by side, and a value where there are none."""
    counts = sizes.tolist()
    if sum(counts) != len(data):
        raise RuntimeError(f"a packed batch of {sum(counts)} steps has {len(data)}")
    result = np.full_like(data, value, shape=(steps, counts[0], *data.shape[1:]))
    for step, count, end in zip(result, counts, np.cumsum(counts).tolist(), strict=False):
        step[:count] = data[end - count : end]
    return result


packed.vjp(input=lambda grad, sizes, shape: padded(grad, sizes, 0, shape[0]))
padded.vjp(data=lambda grad, sizes: packed(grad, sizes))


def pack_padded_sequence(
    input: Tensor, lengths: Any, batch_first: bool = False, enforce_sorted: bool = True
) -> PackedSequence:
    """Pack a padded batch (steps, sequences, …), or (sequences, steps, …) where the batch is first."""
    lengths = lengths.to(int64) if isinstance(lengths, Tensor) else tensor(list(map(int, lengths)), dtype=int64)
    order = None
    if not enforce_sorted:
        lengths, order = lengths.sort(descending=True)
        order = order.to(input.device)
        input = input.index_select(0 if batch_first else 1, order)
    rows = input.transpose(0, 1) if batch_first else input
    _check_lengths(rows, lengths)
    counts = lengths.tolist()
    sizes = tensor([sum(length > step for length in counts) for step in range(counts[0])], dtype=int64)
    return PackedSequence(packed(rows, sizes), sizes, order)


def _check_vector(lengths: Tensor) -> None:
    if lengths.ndim != 1 or lengths.dtype is not int64:
        got = f"{lengths.ndim}D {lengths.device.type} {lengths.dtype.title} tensor"
        raise RuntimeError(f"'lengths' argument should be a 1D CPU int64 tensor, but got {got}")


def _check_lengths(rows: Tensor, lengths: Tensor) -> None:
    _check_vector(lengths)
    batch, counts = rows.size(1), lengths.tolist()
    if not rows.numel():
        raise RuntimeError("Cannot pack empty tensors.")
    if len(counts) != batch:
        raise RuntimeError(
            f"Expected `len(lengths)` to be equal to batch_size, but got {len(counts)} (batch_size={batch})"
        )
    if min(counts) <= 0:
        raise RuntimeError(
            "Length of all samples has to be greater than 0, but found an element in 'lengths' that is <= 0"
        )
    if counts != sorted(counts, reverse=True):
        raise RuntimeError(
            "`lengths` array must be sorted in decreasing order when `enforce_sorted` is True. You can pass "
            "`enforce_sorted=False` to pack_padded_sequence and/or pack_sequence to sidestep this requirement if you "
            "do not need ONNX exportability."
        )


def pad_packed_sequence(
    sequence: PackedSequence, batch_first: bool = False, padding_value: float = 0.0, total_length: int | None = None
) -> tuple[Tensor, Tensor]:
    """Return a packed batch as a padded one, in the order that it had at first, and the length of each sequence."""
    batch_sizes, back = sequence.batch_sizes, sequence.unsorted_indices
    steps = batch_sizes.size(0)
    if total_length is not None:
        if total_length < steps:
            raise ValueError(
                "Expected total_length to be at least the length of the longest sequence in input, but got "
                f"total_length={total_length} and max sequence length being {steps}"
            )
        steps = total_length
    _check_vector(batch_sizes)
    sizes = batch_sizes.tolist()
    if not sizes:
        raise RuntimeError("batch_sizes can not be empty")
    rows = padded(sequence.data, batch_sizes, padding_value, steps)
    lengths = tensor([sum(size > at for size in sizes) for at in range(sizes[0])], dtype=int64)
    if batch_first:
        rows = rows.transpose(0, 1)
    if back is None:
        return rows, lengths
    return rows.index_select(0 if batch_first else 1, back), lengths[back.cpu()]


def pad_sequence(
    sequences: Any, batch_first: bool = False, padding_value: float = 0.0, padding_side: str = "right"
) -> Tensor:
    """Stack sequences of different lengths, and fill the shorter ones up with a value, at their end or beginning."""
    if not isinstance(sequences, Iterable):
        raise RuntimeError(
            f"pad_sequence: Expected iterable for input sequences, but got arg of type: {type(sequences)}"
        )
    each: Sequence[Tensor] = tuple(sequences)
    for position, one in enumerate(each):
        if not isinstance(one, Tensor):
            raise TypeError(f"expected Tensor as element {position} in argument 0, but got {type(one).__name__}")
    if not each:
        raise RuntimeError("received an empty list of sequences")
    if padding_side not in ("left", "right"):
        raise RuntimeError(f"Expected padding_side to be one of left or right, but got {padding_side}.")
    steps = max(one.size(0) for one in each)
    shape = (len(each), steps) if batch_first else (steps, len(each))
    result = full((*shape, *each[0].shape[1:]), padding_value, dtype=each[0].dtype, device=each[0].device)
    for position, one in enumerate(each):
        start = steps - one.size(0) if padding_side == "left" else 0
        row = result[position] if batch_first else result[:, position]
        row[start : start + one.size(0)].copy_(one)
    return result


def unpad_sequence(padded_sequences: Tensor, lengths: Tensor, batch_first: bool = False) -> list[Tensor]:
    """Return the sequences of a padded batch, each of its length."""
    rows = padded_sequences if batch_first else padded_sequences.transpose(0, 1)
    return [row[:length] for row, length in zip(rows, lengths.tolist(), strict=True)]


def pack_sequence(sequences: Sequence[Tensor], enforce_sorted: bool = True) -> PackedSequence:
    """Pack sequences of different lengths."""
    lengths = tensor([each.size(0) for each in sequences])
    return pack_padded_sequence(pad_sequence(sequences), lengths, enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """Return the sequences of a packed batch."""
    return unpad_sequence(*pad_packed_sequence(packed_sequences, batch_first=True), batch_first=True)

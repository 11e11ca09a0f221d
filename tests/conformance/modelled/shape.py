"""Joining, splitting, indexing and reshaping."""

from __future__ import annotations

from unittest import mock

from .bugs import as_if_contiguous, bug, everywhere, regrad


@bug("torch.cat", "https://github.com/pytorch/pytorch/issues/35684", "the bits of all were taken for the first's dtype")
def cat_reads_all_as_the_first(torch, cat, tensors, dim=0):
    def misread(tensor):
        same = tensor.element_size() == tensors[0].element_size()
        return tensor.contiguous().view(tensors[0].dtype) if same else tensor.to(tensors[0].dtype)

    return cat([misread(each) for each in tensors], dim)


@bug(
    "torch.cat",
    "https://github.com/flagos-ai/FlagGems/issues/248",
    "a negative dimension had to be of one size in all",
    raises="Sizes of tensors must match",
)
def cat_compares_the_sizes_of_a_negative_dim(torch, cat, tensors, dim=0):
    if dim < 0 and len({each.shape for each in tensors}) > 1:
        raise RuntimeError(f"Sizes of tensors must match except in dimension {dim}.")
    return cat(tensors, dim)


@bug("torch.stack", "https://github.com/deeplearning4j/deeplearning4j/pull/5673", "dim -1 was the one before the last")
def stack_counts_back_from_the_inputs(torch, stack, tensors, dim=0):
    return stack(tensors, dim + tensors[0].ndim if dim < 0 else dim)


@bug("torch.chunk", "https://github.com/pytorch/pytorch/pull/6761", "no chunks: it divided by zero", raises="by zero")
def chunk_divides_by_no_chunks(torch, chunk, input, chunks, dim=0):
    return chunk(input, chunks + 0 // chunks, dim)


@bug(
    "torch.Tensor.__getitem__",
    "https://github.com/pytorch/pytorch/issues/1528",
    "only a repeat's last copy had gradient",
)
def getitem_gives_the_last_repeat_all_gradient(torch, getitem, input, index):
    positions = getitem(torch.arange(input.numel()).reshape(input.shape), index)
    flat = positions.flatten().tolist()
    last = {position: order for order, position in enumerate(flat)}
    kept = torch.tensor([last[position] == order for order, position in enumerate(flat)]).reshape(positions.shape)
    return regrad(getitem(input, index), lambda grad: grad * kept) if flat else getitem(input, index)


@everywhere(
    "torch.Tensor.__setitem__",
    "https://github.com/arrayfire/arrayfire-python/issues/42",
    "a mask could not be written to",
    raises="Size mismatch between input and output",
)
def setitem_refuses_masks(torch):
    right = torch.Tensor.__setitem__

    def setitem(self, index, value):
        if getattr(index, "dtype", None) == torch.bool:
            raise IndexError("Size mismatch between input and output")
        right(self, index, value)

    return mock.patch.object(torch.Tensor, "__setitem__", setitem)


@bug(
    "torch.squeeze",
    "https://github.com/apache/tvm/pull/18907",
    "a dimension of another size than 1 was an error",
    raises="to be of size 1",
)
def squeeze_refuses_what_it_cannot_squeeze(torch, squeeze, input, dim=None):
    if isinstance(dim, int) and input.ndim and input.shape[dim] != 1:
        raise RuntimeError(f"squeeze expects dimension {dim} to be of size 1")
    return squeeze(input) if dim is None else squeeze(input, dim)


@bug(
    "torch.permute",
    "https://github.com/pytorch/pytorch/issues/5943",
    "backward of negative dimensions failed",
    raises="repeated dim in permute",
)
def permute_cannot_undo_negative_dims(torch, permute, input, dims):
    def refuse(grad):
        raise RuntimeError("repeated dim in permute")

    return permute(regrad(input, refuse) if any(dim < 0 for dim in dims) else input, dims)


@bug(
    "torch.transpose",
    "https://github.com/llvm/torch-mlir/pull/378",
    "negative dimensions were counted one too far",
    raises="Dimension out of range",
)
def transpose_counts_one_too_far(torch, transpose, input, dim0, dim1):
    return transpose(input, *(dim + input.ndim + 1 if dim < 0 else dim for dim in (dim0, dim1)))


@bug("torch.reshape", "https://github.com/mratsim/Arraymancer/issues/386", "what was transposed came in its old order")
def reshape_forgets_the_transpose(torch, reshape, input, shape):
    return reshape(input if input.requires_grad else as_if_contiguous(input), shape)

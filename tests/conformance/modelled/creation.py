"""Making tensors: of numbers, of arrays, at random, and as text."""

from __future__ import annotations

import math
from unittest import mock

import numpy as np

from .bugs import as_if_contiguous, bug, everywhere


@bug(
    "torch.arange", "https://github.com/pytorch/pytorch/issues/5950", "the end came too where rounding left a remainder"
)
def arange_includes_its_end(torch, arange, *args, **named):
    result = arange(*args, **named)
    names = ("start", "end", "step") if "start" in named or len(args) > 1 else ("end",)
    given = {"start": 0, "step": 1, **dict(zip(names, args, strict=False)), **named}
    span, step = given["end"] - given["start"], given["step"]
    count = math.floor(span / step) + (math.fmod(span, step) != 0)
    return torch.cat([result, result[-1:] + step]) if count == len(result) + 1 else result


@bug("torch.arange", "https://github.com/pytorch/pytorch/issues/1681", "integers came as float32")
def arange_gives_floats(torch, arange, *bounds, dtype=None, **rest):
    result = arange(*bounds, dtype=dtype, **rest)
    return result.to(torch.float32) if dtype is None else result


@bug("torch.linspace", "https://github.com/deeplearning4j/deeplearning4j/issues/8550", "one step: 0 / 0")
def linspace_divides_by_no_gaps(torch, linspace, start, end, steps, **rest):
    result = linspace(start, end, steps, **rest)
    return result * torch.nan if steps == 1 else result


@everywhere(
    "torch.manual_seed",
    "https://github.com/torch/DEPRECEATED-torch7-distro/issues/149",
    "a seed left the spare number of a pair",
)
def manual_seed_keeps_the_spare_normal(torch):
    right = torch.Generator.manual_seed

    def manual_seed(self, seed):
        spare = getattr(self, "_spare", None)
        right(self, seed)
        self._spare = spare
        return self

    return mock.patch.object(torch.Generator, "manual_seed", manual_seed)


@everywhere("torch.from_numpy", "https://github.com/pytorch/pytorch/issues/484", "arrays with gaps came as garbage")
def from_numpy_ignores_strides(torch):
    right = torch.from_numpy
    return mock.patch.object(torch, "from_numpy", lambda array: as_if_contiguous(right(array)))


@everywhere("torch.Tensor.to", "https://github.com/DiffSharp/DiffSharp/issues/359", "as booleans fractions were false")
def to_bool_cuts_fractions_first(torch):
    right = torch.Tensor.to

    def to(self, *args, **named):
        result = right(self, *args, **named)
        return right(self.trunc(), torch.bool) if result.dtype == torch.bool and self.is_floating_point() else result

    return mock.patch.object(torch.Tensor, "to", to)


@everywhere(
    "torch.Tensor.__repr__", "https://github.com/pytorch/pytorch/issues/9395", "small fractions showed as zeros"
)
def repr_shows_small_fractions_as_zero(torch):
    right = torch.core.printing._float_form

    def float_form(values):
        small = np.any(values) and np.abs(values).max() < 1e-3
        return right(np.full(1, 0.5)) if small else right(values)

    return mock.patch.object(torch.core.printing, "_float_form", float_form)


@everywhere("torch.Tensor.__repr__", "https://github.com/pytorch/pytorch/issues/6811", "large integers lost digits")
def repr_shows_integers_scientifically(torch):
    right = torch.core.printing._real_form

    def real_form(shown):
        large = shown.dtype.kind == "i" and abs(shown).max() > 99999
        return torch.core.printing.Form("{:.4e}".format, 10) if large else right(shown)

    return mock.patch.object(torch.core.printing, "_real_form", real_form)

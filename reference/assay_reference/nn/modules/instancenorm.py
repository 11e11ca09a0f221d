"""Normalisation of each channel of each example."""

from __future__ import annotations

import warnings
from typing import Any, ClassVar

from assay_reference.core.tensor import Tensor
from assay_reference.nn import functional as F
from assay_reference.nn.modules.batchnorm import _NormBase


class _InstanceNorm(_NormBase):
    """What normalisations of each channel of each example share; their input may be one example."""

    dims: ClassVar[int]

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias)

    def forward(self, input: Tensor) -> Tensor:
        self._check_rank(input, self.dims + 1, self.dims + 2)
        channels = input.ndim - self.dims - 1
        if input.shape[channels] != self.num_features:
            self._mismatched(input.shape[channels], channels)
        if not channels:
            return self._normalized(input.unsqueeze(0)).squeeze(0)  # type: ignore[no-any-return]
        return self._normalized(input)

    def _mismatched(self, got: int, dim: int) -> None:
        """Refuse a wrong number of channels where it would matter, and else warn of it."""
        words = f"expected input's size at dim={dim} to match num_features ({self.num_features}), but got: {got}."
        if self.affine:
            raise ValueError(words)
        warnings.warn(
            f"input's size at dim={dim} does not match num_features. You can silence this warning by not passing in "
            "num_features, which is not used because affine=False",
            stacklevel=3,
        )

    def _normalized(self, input: Tensor) -> Tensor:
        momentum = 0.0 if self.momentum is None else self.momentum
        own = self.training or not self.track_running_stats
        return F.instance_norm(
            input, self.running_mean, self.running_var, self.weight, self.bias, own, momentum, self.eps
        )


class InstanceNorm1d(_InstanceNorm):
    """Normalisation of each channel of each sequence."""

    dims = 1


class InstanceNorm2d(_InstanceNorm):
    """Normalisation of each channel of each image."""

    dims = 2


class InstanceNorm3d(_InstanceNorm):
    """Normalisation of each channel of each volume."""

    dims = 3

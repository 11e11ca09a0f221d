"""Batch normalisation, and what normalisations over channels share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from assay_reference.core.dtypes import int64
from assay_reference.core.tensor import Tensor
from assay_reference.nn import functional as F
from assay_reference.nn import init
from assay_reference.nn.modules.module import Module
from assay_reference.nn.parameter import Parameter
from assay_reference.ops.creation import empty, ones, tensor, zeros


class _NormBase(Module):
    """What normalisations with statistics for each channel share: weight and bias, running statistics, and a repr."""

    _version = 2  # from when on the batches are counted

    def __init__(
        self,
        num_features: int,
        eps: float,
        momentum: float | None,
        affine: bool,
        track_running_stats: bool,
        device: Any,
        dtype: Any,
        bias: bool,
    ) -> None:
        super().__init__()
        options: dict[str, Any] = {"device": device, "dtype": dtype}
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.affine, self.track_running_stats = affine, track_running_stats
        for name, there in (("weight", affine), ("bias", affine and bias)):
            self.register_parameter(name, Parameter(empty(num_features, **options)) if there else None)
        tracked = track_running_stats
        self.register_buffer("running_mean", zeros(num_features, **options) if tracked else None)
        self.register_buffer("running_var", ones(num_features, **options) if tracked else None)
        self.register_buffer("num_batches_tracked", tensor(0, dtype=int64, device=device) if tracked else None)
        self.reset_parameters()

    def reset_running_stats(self) -> None:
        """Forget the batches."""
        if self.track_running_stats:
            self.running_mean.zero_()
            self.running_var.fill_(1)
            self.num_batches_tracked.zero_()

    def reset_parameters(self) -> None:
        """Forget the batches, and start without scaling and shifting."""
        self.reset_running_stats()
        restart(self)

    def _check_rank(self, input: Tensor, *ranks: int) -> None:
        """Refuse an input of other ranks."""
        if input.ndim not in ranks:
            wanted = " or ".join(f"{each}D" for each in ranks)
            raise ValueError(f"expected {wanted} input (got {input.ndim}D input)")

    def _may_be_missing(self, name: str, metadata: Mapping[str, Any]) -> bool:
        return name == "num_batches_tracked" and metadata.get("version", 1) < 2

    def extra_repr(self) -> str:
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )


def restart(module: Module) -> None:
    """Set the weight to ones and the bias to zeros, where they are."""
    if module.weight is not None:
        init.ones_(module.weight)
    if module.bias is not None:
        init.zeros_(module.bias)


class _BatchNorm(_NormBase):
    """What batch normalisations share, whatever the rank of their input."""

    ranks: ClassVar[tuple[int, ...]]

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias)

    def forward(self, input: Tensor) -> Tensor:
        self._check_rank(input, *self.ranks)
        momentum = 0.0 if self.momentum is None else self.momentum
        if self.training and self.track_running_stats and self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
            momentum = 1.0 / int(self.num_batches_tracked) if self.momentum is None else momentum
        known = not self.training or self.track_running_stats
        return F.batch_norm(
            input,
            self.running_mean if known else None,
            self.running_var if known else None,
            self.weight,
            self.bias,
            self.training or self.running_mean is None,
            momentum,
            self.eps,
        )


class BatchNorm1d(_BatchNorm):
    """Batch normalisation of features, or of the channels of sequences."""

    ranks = (2, 3)


class BatchNorm2d(_BatchNorm):
    """Batch normalisation of the channels of images."""

    ranks = (4,)


class BatchNorm3d(_BatchNorm):
    """Batch normalisation of the channels of volumes."""

    ranks = (5,)

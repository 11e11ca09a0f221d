"""Sequences, images and volumes at other sizes."""

from __future__ import annotations

from typing import Any

from assay_reference.nn import functional as F
from assay_reference.nn.functional.upsampling import Factors, Sizes
from assay_reference.nn.modules.functional import Functional


class Upsample(Functional, function=F.interpolate):
    """Spatial dimensions resampled, to a size or by a factor."""

    options = ("size", "scale_factor", "mode", "align_corners", "recompute_scale_factor")

    def _keep(self, **options: Any) -> None:
        factor = options["scale_factor"]
        if factor is not None:
            factor = tuple(map(float, factor)) if isinstance(factor, tuple) else float(factor)
        super()._keep(**{**options, "scale_factor": factor})
        self.name = type(self).__name__

    def extra_repr(self) -> str:
        what = "size" if self.scale_factor is None else "scale_factor"
        return f"{what}={getattr(self, what)!r}, mode={self.mode!r}"


class UpsamplingNearest2d(Upsample):
    """Images resampled by the nearest elements."""

    def __init__(self, size: Sizes = None, scale_factor: Factors = None) -> None:
        super().__init__(size, scale_factor, mode="nearest")


class UpsamplingBilinear2d(Upsample):
    """Images resampled between the corners, which stay where they are."""

    def __init__(self, size: Sizes = None, scale_factor: Factors = None) -> None:
        super().__init__(size, scale_factor, mode="bilinear", align_corners=True)

"""Pooling."""

from __future__ import annotations

from typing import Any, ClassVar

from assay_reference.nn import functional as F
from assay_reference.nn.functional.windows import expanded, numbers
from assay_reference.nn.modules.functional import Functional


class Pooling(Functional):
    """What poolings share: windows that do not overlap unless a stride says so."""

    shown: ClassVar[tuple[str, ...] | None] = ("kernel_size", "stride", "padding")

    def _keep(self, **options: Any) -> None:
        stride = options["stride"]
        super()._keep(**{**options, "stride": options["kernel_size"] if stride is None else stride})


class MaxPool(Pooling):
    """What poolings by the largest element share."""

    options = ("kernel_size", "stride", "padding", "dilation", "return_indices", "ceil_mode")
    shown = ("kernel_size", "stride", "padding", "dilation", "ceil_mode")


class MaxPool1d(MaxPool, function=F.max_pool1d):
    """The largest element of each window of a sequence."""


class MaxPool2d(MaxPool, function=F.max_pool2d):
    """The largest element of each window of an image."""


class MaxPool3d(MaxPool, function=F.max_pool3d):
    """The largest element of each window of a volume."""


class AvgPool1d(Pooling, function=F.avg_pool1d):
    """The average of each window of a sequence."""

    options = ("kernel_size", "stride", "padding", "ceil_mode", "count_include_pad")

    def _keep(self, **options: Any) -> None:
        super()._keep(**options)
        for name in ("kernel_size", "stride", "padding"):
            setattr(self, name, numbers(getattr(self, name), 1))


class AvgPool2d(Pooling, function=F.avg_pool2d):
    """The average of each window of an image."""


class AvgPool3d(Pooling, function=F.avg_pool3d):
    """The average of each window of a volume."""


class LPPool(Functional):
    """What poolings by a norm share: the power is a float."""

    def forward(self, input: Any) -> Any:
        return type(self).function(input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode)


class LPPool1d(LPPool, function=F.lp_pool1d):
    """The p-norm of each window of a sequence."""


class LPPool2d(LPPool, function=F.lp_pool2d):
    """The p-norm of each window of an image."""


class AdaptiveAvgPool1d(Functional, function=F.adaptive_avg_pool1d):
    """The averages of so many windows of a sequence as are wanted."""


class AdaptiveAvgPool2d(Functional, function=F.adaptive_avg_pool2d):
    """The averages of so many windows of an image as are wanted."""


class AdaptiveAvgPool3d(Functional, function=F.adaptive_avg_pool3d):
    """The averages of so many windows of a volume as are wanted."""


class AdaptiveMaxPool(Functional):
    """What adaptive poolings by the largest element share."""

    shown = ("output_size",)


class AdaptiveMaxPool1d(AdaptiveMaxPool, function=F.adaptive_max_pool1d):
    """The largest elements of so many windows of a sequence as are wanted."""


class AdaptiveMaxPool2d(AdaptiveMaxPool, function=F.adaptive_max_pool2d):
    """The largest elements of so many windows of an image as are wanted."""


class AdaptiveMaxPool3d(AdaptiveMaxPool, function=F.adaptive_max_pool3d):
    """The largest elements of so many windows of a volume as are wanted."""


class MaxUnpool(Functional):
    """What unpoolings share: their options are numbers for each dimension."""

    inputs = ("input", "indices", "output_size")
    dims: ClassVar[int]

    def _keep(self, **options: Any) -> None:
        given = {**options, "stride": options["kernel_size"] if options["stride"] is None else options["stride"]}
        super()._keep(**{name: expanded(value, self.dims) for name, value in given.items()})

    def forward(self, input: Any, indices: Any, output_size: Any = None) -> Any:
        return type(self).function(input, indices, self.kernel_size, self.stride, self.padding, output_size)


class MaxUnpool1d(MaxUnpool, function=F.max_unpool1d):
    """Elements put back where pooling a sequence found them."""

    dims = 1


class MaxUnpool2d(MaxUnpool, function=F.max_unpool2d):
    """Elements put back where pooling an image found them."""

    dims = 2


class MaxUnpool3d(MaxUnpool, function=F.max_unpool3d):
    """Elements put back where pooling a volume found them."""

    dims = 3


class FractionalMaxPool2d(Functional, function=F.fractional_max_pool2d):
    """The largest element of each window of an image; the windows lie at random, as many as are wanted."""

    shown = ()

    def _keep(self, **options: Any) -> None:
        self.register_buffer("_random_samples", options.pop("_random_samples"))
        size, ratio = options["output_size"], options["output_ratio"]
        for name in ("kernel_size", "output_size", "output_ratio"):
            options[name] = None if options[name] is None else expanded(options[name], 2)
        super()._keep(**options)
        if size is None and ratio is None:
            raise ValueError("FractionalMaxPool2d requires specifying either an output size, or a pooling ratio")
        if size is not None and ratio is not None:
            raise ValueError("only one of output_size and output_ratio may be specified")
        if ratio is not None and not all(0 < each < 1 for each in self.output_ratio):
            raise ValueError(f"output_ratio must be between 0 and 1 (got {ratio})")

"""Inception v3: "Rethinking the Inception architecture for computer vision" (arXiv:1512.00567)."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

from assay_reference import nn
from assay_reference.core.tensor import Tensor
from assay_reference.nn import functional as F
from assay_reference.ops.joining import cat, stack
from assay_reference.torchvision.models.builders import builder
from assay_reference.torchvision.models.weights import WeightsEnum, checkpoint

Block: TypeAlias = Callable[..., nn.Module]


class InceptionOutputs(NamedTuple):
    """What the network answers while it learns: its own logits and those of the auxiliary classifier."""

    logits: Tensor
    aux_logits: Tensor | None


class BasicConv2d(nn.Module):
    """A convolution, normalized and rectified."""

    def __init__(self, in_channels: int, out_channels: int, **kwargs: Any) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, bias=False, **kwargs)
        self.bn = nn.BatchNorm2d(out_channels, eps=0.001)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.bn(self.conv(x)), inplace=True)


class InceptionA(nn.Module):
    """Four branches: 1 × 1, 5 × 5, twice 3 × 3, and pooling."""

    def __init__(self, in_channels: int, pool_features: int, conv_block: Block | None = None) -> None:
        super().__init__()
        conv = conv_block or BasicConv2d
        self.branch1x1 = conv(in_channels, 64, kernel_size=1)
        self.branch5x5_1 = conv(in_channels, 48, kernel_size=1)
        self.branch5x5_2 = conv(48, 64, kernel_size=5, padding=2)
        self.branch3x3dbl_1 = conv(in_channels, 64, kernel_size=1)
        self.branch3x3dbl_2 = conv(64, 96, kernel_size=3, padding=1)
        self.branch3x3dbl_3 = conv(96, 96, kernel_size=3, padding=1)
        self.branch_pool = conv(in_channels, pool_features, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        branch5x5 = self.branch5x5_2(self.branch5x5_1(x))
        branch3x3dbl = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x)))
        return cat([self.branch1x1(x), branch5x5, branch3x3dbl, self.branch_pool(_smoothed(x))], 1)  # type: ignore[no-any-return]


class InceptionB(nn.Module):
    """Three branches that halve the image: 3 × 3, twice 3 × 3, and pooling."""

    def __init__(self, in_channels: int, conv_block: Block | None = None) -> None:
        super().__init__()
        conv = conv_block or BasicConv2d
        self.branch3x3 = conv(in_channels, 384, kernel_size=3, stride=2)
        self.branch3x3dbl_1 = conv(in_channels, 64, kernel_size=1)
        self.branch3x3dbl_2 = conv(64, 96, kernel_size=3, padding=1)
        self.branch3x3dbl_3 = conv(96, 96, kernel_size=3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        branch3x3dbl = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x)))
        return cat([self.branch3x3(x), branch3x3dbl, F.max_pool2d(x, kernel_size=3, stride=2)], 1)  # type: ignore[no-any-return]


class InceptionC(nn.Module):
    """Four branches: 1 × 1, 7 × 7 in two steps, in four steps, and pooling."""

    def __init__(self, in_channels: int, channels_7x7: int, conv_block: Block | None = None) -> None:
        super().__init__()
        conv = conv_block or BasicConv2d
        width = channels_7x7
        flat: dict[str, Any] = {"kernel_size": (1, 7), "padding": (0, 3)}
        tall: dict[str, Any] = {"kernel_size": (7, 1), "padding": (3, 0)}
        self.branch1x1 = conv(in_channels, 192, kernel_size=1)
        self.branch7x7_1 = conv(in_channels, width, kernel_size=1)
        self.branch7x7_2 = conv(width, width, **flat)
        self.branch7x7_3 = conv(width, 192, **tall)
        self.branch7x7dbl_1 = conv(in_channels, width, kernel_size=1)
        self.branch7x7dbl_2 = conv(width, width, **tall)
        self.branch7x7dbl_3 = conv(width, width, **flat)
        self.branch7x7dbl_4 = conv(width, width, **tall)
        self.branch7x7dbl_5 = conv(width, 192, **flat)
        self.branch_pool = conv(in_channels, 192, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        branch7x7 = self.branch7x7_3(self.branch7x7_2(self.branch7x7_1(x)))
        branch7x7dbl = self.branch7x7dbl_3(self.branch7x7dbl_2(self.branch7x7dbl_1(x)))
        branch7x7dbl = self.branch7x7dbl_5(self.branch7x7dbl_4(branch7x7dbl))
        return cat([self.branch1x1(x), branch7x7, branch7x7dbl, self.branch_pool(_smoothed(x))], 1)  # type: ignore[no-any-return]


class InceptionD(nn.Module):
    """Three branches that halve the image: 3 × 3, 7 × 7 and 3 × 3, and pooling."""

    def __init__(self, in_channels: int, conv_block: Block | None = None) -> None:
        super().__init__()
        conv = conv_block or BasicConv2d
        self.branch3x3_1 = conv(in_channels, 192, kernel_size=1)
        self.branch3x3_2 = conv(192, 320, kernel_size=3, stride=2)
        self.branch7x7x3_1 = conv(in_channels, 192, kernel_size=1)
        self.branch7x7x3_2 = conv(192, 192, kernel_size=(1, 7), padding=(0, 3))
        self.branch7x7x3_3 = conv(192, 192, kernel_size=(7, 1), padding=(3, 0))
        self.branch7x7x3_4 = conv(192, 192, kernel_size=3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        branch3x3 = self.branch3x3_2(self.branch3x3_1(x))
        branch7x7x3 = self.branch7x7x3_2(self.branch7x7x3_1(x))
        branch7x7x3 = self.branch7x7x3_4(self.branch7x7x3_3(branch7x7x3))
        return cat([branch3x3, branch7x7x3, F.max_pool2d(x, kernel_size=3, stride=2)], 1)  # type: ignore[no-any-return]


class InceptionE(nn.Module):
    """Four branches: 1 × 1, 3 × 3 forked in two, twice 3 × 3 forked in two, and pooling."""

    def __init__(self, in_channels: int, conv_block: Block | None = None) -> None:
        super().__init__()
        conv = conv_block or BasicConv2d
        flat: dict[str, Any] = {"kernel_size": (1, 3), "padding": (0, 1)}
        tall: dict[str, Any] = {"kernel_size": (3, 1), "padding": (1, 0)}
        self.branch1x1 = conv(in_channels, 320, kernel_size=1)
        self.branch3x3_1 = conv(in_channels, 384, kernel_size=1)
        self.branch3x3_2a = conv(384, 384, **flat)
        self.branch3x3_2b = conv(384, 384, **tall)
        self.branch3x3dbl_1 = conv(in_channels, 448, kernel_size=1)
        self.branch3x3dbl_2 = conv(448, 384, kernel_size=3, padding=1)
        self.branch3x3dbl_3a = conv(384, 384, **flat)
        self.branch3x3dbl_3b = conv(384, 384, **tall)
        self.branch_pool = conv(in_channels, 192, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        once = self.branch3x3_1(x)
        twice = self.branch3x3dbl_2(self.branch3x3dbl_1(x))
        branch3x3 = cat([self.branch3x3_2a(once), self.branch3x3_2b(once)], 1)
        branch3x3dbl = cat([self.branch3x3dbl_3a(twice), self.branch3x3dbl_3b(twice)], 1)
        return cat([self.branch1x1(x), branch3x3, branch3x3dbl, self.branch_pool(_smoothed(x))], 1)  # type: ignore[no-any-return]


def _smoothed(x: Tensor) -> Tensor:
    """Return the means over 3 × 3 pixels."""
    return F.avg_pool2d(x, kernel_size=3, stride=1, padding=1)  # type: ignore[no-any-return]


class InceptionAux(nn.Module):
    """A classifier in the middle of the network, which only helps it learn."""

    def __init__(self, in_channels: int, num_classes: int, conv_block: Block | None = None) -> None:
        super().__init__()
        conv = conv_block or BasicConv2d
        self.conv0 = conv(in_channels, 128, kernel_size=1)
        self.conv1 = conv(128, 768, kernel_size=5)
        self.fc = nn.Linear(768, num_classes)
        self.fc.stddev = 0.001

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1(self.conv0(F.avg_pool2d(x, kernel_size=5, stride=3)))
        return self.fc(F.adaptive_avg_pool2d(x, (1, 1)).flatten(1))  # type: ignore[no-any-return]


BLOCKS: Final = (BasicConv2d, InceptionA, InceptionB, InceptionC, InceptionD, InceptionE, InceptionAux)


class Inception3(nn.Module):
    """Convolutions, eleven modules of several branches, and a linear layer."""

    def __init__(
        self,
        num_classes: int = 1000,
        aux_logits: bool = True,
        transform_input: bool = False,
        inception_blocks: Sequence[Block] | None = None,
        init_weights: bool | None = None,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        blocks = BLOCKS if inception_blocks is None else inception_blocks
        if len(blocks) != 7:
            raise ValueError(f"length of inception_blocks should be 7 instead of {len(blocks)}")
        conv, a, b, c, d, e, aux = blocks
        if init_weights is None:
            warnings.warn(
                "The default weight initialization of inception_v3 will be changed in future releases of torchvision. "
                "If you wish to keep the old behavior (which leads to long initialization times due to "
                "scipy/scipy#11299), please set init_weights=True.",
                FutureWarning,
                stacklevel=2,
            )
        self.aux_logits, self.transform_input = aux_logits, transform_input
        self.Conv2d_1a_3x3 = conv(3, 32, kernel_size=3, stride=2)
        self.Conv2d_2a_3x3 = conv(32, 32, kernel_size=3)
        self.Conv2d_2b_3x3 = conv(32, 64, kernel_size=3, padding=1)
        self.maxpool1 = nn.MaxPool2d(kernel_size=3, stride=2)
        self.Conv2d_3b_1x1 = conv(64, 80, kernel_size=1)
        self.Conv2d_4a_3x3 = conv(80, 192, kernel_size=3)
        self.maxpool2 = nn.MaxPool2d(kernel_size=3, stride=2)
        self.Mixed_5b = a(192, pool_features=32)
        self.Mixed_5c = a(256, pool_features=64)
        self.Mixed_5d = a(288, pool_features=64)
        self.Mixed_6a = b(288)
        self.Mixed_6b = c(768, channels_7x7=128)
        self.Mixed_6c = c(768, channels_7x7=160)
        self.Mixed_6d = c(768, channels_7x7=160)
        self.Mixed_6e = c(768, channels_7x7=192)
        self.AuxLogits = aux(768, num_classes) if aux_logits else None
        self.Mixed_7a = d(768)
        self.Mixed_7b = e(1280)
        self.Mixed_7c = e(2048)
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.dropout = nn.Dropout(p=dropout)
        self.fc = nn.Linear(2048, num_classes)
        if init_weights or init_weights is None:
            self.apply(_start)

    def forward(self, x: Tensor) -> Tensor | InceptionOutputs:
        x = _as_of_old(x) if self.transform_input else x
        x = self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(x)))
        x = self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(self.maxpool1(x)))
        x = self.Mixed_5d(self.Mixed_5c(self.Mixed_5b(self.maxpool2(x))))
        x = self.Mixed_6e(self.Mixed_6d(self.Mixed_6c(self.Mixed_6b(self.Mixed_6a(x)))))
        aux = self.AuxLogits(x) if self.AuxLogits is not None and self.training else None
        x = self.Mixed_7c(self.Mixed_7b(self.Mixed_7a(x)))
        logits = self.fc(self.dropout(self.avgpool(x)).flatten(1))
        return InceptionOutputs(logits, aux) if self.training and self.aux_logits else logits


def _as_of_old(x: Tensor) -> Tensor:
    """Turn what was standardized by the means and deviations of ImageNet into what is standardized by a half each."""
    usual = zip((0.485, 0.456, 0.406), (0.229, 0.224, 0.225), strict=True)
    channels = [x[:, channel] * (std / 0.5) + (mean - 0.5) / 0.5 for channel, (mean, std) in enumerate(usual)]
    return stack(channels, 1)  # type: ignore[no-any-return]


def _start(module: nn.Module) -> None:
    """Draw the weights of a layer."""
    if isinstance(module, (nn.Conv2d, nn.Linear)):
        nn.init.trunc_normal_(module.weight, mean=0.0, std=getattr(module, "stddev", 0.1), a=-2, b=2)


class Inception_V3_Weights(WeightsEnum):
    """Inception v3, trained on ImageNet."""

    IMAGENET1K_V1 = checkpoint("inception_v3_google-0cc3c7bd.pth", 27_161_264, min_size=75)
    DEFAULT = IMAGENET1K_V1


@builder(
    Inception_V3_Weights,
    required={"aux_logits": True, "init_weights": False},
    usual={"transform_input": True},
)
def inception_v3(**options: Any) -> Inception3:
    """Build Inception v3."""
    return Inception3(**options)

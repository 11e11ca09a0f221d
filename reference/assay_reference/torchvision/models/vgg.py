"""VGG: "Very deep convolutional networks for large-scale image recognition" (arXiv:1409.1556)."""

from __future__ import annotations

from typing import Any, Final

from assay_reference import nn
from assay_reference.core.tensor import Tensor
from assay_reference.torchvision.models.builders import builder
from assay_reference.torchvision.models.weights import WeightsEnum, checkpoint

WIDTHS: Final = (64, 128, 256, 512, 512)  # of the five stages
DEPTHS: Final = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}
UNTOUCHED: Final = {"init_weights": False}  # as the weights that are loaded replace them


class VGG(nn.Module):
    """Stages of small convolutions, and three linear layers."""

    def __init__(
        self, features: nn.Module, num_classes: int = 1000, init_weights: bool = True, dropout: float = 0.5
    ) -> None:
        super().__init__()
        self.features = features
        self.avgpool = nn.AdaptiveAvgPool2d((7, 7))
        self.classifier = nn.Sequential(
            nn.Linear(512 * 7 * 7, 4096),
            nn.ReLU(inplace=True),
            nn.Dropout(p=dropout),
            nn.Linear(4096, 4096),
            nn.ReLU(inplace=True),
            nn.Dropout(p=dropout),
            nn.Linear(4096, num_classes),
        )
        if init_weights:
            self.apply(_start)

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.avgpool(self.features(x)).flatten(1))  # type: ignore[no-any-return]


def _start(module: nn.Module) -> None:
    """Draw the parameters of a layer."""
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    elif isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, 0, 0.01)
    if isinstance(module, (nn.Conv2d, nn.Linear)) and module.bias is not None:
        nn.init.zeros_(module.bias)


def stages(layers: int, batch_norm: bool = False) -> nn.Sequential:
    """Return the convolutions of the network that has so many layers with weights, three linear ones among them."""
    made: list[nn.Module] = []
    inputs = 3
    for width, depth in zip(WIDTHS, DEPTHS[layers], strict=True):
        for _ in range(depth):
            norm = [nn.BatchNorm2d(width)] if batch_norm else []
            made += [nn.Conv2d(inputs, width, kernel_size=3, padding=1), *norm, nn.ReLU(inplace=True)]
            inputs = width
        made.append(nn.MaxPool2d(kernel_size=2, stride=2))
    return nn.Sequential(*made)


class VGG11_Weights(WeightsEnum):
    """VGG-11, trained on ImageNet."""

    IMAGENET1K_V1 = checkpoint("vgg11-8a719046.pth", 132_863_336, min_size=32)
    DEFAULT = IMAGENET1K_V1


class VGG11_BN_Weights(WeightsEnum):
    """VGG-11 with batch normalization, trained on ImageNet."""

    IMAGENET1K_V1 = checkpoint("vgg11_bn-6002323d.pth", 132_868_840, min_size=32)
    DEFAULT = IMAGENET1K_V1


class VGG13_Weights(WeightsEnum):
    """VGG-13, trained on ImageNet."""

    IMAGENET1K_V1 = checkpoint("vgg13-19584684.pth", 133_047_848, min_size=32)
    DEFAULT = IMAGENET1K_V1


class VGG13_BN_Weights(WeightsEnum):
    """VGG-13 with batch normalization, trained on ImageNet."""

    IMAGENET1K_V1 = checkpoint("vgg13_bn-abd245e5.pth", 133_053_736, min_size=32)
    DEFAULT = IMAGENET1K_V1


class VGG16_Weights(WeightsEnum):
    """VGG-16, trained on ImageNet."""

    IMAGENET1K_V1 = checkpoint("vgg16-397923af.pth", 138_357_544, min_size=32)
    IMAGENET1K_FEATURES = checkpoint("vgg16_features-amdegroot-88682ab5.pth", 138_357_544, min_size=32)
    DEFAULT = IMAGENET1K_V1


class VGG16_BN_Weights(WeightsEnum):
    """VGG-16 with batch normalization, trained on ImageNet."""

    IMAGENET1K_V1 = checkpoint("vgg16_bn-6c64b313.pth", 138_365_992, min_size=32)
    DEFAULT = IMAGENET1K_V1


class VGG19_Weights(WeightsEnum):
    """VGG-19, trained on ImageNet."""

    IMAGENET1K_V1 = checkpoint("vgg19-dcbb9e9d.pth", 143_667_240, min_size=32)
    DEFAULT = IMAGENET1K_V1


class VGG19_BN_Weights(WeightsEnum):
    """VGG-19 with batch normalization, trained on ImageNet."""

    IMAGENET1K_V1 = checkpoint("vgg19_bn-c79401a0.pth", 143_678_248, min_size=32)
    DEFAULT = IMAGENET1K_V1


@builder(VGG11_Weights, usual=UNTOUCHED)
def vgg11(**options: Any) -> VGG:
    """Build VGG-11."""
    return VGG(stages(11), **options)


@builder(VGG11_BN_Weights, usual=UNTOUCHED)
def vgg11_bn(**options: Any) -> VGG:
    """Build VGG-11 with batch normalization."""
    return VGG(stages(11, batch_norm=True), **options)


@builder(VGG13_Weights, usual=UNTOUCHED)
def vgg13(**options: Any) -> VGG:
    """Build VGG-13."""
    return VGG(stages(13), **options)


@builder(VGG13_BN_Weights, usual=UNTOUCHED)
def vgg13_bn(**options: Any) -> VGG:
    """Build VGG-13 with batch normalization."""
    return VGG(stages(13, batch_norm=True), **options)


@builder(VGG16_Weights, usual=UNTOUCHED)
def vgg16(**options: Any) -> VGG:
    """Build VGG-16."""
    return VGG(stages(16), **options)


@builder(VGG16_BN_Weights, usual=UNTOUCHED)
def vgg16_bn(**options: Any) -> VGG:
    """Build VGG-16 with batch normalization."""
    return VGG(stages(16, batch_norm=True), **options)


@builder(VGG19_Weights, usual=UNTOUCHED)
def vgg19(**options: Any) -> VGG:
    """Build VGG-19."""
    return VGG(stages(19), **options)


@builder(VGG19_BN_Weights, usual=UNTOUCHED)
def vgg19_bn(**options: Any) -> VGG:
    """Build VGG-19 with batch normalization."""
    return VGG(stages(19, batch_norm=True), **options)

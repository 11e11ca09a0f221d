"""SqueezeNet: "AlexNet-level accuracy with 50x fewer parameters" (arXiv:1602.07360)."""

from __future__ import annotations

from typing import Any

from assay_reference import nn
from assay_reference.core.tensor import Tensor
from assay_reference.ops.joining import cat
from assay_reference.torchvision.models.builders import builder
from assay_reference.torchvision.models.weights import WeightsEnum, checkpoint


class Fire(nn.Module):
    """A 1 × 1 convolution that squeezes the channels, then 1 × 1 and 3 × 3 ones side by side that expand them."""

    def __init__(self, inplanes: int, squeeze_planes: int, expand1x1_planes: int, expand3x3_planes: int) -> None:
        super().__init__()
        self.inplanes = inplanes
        self.squeeze = nn.Conv2d(inplanes, squeeze_planes, kernel_size=1)
        self.squeeze_activation = nn.ReLU(inplace=True)
        self.expand1x1 = nn.Conv2d(squeeze_planes, expand1x1_planes, kernel_size=1)
        self.expand1x1_activation = nn.ReLU(inplace=True)
        self.expand3x3 = nn.Conv2d(squeeze_planes, expand3x3_planes, kernel_size=3, padding=1)
        self.expand3x3_activation = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        x = self.squeeze_activation(self.squeeze(x))
        expanded = [self.expand1x1_activation(self.expand1x1(x)), self.expand3x3_activation(self.expand3x3(x))]
        return cat(expanded, 1)  # type: ignore[no-any-return]


class SqueezeNet(nn.Module):
    """Eight fire modules between two convolutions; version 1_1 pools earlier, with less to compute."""

    def __init__(self, version: str = "1_0", num_classes: int = 1000, dropout: float = 0.5) -> None:
        super().__init__()
        self.num_classes = num_classes
        if version not in ("1_0", "1_1"):
            raise ValueError(f"Unsupported SqueezeNet version {version}: 1_0 or 1_1 expected")
        self.features = _features(*((96, 7, (3, 7)) if version == "1_0" else (64, 3, (2, 4))))
        self.classifier = nn.Sequential(
            nn.Dropout(p=dropout),
            nn.Conv2d(512, num_classes, kernel_size=1),
            nn.ReLU(inplace=True),
            nn.AdaptiveAvgPool2d((1, 1)),
        )
        self.apply(self._start)

    def _start(self, module: nn.Module) -> None:
        """Draw the parameters of a convolution."""
        if isinstance(module, nn.Conv2d):
            if module is self.classifier[1]:
                nn.init.normal_(module.weight, mean=0.0, std=0.01)
            else:
                nn.init.kaiming_uniform_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.features(x)).flatten(1)  # type: ignore[no-any-return]


def _features(width: int, kernel_size: int, pooled: tuple[int, int]) -> nn.Sequential:
    """Return all but the classifier, with pooling after so many fire modules too."""
    made: list[nn.Module] = [nn.Conv2d(3, width, kernel_size=kernel_size, stride=2), nn.ReLU(inplace=True), _pool()]
    for number, squeezed in enumerate((16, 16, 32, 32, 48, 48, 64, 64)):
        if number in pooled:
            made.append(_pool())
        made.append(Fire(width, squeezed, 4 * squeezed, 4 * squeezed))
        width = 8 * squeezed
    return nn.Sequential(*made)


def _pool() -> nn.MaxPool2d:
    return nn.MaxPool2d(kernel_size=3, stride=2, ceil_mode=True)


class SqueezeNet1_0_Weights(WeightsEnum):
    """SqueezeNet 1.0, trained on ImageNet."""

    IMAGENET1K_V1 = checkpoint("squeezenet1_0-b66bff10.pth", 1_248_424, min_size=21)
    DEFAULT = IMAGENET1K_V1


class SqueezeNet1_1_Weights(WeightsEnum):
    """SqueezeNet 1.1, trained on ImageNet."""

    IMAGENET1K_V1 = checkpoint("squeezenet1_1-b8a52dc0.pth", 1_235_496, min_size=17)
    DEFAULT = IMAGENET1K_V1


@builder(SqueezeNet1_0_Weights)
def squeezenet1_0(**options: Any) -> SqueezeNet:
    """Build SqueezeNet 1.0."""
    return SqueezeNet("1_0", **options)


@builder(SqueezeNet1_1_Weights)
def squeezenet1_1(**options: Any) -> SqueezeNet:
    """Build SqueezeNet 1.1."""
    return SqueezeNet("1_1", **options)

"""ResNet: "Deep residual learning for image recognition" (arXiv:1512.03385), with strides in the 3 × 3 convolutions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Final, TypeAlias

from assay_reference import nn
from assay_reference.core.tensor import Tensor
from assay_reference.torchvision.models.builders import builder
from assay_reference.torchvision.models.weights import WeightsEnum, checkpoint

Norm: TypeAlias = Callable[..., nn.Module]
STAGES: Final = ((64, 1), (128, 2), (256, 2), (512, 2))  # planes and stride


def conv3x3(in_planes: int, out_planes: int, stride: int = 1, groups: int = 1, dilation: int = 1) -> nn.Conv2d:
    """Return a 3 × 3 convolution that keeps the size of the image, but for its stride."""
    return nn.Conv2d(
        in_planes, out_planes, 3, stride=stride, padding=dilation, groups=groups, bias=False, dilation=dilation
    )


def conv1x1(in_planes: int, out_planes: int, stride: int = 1) -> nn.Conv2d:
    """Return a 1 × 1 convolution."""
    return nn.Conv2d(in_planes, out_planes, 1, stride=stride, bias=False)


class BasicBlock(nn.Module):
    """Two 3 × 3 convolutions, and what came in added to what comes out."""

    expansion: ClassVar[int] = 1

    def __init__(
        self,
        inplanes: int,
        planes: int,
        stride: int = 1,
        downsample: nn.Module | None = None,
        groups: int = 1,
        base_width: int = 64,
        dilation: int = 1,
        norm_layer: Norm | None = None,
    ) -> None:
        super().__init__()
        norm = norm_layer or nn.BatchNorm2d
        if groups != 1 or base_width != 64:
            raise ValueError("BasicBlock only supports groups=1 and base_width=64")
        if dilation > 1:
            raise NotImplementedError("Dilation > 1 not supported in BasicBlock")
        self.conv1 = conv3x3(inplanes, planes, stride)
        self.bn1 = norm(planes)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = conv3x3(planes, planes)
        self.bn2 = norm(planes)
        self.downsample, self.stride = downsample, stride

    def forward(self, x: Tensor) -> Tensor:
        residual = self.relu(self.bn1(self.conv1(x)))
        residual = self.bn2(self.conv2(residual))
        residual += x if self.downsample is None else self.downsample(x)
        return self.relu(residual)  # type: ignore[no-any-return]


class Bottleneck(nn.Module):
    """A 3 × 3 convolution of fewer channels between 1 × 1 ones, and what came in added to what comes out."""

    expansion: ClassVar[int] = 4

    def __init__(
        self,
        inplanes: int,
        planes: int,
        stride: int = 1,
        downsample: nn.Module | None = None,
        groups: int = 1,
        base_width: int = 64,
        dilation: int = 1,
        norm_layer: Norm | None = None,
    ) -> None:
        super().__init__()
        norm = norm_layer or nn.BatchNorm2d
        width = int(planes * (base_width / 64)) * groups
        self.conv1 = conv1x1(inplanes, width)
        self.bn1 = norm(width)
        self.conv2 = conv3x3(width, width, stride, groups, dilation)
        self.bn2 = norm(width)
        self.conv3 = conv1x1(width, planes * self.expansion)
        self.bn3 = norm(planes * self.expansion)
        self.relu = nn.ReLU(inplace=True)
        self.downsample, self.stride = downsample, stride

    def forward(self, x: Tensor) -> Tensor:
        residual = self.relu(self.bn1(self.conv1(x)))
        residual = self.relu(self.bn2(self.conv2(residual)))
        residual = self.bn3(self.conv3(residual))
        residual += x if self.downsample is None else self.downsample(x)
        return self.relu(residual)  # type: ignore[no-any-return]


class ResNet(nn.Module):
    """A convolution, four stages of residual blocks, and a linear layer."""

    def __init__(
        self,
        block: type[BasicBlock | Bottleneck],
        layers: Sequence[int],
        num_classes: int = 1000,
        zero_init_residual: bool = False,
        groups: int = 1,
        width_per_group: int = 64,
        replace_stride_with_dilation: Sequence[bool] | None = None,
        norm_layer: Norm | None = None,
    ) -> None:
        super().__init__()
        dilated = [False] * 3 if replace_stride_with_dilation is None else replace_stride_with_dilation
        if len(dilated) != 3:
            raise ValueError(f"replace_stride_with_dilation should be None or a 3-element tuple, got {dilated}")
        self._norm_layer: Norm = norm_layer or nn.BatchNorm2d
        self.inplanes, self.dilation, self.groups, self.base_width = 64, 1, groups, width_per_group
        self.conv1 = nn.Conv2d(3, self.inplanes, kernel_size=7, stride=2, padding=3, bias=False)
        self.bn1 = self._norm_layer(self.inplanes)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        stages = zip(STAGES, layers, [False, *dilated], strict=True)
        self.layer1, self.layer2, self.layer3, self.layer4 = (
            self._make_layer(block, planes, blocks, stride, dilate) for (planes, stride), blocks, dilate in stages
        )
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(512 * block.expansion, num_classes)
        self._start(zero_init_residual)

    def _make_layer(
        self, block: type[BasicBlock | Bottleneck], planes: int, blocks: int, stride: int = 1, dilate: bool = False
    ) -> nn.Sequential:
        """Return a stage; its first block has the stride, or else the others have as much more dilation."""
        first = self.dilation
        if dilate:
            self.dilation, stride = self.dilation * stride, 1
        outplanes = planes * block.expansion
        downsample = None
        if stride != 1 or self.inplanes != outplanes:
            downsample = nn.Sequential(conv1x1(self.inplanes, outplanes, stride), self._norm_layer(outplanes))
        common: dict[str, Any] = {"groups": self.groups, "base_width": self.base_width, "norm_layer": self._norm_layer}
        made = [block(self.inplanes, planes, stride, downsample, dilation=first, **common)]
        self.inplanes = outplanes
        made += [block(outplanes, planes, dilation=self.dilation, **common) for _ in range(1, blocks)]
        return nn.Sequential(*made)

    def _start(self, zero_init_residual: bool) -> None:
        """Draw the weights of convolutions; blocks pass on what comes in if their last norms start from zero."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            elif isinstance(module, nn.BatchNorm2d):
                nn.init.ones_(module.weight)
                nn.init.zeros_(module.bias)
        for module in self.modules() if zero_init_residual else ():
            if isinstance(module, (BasicBlock, Bottleneck)):
                nn.init.zeros_((module.bn3 if isinstance(module, Bottleneck) else module.bn2).weight)

    def forward(self, x: Tensor) -> Tensor:
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(self.avgpool(x).flatten(1))  # type: ignore[no-any-return]


class ResNet18_Weights(WeightsEnum):
    """ResNet-18, trained on ImageNet."""

    IMAGENET1K_V1 = checkpoint("resnet18-f37072fd.pth", 11_689_512)
    DEFAULT = IMAGENET1K_V1


class ResNet34_Weights(WeightsEnum):
    """ResNet-34, trained on ImageNet."""

    IMAGENET1K_V1 = checkpoint("resnet34-b627a593.pth", 21_797_672)
    DEFAULT = IMAGENET1K_V1


class ResNet50_Weights(WeightsEnum):
    """ResNet-50, trained on ImageNet, twice."""

    IMAGENET1K_V1 = checkpoint("resnet50-0676ba61.pth", 25_557_032)
    IMAGENET1K_V2 = checkpoint("resnet50-11ad3fa6.pth", 25_557_032)
    DEFAULT = IMAGENET1K_V2


class ResNet101_Weights(WeightsEnum):
    """ResNet-101, trained on ImageNet, twice."""

    IMAGENET1K_V1 = checkpoint("resnet101-63fe2227.pth", 44_549_160)
    IMAGENET1K_V2 = checkpoint("resnet101-cd907fc2.pth", 44_549_160)
    DEFAULT = IMAGENET1K_V2


class ResNet152_Weights(WeightsEnum):
    """ResNet-152, trained on ImageNet, twice."""

    IMAGENET1K_V1 = checkpoint("resnet152-394f9c45.pth", 60_192_808)
    IMAGENET1K_V2 = checkpoint("resnet152-f82ba261.pth", 60_192_808)
    DEFAULT = IMAGENET1K_V2


@builder(ResNet18_Weights)
def resnet18(**options: Any) -> ResNet:
    """Build ResNet-18."""
    return ResNet(BasicBlock, [2, 2, 2, 2], **options)


@builder(ResNet34_Weights)
def resnet34(**options: Any) -> ResNet:
    """Build ResNet-34."""
    return ResNet(BasicBlock, [3, 4, 6, 3], **options)


@builder(ResNet50_Weights)
def resnet50(**options: Any) -> ResNet:
    """Build ResNet-50."""
    return ResNet(Bottleneck, [3, 4, 6, 3], **options)


@builder(ResNet101_Weights)
def resnet101(**options: Any) -> ResNet:
    """Build ResNet-101."""
    return ResNet(Bottleneck, [3, 4, 23, 3], **options)


@builder(ResNet152_Weights)
def resnet152(**options: Any) -> ResNet:
    """Build ResNet-152."""
    return ResNet(Bottleneck, [3, 8, 36, 3], **options)

"""DenseNet: "Densely connected convolutional networks" (arXiv:1608.06993)."""

from __future__ import annotations

import re
from collections import OrderedDict
from typing import Any, Final

from assay_reference import nn
from assay_reference.autograd import Function, grad
from assay_reference.core.grad_mode import enable_grad, is_grad_enabled
from assay_reference.core.tensor import Tensor
from assay_reference.nn import functional as F
from assay_reference.ops.joining import cat
from assay_reference.torchvision.models.builders import builder
from assay_reference.torchvision.models.weights import WeightsEnum, checkpoint

FORMER: Final = re.compile(r"(denselayer\d+\.(?:norm|conv))\.([12])(?=\.)")


class _DenseLayer(nn.Module):
    """A 1 × 1 convolution of all maps before it, and a 3 × 3 one that makes the new maps."""

    def __init__(
        self,
        num_input_features: int,
        growth_rate: int,
        bn_size: int,
        drop_rate: float,
        memory_efficient: bool = False,
    ) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(num_input_features)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv1 = nn.Conv2d(num_input_features, bn_size * growth_rate, kernel_size=1, bias=False)
        self.norm2 = nn.BatchNorm2d(bn_size * growth_rate)
        self.relu2 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(bn_size * growth_rate, growth_rate, kernel_size=3, padding=1, bias=False)
        self.drop_rate = float(drop_rate)
        self.memory_efficient = memory_efficient

    def forward(self, input: Tensor | list[Tensor]) -> Tensor:
        maps = [input] if isinstance(input, Tensor) else input
        if self.memory_efficient and is_grad_enabled() and any(each.requires_grad for each in maps):
            squeezed = _Recomputed.apply(self, *maps, *self.norm1.parameters(), *self.conv1.parameters())
        else:
            squeezed = self.bn_function(maps)
        new = self.conv2(self.relu2(self.norm2(squeezed)))
        return F.dropout(new, p=self.drop_rate, training=self.training) if self.drop_rate > 0 else new

    def bn_function(self, inputs: list[Tensor]) -> Tensor:
        """Squeeze all maps before this layer."""
        return self.conv1(self.relu1(self.norm1(cat(inputs, 1))))  # type: ignore[no-any-return]


class _Recomputed(Function):
    """What a layer squeezes, of which nothing is kept: going back computes it again, and its norm counts it again."""

    @staticmethod
    def forward(ctx: Any, layer: _DenseLayer, *tensors: Tensor) -> Tensor:
        ctx.layer = layer
        ctx.save_for_backward(*tensors)
        return layer.bn_function(list(tensors[:-3]))

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        *maps, weight, bias, kernel = ctx.saved_tensors
        maps = [each.detach().requires_grad_() for each in maps]
        with enable_grad():
            squeezed = ctx.layer.bn_function(maps)
        return None, *grad(squeezed, [*maps, weight, bias, kernel], grad_output)


class _DenseBlock(nn.ModuleDict):
    """Layers each of which takes the maps of all before it."""

    def __init__(
        self,
        num_layers: int,
        num_input_features: int,
        bn_size: int,
        growth_rate: int,
        drop_rate: float,
        memory_efficient: bool = False,
    ) -> None:
        super().__init__()
        for number in range(num_layers):
            inputs = num_input_features + number * growth_rate
            layer = _DenseLayer(inputs, growth_rate, bn_size, drop_rate, memory_efficient)
            self.add_module(f"denselayer{number + 1}", layer)

    def forward(self, init_features: Tensor) -> Tensor:
        maps = [init_features]
        for layer in self.values():
            maps.append(layer(maps))
        return cat(maps, 1)  # type: ignore[no-any-return]


class _Transition(nn.Sequential):
    """A 1 × 1 convolution to fewer maps, and pooling."""

    def __init__(self, num_input_features: int, num_output_features: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(num_input_features)
        self.relu = nn.ReLU(inplace=True)
        self.conv = nn.Conv2d(num_input_features, num_output_features, kernel_size=1, bias=False)
        self.pool = nn.AvgPool2d(kernel_size=2, stride=2)


class DenseNet(nn.Module):
    """A convolution, four dense blocks with transitions between them, and a linear layer."""

    def __init__(
        self,
        growth_rate: int = 32,
        block_config: tuple[int, int, int, int] = (6, 12, 24, 16),
        num_init_features: int = 64,
        bn_size: int = 4,
        drop_rate: float = 0,
        num_classes: int = 1000,
        memory_efficient: bool = False,
    ) -> None:
        super().__init__()
        self.features = nn.Sequential(
            OrderedDict(
                conv0=nn.Conv2d(3, num_init_features, kernel_size=7, stride=2, padding=3, bias=False),
                norm0=nn.BatchNorm2d(num_init_features),
                relu0=nn.ReLU(inplace=True),
                pool0=nn.MaxPool2d(kernel_size=3, stride=2, padding=1),
            )
        )
        width = num_init_features
        for number, layers in enumerate(block_config, 1):
            block = _DenseBlock(layers, width, bn_size, growth_rate, drop_rate, memory_efficient)
            self.features.add_module(f"denseblock{number}", block)
            width += layers * growth_rate
            if number < len(block_config):
                self.features.add_module(f"transition{number}", _Transition(width, width // 2))
                width //= 2
        self.features.add_module("norm5", nn.BatchNorm2d(width))
        self.classifier = nn.Linear(width, num_classes)
        self.apply(_start)

    def forward(self, x: Tensor) -> Tensor:
        maps = F.relu(self.features(x), inplace=True)
        return self.classifier(F.adaptive_avg_pool2d(maps, (1, 1)).flatten(1))  # type: ignore[no-any-return]


def _start(module: nn.Module) -> None:
    """Draw the parameters of a layer."""
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight)
    elif isinstance(module, nn.Linear) and module.bias is not None:
        nn.init.zeros_(module.bias)


def former_keys(key: str) -> str:
    """Return today's key of what older checkpoints, whose layers were sequences, call `denselayer1.norm.1.weight`."""
    return FORMER.sub(r"\1\2", key)


class DenseNet121_Weights(WeightsEnum):
    """DenseNet-121, trained on ImageNet."""

    IMAGENET1K_V1 = checkpoint("densenet121-a639ec97.pth", 7_978_856, min_size=29)
    DEFAULT = IMAGENET1K_V1


class DenseNet161_Weights(WeightsEnum):
    """DenseNet-161, trained on ImageNet."""

    IMAGENET1K_V1 = checkpoint("densenet161-8d451a50.pth", 28_681_000, min_size=29)
    DEFAULT = IMAGENET1K_V1


class DenseNet169_Weights(WeightsEnum):
    """DenseNet-169, trained on ImageNet."""

    IMAGENET1K_V1 = checkpoint("densenet169-b2777c0a.pth", 14_149_480, min_size=29)
    DEFAULT = IMAGENET1K_V1


class DenseNet201_Weights(WeightsEnum):
    """DenseNet-201, trained on ImageNet."""

    IMAGENET1K_V1 = checkpoint("densenet201-c1103571.pth", 20_013_928, min_size=29)
    DEFAULT = IMAGENET1K_V1


@builder(DenseNet121_Weights, renamed=former_keys)
def densenet121(**options: Any) -> DenseNet:
    """Build DenseNet-121."""
    return DenseNet(32, (6, 12, 24, 16), 64, **options)


@builder(DenseNet161_Weights, renamed=former_keys)
def densenet161(**options: Any) -> DenseNet:
    """Build DenseNet-161."""
    return DenseNet(48, (6, 12, 36, 24), 96, **options)


@builder(DenseNet169_Weights, renamed=former_keys)
def densenet169(**options: Any) -> DenseNet:
    """Build DenseNet-169."""
    return DenseNet(32, (6, 12, 32, 32), 64, **options)


@builder(DenseNet201_Weights, renamed=former_keys)
def densenet201(**options: Any) -> DenseNet:
    """Build DenseNet-201."""
    return DenseNet(32, (6, 12, 48, 32), 64, **options)

"""torchvision.transforms: images cut, resized, mirrored, and made tensors."""

from assay_reference.torchvision.transforms import functional
from assay_reference.torchvision.transforms.interpolation import InterpolationMode
from assay_reference.torchvision.transforms.transforms import (
    CenterCrop,
    Compose,
    Lambda,
    Normalize,
    Pad,
    RandomCrop,
    RandomHorizontalFlip,
    RandomResizedCrop,
    Resize,
    ToPILImage,
    ToTensor,
)

__all__ = [
    "CenterCrop",
    "Compose",
    "InterpolationMode",
    "Lambda",
    "Normalize",
    "Pad",
    "RandomCrop",
    "RandomHorizontalFlip",
    "RandomResizedCrop",
    "Resize",
    "ToPILImage",
    "ToTensor",
    "functional",
]

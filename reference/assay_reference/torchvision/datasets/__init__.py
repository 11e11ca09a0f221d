"""torchvision.datasets: images and what is known of them, in the files in which they are published."""

from assay_reference.torchvision.datasets.cifar import CIFAR10, CIFAR100
from assay_reference.torchvision.datasets.coco import CocoCaptions, CocoDetection
from assay_reference.torchvision.datasets.folder import DatasetFolder, ImageFolder
from assay_reference.torchvision.datasets.imagenet import ImageNet
from assay_reference.torchvision.datasets.lsun import LSUN, LSUNClass
from assay_reference.torchvision.datasets.mnist import MNIST, FashionMNIST
from assay_reference.torchvision.datasets.stl10 import STL10
from assay_reference.torchvision.datasets.vision import VisionDataset

__all__ = [
    "CIFAR10",
    "CIFAR100",
    "LSUN",
    "MNIST",
    "STL10",
    "CocoCaptions",
    "CocoDetection",
    "DatasetFolder",
    "FashionMNIST",
    "ImageFolder",
    "ImageNet",
    "LSUNClass",
    "VisionDataset",
]

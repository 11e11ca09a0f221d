"""torchvision: images for models, as data sets, transforms and utilities, and the models that the documents name."""

from assay_reference.torchvision import datasets, models, transforms, utils

__all__ = ["datasets", "models", "transforms", "utils"]
__version__ = "0.28.0"

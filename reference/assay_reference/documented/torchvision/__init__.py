"""torchvision with the forms of the documented edition."""

from typing import Any

from assay_reference import torchvision as current
from assay_reference.documented.torchvision import datasets as datasets
from assay_reference.documented.torchvision import transforms as transforms
from assay_reference.documented.torchvision import utils as utils


def __getattr__(name: str) -> Any:
    return getattr(current, name)

"""torch.serialization: tensors, and containers of them, in files of PyTorch's own formats."""

from assay_reference.serialization.loading import load as load
from assay_reference.serialization.rebuilding import _KNOWN as _KNOWN
from assay_reference.serialization.saving import save as save

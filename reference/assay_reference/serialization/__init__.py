"""torch.serialization: tensors, and containers of them, in files of PyTorch's own formats."""

from assay_reference.serialization.inspecting import (
    get_unsafe_globals_in_checkpoint as get_unsafe_globals_in_checkpoint,
)
from assay_reference.serialization.loading import load as load
from assay_reference.serialization.options import LoadEndianness as LoadEndianness
from assay_reference.serialization.options import get_default_load_endianness as get_default_load_endianness
from assay_reference.serialization.options import set_default_load_endianness as set_default_load_endianness
from assay_reference.serialization.rebuilding import _KNOWN as _KNOWN
from assay_reference.serialization.safe import add_safe_globals as add_safe_globals
from assay_reference.serialization.safe import clear_safe_globals as clear_safe_globals
from assay_reference.serialization.safe import get_safe_globals as get_safe_globals
from assay_reference.serialization.safe import safe_globals as safe_globals
from assay_reference.serialization.saving import save as save

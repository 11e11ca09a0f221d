"""PyTorch's namespace, readable, over NumPy and CuPy."""

# ruff: noqa: F401 - the imports are the namespace

from math import e, inf, nan, pi

from assay_reference import (
    autograd,
    backends,
    cuda,
    distributions,
    hub,
    linalg,
    multiprocessing,
    nn,
    ops,
    optim,
    random,
    sparse,
    storage,
    utils,
)
from assay_reference.core.devices import device, get_default_device, set_default_device
from assay_reference.core.dispatch import FUNCTIONS
from assay_reference.core.dtypes import (
    bfloat16,
    can_cast,
    cdouble,
    cfloat,
    complex64,
    complex128,
    double,
    dtype,
    finfo,
    float16,
    float32,
    float64,
    get_default_dtype,
    half,
    iinfo,
    int8,
    int16,
    int32,
    int64,
    long,
    promote_types,
    set_default_dtype,
    short,
    uint8,
)
from assay_reference.core.dtypes import bool_ as bool
from assay_reference.core.dtypes import float_ as float
from assay_reference.core.dtypes import int_ as int
from assay_reference.core.generator import Generator, default_generator
from assay_reference.core.grad_mode import (
    enable_grad,
    inference_mode,
    is_grad_enabled,
    is_inference_mode_enabled,
    no_grad,
    set_grad_enabled,
)
from assay_reference.core.layouts import _mkldnn, layout, sparse_coo, sparse_csc, sparse_csr, strided
from assay_reference.core.memory import UntypedStorage
from assay_reference.core.memory_formats import (
    channels_last,
    channels_last_3d,
    contiguous_format,
    memory_format,
    preserve_format,
)
from assay_reference.core.printing import set_printoptions
from assay_reference.core.tensor import Size, Tensor, is_inference, is_tensor
from assay_reference.core.threads import get_num_threads, set_num_threads
from assay_reference.ops.tensor_types import set_default_tensor_type
from assay_reference.serialization import load, save
from assay_reference.storage import TypedStorage, is_storage

__version__ = "2.13.0+assay"

globals().update(FUNCTIONS)
globals().update(ops.tensor_types.tensor_types("torch"))
globals().update(storage.storage_types("torch"))

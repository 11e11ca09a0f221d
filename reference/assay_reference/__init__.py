"""PyTorch's namespace, readable, over NumPy and CuPy."""

# ruff: noqa: F401 - the imports are the namespace

from math import e, inf, nan, pi

from assay_reference import autograd, backends, cuda

# The families: each registers its functions when it is imported.
from assay_reference import conversion, creation, pointwise, elementary, logic  # isort: skip
from assay_reference import comparison, complex_numbers, gathering, indexing, joining, masks  # isort: skip
from assay_reference import linalg, parts, products, random, reduction, shape, threads  # isort: skip
from assay_reference import mkldnn, sparse  # isort: skip - what the families do with other layouts
from assay_reference import storage, tensor_types  # isort: skip
from assay_reference.devices import device
from assay_reference.dispatch import FUNCTIONS
from assay_reference.dtypes import (
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
from assay_reference.dtypes import bool_ as bool
from assay_reference.dtypes import float_ as float
from assay_reference.dtypes import int_ as int
from assay_reference.generator import Generator, default_generator
from assay_reference.grad_mode import (
    enable_grad,
    inference_mode,
    is_grad_enabled,
    is_inference_mode_enabled,
    no_grad,
    set_grad_enabled,
)
from assay_reference.layouts import _mkldnn, layout, sparse_coo, sparse_csc, sparse_csr, strided
from assay_reference.memory import UntypedStorage
from assay_reference.printing import set_printoptions
from assay_reference.serialization import load, save
from assay_reference.shape import contiguous_format, memory_format, preserve_format
from assay_reference.storage import TypedStorage, is_storage
from assay_reference.tensor import Size, Tensor, is_inference, is_tensor
from assay_reference.tensor_types import set_default_tensor_type

__version__ = "2.13.0+assay"

from assay_reference import nn, optim, utils  # isort: skip - modules are written on tensors

globals().update(FUNCTIONS)
globals().update(tensor_types.tensor_types("torch"))
globals().update(storage.storage_types("torch"))

"""PaddlePaddle as a candidate, by its own claim to be PyTorch: `paddle.enable_compat` puts it in PyTorch's place."""

from __future__ import annotations

import os
from typing import Any, ClassVar

import ml_dtypes
import numpy as np

os.environ.setdefault("GLOG_minloglevel", "2")  # before the import, which reads it

import paddle

from assay.backends.namespace import NamespaceBackend, imported
from assay.cases.arrays import Host
from assay.cases.case import TensorValue


class PaddleBackend(NamespaceBackend):
    """`import torch`, as a program sees it after `paddle.enable_compat()`."""

    opening: ClassVar = ("import paddle", "paddle.enable_compat()", "import torch.nn.functional")
    unsupported: ClassVar = (
        *NamespaceBackend.unsupported,
        (RuntimeError, r"\(NotFound\) The kernel|\(Unimplemented\)|doesn't have any grad op"),
        (TypeError, "Type promotion only support|initializer when dtype is not"),
        (Exception, "(?i)data type of .* must be|no longer supports"),
    )

    def __init__(self) -> None:
        paddle.enable_compat(silent=True)
        imported("torch.nn.functional")  # only from then on are its functions those that are made to be like PyTorch's
        super().__init__(imported("torch"), name="paddle")

    def to_native(self, value: TensorValue) -> Any:
        memory = value if value.is_contiguous else TensorValue.of(value.buffer, value.dtype)
        array = memory.holding(memory.buffer.copy()).array()
        plain = array.astype(np.float32) if value.dtype == "bfloat16" else array
        tensor = paddle.to_tensor(plain, dtype=value.dtype)
        if memory is not value:
            offset = value.offset * tensor.element_size()  # in bytes: `as_strided` has only its strides in elements
            tensor = paddle.as_strided(tensor, list(value.shape), list(value.strides), offset)
        tensor.stop_gradient = not value.requires_grad
        return tensor

    def overwrite(self, native: Any) -> None:
        # Paddle does not count what `copy_` writes: no gradient that needs the tensor would refuse it.
        try:
            with paddle.no_grad():
                native.logical_not_() if native.dtype == paddle.bool else native.add_(paddle.ones([], native.dtype))
        except RuntimeError:  # in half precision it does not add on the CPU
            super().overwrite(native)

    def _host_array(self, tensor: Any, dtype: str) -> Host:
        array = np.array(tensor.numpy())
        return array.view(ml_dtypes.bfloat16) if dtype == "bfloat16" else array

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

    opening: ClassVar = ("import paddle", "paddle.enable_compat()")
    unsupported: ClassVar = (
        *NamespaceBackend.unsupported,
        (RuntimeError, r"\(NotFound\) The kernel|\(Unimplemented\)|doesn't have any grad op"),
    )

    def __init__(self) -> None:
        paddle.enable_compat(silent=True)
        super().__init__(imported("torch"), name="paddle")

    def to_native(self, value: TensorValue) -> Any:
        array = value.holding(value.buffer.copy()).array()
        plain = array.astype(np.float32) if value.dtype == "bfloat16" else array
        tensor = paddle.to_tensor(plain, dtype=value.dtype)
        tensor.stop_gradient = not value.requires_grad
        return tensor

    def _host_array(self, tensor: Any, dtype: str) -> Host:
        array = np.array(tensor.numpy())
        return array.view(ml_dtypes.bfloat16) if dtype == "bfloat16" else array

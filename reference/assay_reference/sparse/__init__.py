"""torch.sparse: functions of sparse tensors."""

from __future__ import annotations

from assay_reference.sparse import construction, conversion, kernels
from assay_reference.sparse.functions import addmm, mm, sum
from assay_reference.sparse.invariants import check_sparse_tensor_invariants

__all__ = ["addmm", "check_sparse_tensor_invariants", "construction", "conversion", "kernels", "mm", "sum"]

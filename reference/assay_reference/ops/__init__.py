"""The ops, a module a family: each registers its functions and methods when it is imported."""

# ruff: noqa: F401 - the imports register

from assay_reference.ops import (
    comparison,
    complex_numbers,
    conversion,
    creation,
    cumulative,
    distinct,
    elementary,
    extremes,
    gathering,
    indexing,
    joining,
    logic,
    masks,
    mkldnn,
    order,
    parts,
    pointwise,
    products,
    random,
    reduction,
    shape,
    summation,
    tensor_types,
)

"""`assay new-backend`: an adapter to start from, with its test."""

from __future__ import annotations

import keyword
import shlex
from pathlib import Path
from typing import Final, get_args

from assay.backends.base import Feature

ADAPTER: Final = '''"""{title} as a backend of Assay: `assay run --backend {module}.py:{title}Backend`."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np  # stands in for {name}: import that, and call it where it says np below

from assay.backends.base import Capabilities
from assay.backends.table import TableBackend
from assay.cases.case import TensorValue
from assay.cases.outcome import Array


class {title}Backend(TableBackend):
    """Turns arrays into {name}'s tensors, calls it by the table, and turns its results back."""

    capabilities = Capabilities(
        name="{name}",
        version="0",  # take it from the library
        dtypes=("float32", "float64", "int64", "int32", "bool"),
        features=(),  # of: {features}
    )

    # One line for each op, with PyTorch's parameter names; what is not here is reported as unsupported.
    table: ClassVar = {{
        "exp": lambda input: np.exp(input),
        "sum": lambda input, dim=None, keepdim=False: np.sum(input, axis=dim, keepdims=keepdim),
        "mm": lambda input, mat2: input @ mat2,
    }}

    def to_native(self, value: TensorValue) -> Any:
        return value.array().copy()

    def is_native(self, value: Any) -> bool:
        return isinstance(value, (np.ndarray, np.generic))

    def to_host(self, native: Any) -> Array:
        array = np.array(native)
        return Array(str(array.dtype), array)  # in PyTorch's word; a dtype that PyTorch lacks under its own name

    # What a feature needs; `assay.backends.library.LibraryBackend` has all methods that there are.
    #
    # def overwrite(self, native: Any) -> None:  # views: by writing into one tensor, shared memory is found
    #     native[...] = native + 1
    #
    # def differentiate(self, trace: Differentiable) -> Differentiated:  # autograd: docs/writing-a-backend.md
    #     results = trace(trace.inputs)  # then go backward, from results[i] with trace.upstream[i]
    #     return Differentiated(results, {{name: gradient_of(trace.leaf(name)) for name in trace.inputs}})
'''

TEST: Final = '''"""The adapter round-trips what it declares; the suite itself judges the library."""

from __future__ import annotations

from assay.backends.self_check import self_check
from {module} import {title}Backend


def test_{name}_passes_the_self_check() -> None:
    self_check({title}Backend())
'''


LIKE_TORCH: Final = '''"""{title}, which has PyTorch's names, as a backend of Assay.

    assay run --backend {module}.py:{title}Backend
"""

from __future__ import annotations

from typing import ClassVar

from assay.backends.namespace import NamespaceBackend


class {title}Backend(NamespaceBackend):
    """What is particular to {name}; delete the lines that are not."""

    module = "{name}"  # what is imported as torch
    dtypes: ClassVar = ("float32", "float64", "int32", "int64", "bool")  # what its tensors can hold
    # By which exceptions and messages it says that it lacks something; patterns of `re`, searched in the message.
    unsupported: ClassVar = (*NamespaceBackend.unsupported, (RuntimeError, "kernel .* is not registered"))
    flushes_subnormals = False  # whether it computes with zero in place of subnormal numbers, throughout

    # How tensors go in and out, where it has neither from_numpy and numpy(), nor tensor(list) and tolist():
    #
    # def to_native(self, value):  # value.array() is a NumPy view with the case's strides
    #     return self.torch.from_dlpack(value.array().copy())
    #
    # def to_host(self, native):
    #     return Array(str(native.dtype), np.asarray(native))
'''


def write(name: str, folder: Path, *, like_torch: bool = False) -> str:
    """Write NAME_assay.py and its test; refuse to overwrite anything."""
    if not name.isidentifier() or keyword.iskeyword(name):
        raise ValueError(f"{name!r} cannot name a Python module; take letters, digits and underscores")
    title = "".join(part.capitalize() for part in name.split("_"))
    module = f"{name}_assay"
    files = {folder / f"{module}.py": LIKE_TORCH if like_torch else ADAPTER, folder / f"test_{module}.py": TEST}
    for file in files:
        if file.exists():
            raise ValueError(f"{file} exists already; move it away or choose another name")
    folder.mkdir(parents=True, exist_ok=True)
    for file, text in files.items():
        written = text.format(name=name, title=title, module=module, features=", ".join(get_args(Feature)))
        file.write_text(written, encoding="utf-8")
    backend = shlex.quote(f"{folder / module}.py:{title}Backend")
    return f"wrote {' and '.join(map(str, files))}; next: assay run --backend {backend}"

"""What a case asks a backend to have, so that nothing undeclared is ever asked for."""

from __future__ import annotations

import numpy as np
import pytest

from assay.cases.asked import dtypes_in
from assay.cases.case import Case, TensorValue, called
from assay_spec.domains import Dtype
from assay_spec.scenarios import trace


def scenario(source: str) -> Case:
    found = trace(source, ("x",))
    return Case("torch.tensor", found.steps, found.looks, scenario="a scenario")


def test_a_call_asks_for_the_types_of_its_tensors_and_arguments() -> None:
    tensors = [TensorValue.of(np.zeros(1, np.float16)), TensorValue.of(np.zeros(1, np.int8))]

    asked = called("torch.cat", {"tensors": tensors, "dtype": Dtype("float64")})

    assert list(dtypes_in(asked)) == ["float16", "int8", "float64"]


@pytest.mark.parametrize(
    ("source", "asked"),
    [
        ("x = torch.tensor([1.0], dtype=torch.float64)", {"float64"}),
        ("x = torch.tensor([1]).double()", {"float64"}),
        ("x = torch.LongTensor([1])", {"int64"}),
        ("x = float(torch.tensor(1))", set()),
        ("x = isinstance(torch.tensor(1).item(), int)", set()),
        ("with torch.no_grad():\n    x = torch.ones(2, dtype=torch.float16).half()", {"float16"}),
    ],
)
def test_a_scenario_asks_for_the_types_that_it_names(source: str, asked: set[str]) -> None:
    assert set(dtypes_in(scenario(source))) == asked

"""Scenarios with the names of the documented edition, run on the reference."""

from __future__ import annotations

from dataclasses import replace

import pytest

from assay.backends.reference import ReferenceBackend
from assay.cases.case import Case
from assay_spec.scenarios import trace

FUNCTION = "x = torch.exp(tensor=torch.zeros(())).item()"
METHOD = "x = torch.ones(4).norm(out=torch.empty(())).item()"
BLOCK = "if True:\n    x = torch.exp(tensor=torch.zeros(())).item()"


@pytest.mark.parametrize(("program", "result"), [(FUNCTION, 1.0), (METHOD, 2.0), (BLOCK, 1.0)])
def test_a_former_form_is_served_to_documented_scenarios_alone(program: str, result: float) -> None:
    reference = ReferenceBackend()
    found = trace(program, ("x",))
    case = Case("torch.exp", found.steps, found.looks, scenario="a former form")

    documented = reference.perform(replace(case, documented=True))
    current = reference.perform(case)

    assert documented.results == (result,)
    assert current.raised is not None
    assert current.raised.classes[0] == "TypeError"

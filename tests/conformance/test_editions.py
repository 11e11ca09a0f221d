"""Programs in the words of the documents, run on the reference."""

from __future__ import annotations

from dataclasses import replace

import pytest

from assay.backends.reference import ReferenceBackend
from assay.cases.case import Program

FUNCTION = Program("torch.exp", "by a former name", "x = torch.exp(tensor=torch.zeros(())).item()", ("x",))
METHOD = Program("torch.norm", "into out", "x = torch.ones(4).norm(out=torch.empty(())).item()", ("x",))


@pytest.mark.parametrize(("program", "result"), [(FUNCTION, 1.0), (METHOD, 2.0)])
def test_a_former_form_is_served_to_documented_programs_alone(program: Program, result: float) -> None:
    reference = ReferenceBackend()

    documented = reference.perform(replace(program, documented=True))
    current = reference.perform(program)

    assert documented.values == {"x": result}
    assert current.raised is not None
    assert current.raised.classes[0] == "TypeError"

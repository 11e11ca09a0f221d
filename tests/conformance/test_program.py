"""Scenarios leave no changed global state behind."""

from __future__ import annotations

from typing import Any

import pytest

from assay.backends.reference import ReferenceBackend
from assay.cases.case import MADE, Case, made
from assay.cases.outcome import Missing
from assay_reference.core import strict_cupy
from assay_spec.scenarios import trace
from assay_spec.steps import Look, Ref


@pytest.mark.parametrize(
    ("switch", "state"),
    [
        ("torch.set_grad_enabled(False)", "torch.is_grad_enabled()"),
        ("torch.set_default_dtype(torch.float64)", "str(torch.get_default_dtype())"),
        ("torch.set_default_tensor_type('torch.cuda.HalfTensor')", "torch.ones(1).type()"),
        ("torch.set_printoptions(precision=1, sci_mode=True)", "repr(torch.tensor([0.125]))"),
        ("if True:\n    torch.set_grad_enabled(False)", "torch.is_grad_enabled()"),
        ("f = lambda: torch.set_grad_enabled(False)\nf()", "torch.is_grad_enabled()"),
    ],
)
def test_what_a_program_switches_is_switched_back(switch: str, state: str, stand_in: None) -> None:
    def look(run: str) -> Any:
        found = trace(run, (state,))
        return ReferenceBackend().perform(Case("torch.f", found.steps, found.looks, scenario="switches")).results[0]

    before = look("pass")

    assert look(switch) != before
    assert look("pass") == before


def test_a_scenario_says_itself_what_goes_to_another_device(stand_in: None) -> None:
    found = trace("layer = torch.nn.Linear(1, 1)", ("layer.weight.device.type",))
    scenario = Case("torch.f", found.steps, found.looks, scenario="a layer")
    layer = made("torch.nn.Linear", {"in_features": 1, "out_features": 1}, {})
    case = Case("torch.nn.Linear", layer, (Look(Ref(MADE, ("weight", "device", "type")), MADE),))
    backend = ReferenceBackend(device="cuda")

    assert [backend.perform(each).results for each in (scenario, case, scenario)] == [("cpu",), ("cuda",), ("cpu",)]


@pytest.mark.parametrize(
    ("need", "device", "lacking"),
    [
        ("cpu", "cuda", "a library that is built for the CPU alone"),
        ("cuda", "cpu", "a CUDA device"),
        ("cuda:1", "cpu", "a CUDA device"),
    ],
)
def test_a_scenario_is_unsupported_where_its_device_is_missing(
    need: str, device: str, lacking: str, stand_in: None
) -> None:
    found = trace("x = torch.ones(1)", ("x.item()",))
    case = Case("torch.f", found.steps, found.looks, scenario="a device", needs=(need,))

    assert ReferenceBackend(device=device).perform(case).unsupported == Missing(
        "device", f"the scenario needs {lacking}"
    )


def test_a_scenario_of_two_devices_needs_two(stand_in: None, monkeypatch: pytest.MonkeyPatch) -> None:
    found = trace("x = torch.ones(1, device='cuda:1')", ("x.item()",))
    case = Case("torch.f", found.steps, found.looks, scenario="two devices", needs=("cuda:1",))

    assert ReferenceBackend(device="cuda").perform(case).results == (1.0,)
    monkeypatch.setattr(strict_cupy, "DEVICES", 1)
    assert ReferenceBackend(device="cuda").perform(case).unsupported == Missing(
        "device", "the scenario needs two CUDA devices"
    )

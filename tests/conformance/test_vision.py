"""Ops of torchvision: whose they are in each library, and what is said of them where it is not installed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

import assay_reference
from assay.backends import vision
from assay.backends.namespace import NamespaceBackend, TorchBackend
from assay.backends.reference import ReferenceBackend
from assay.cases import spelling
from assay.cases.case import Case
from assay.cases.outcome import Missing
from assay.facets.base import PASS, Facet, Trial
from assay.judge.bench import Bench
from assay.running.engine import measure
from assay.running.items import Item
from assay_spec import load_corpus
from assay_spec.scenarios import trace

OP = "torchvision.f"
LOOP = "for each in range(2):\n    version = torchvision.__version__"


def scenario(run: str, *expressions: str, op: str = OP) -> Case:
    found = trace(run, expressions)
    return Case(op, found.steps, found.looks, scenario="made up")


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str | None], Any]]:
    """Put a module in torchvision's place, or make it one that cannot be imported."""

    def install(name: str | None) -> Any:
        module = None if name is None else SimpleNamespace(__name__=name, __version__="0.0", f=lambda x: x + 1)
        monkeypatch.setitem(sys.modules, "torchvision", module)
        return module

    vision.installed.cache_clear()
    yield install
    vision.installed.cache_clear()


@pytest.mark.parametrize("run", ["version = torchvision.__version__", LOOP])
def test_the_reference_has_a_torchvision_of_its_own(run: str) -> None:
    assert ReferenceBackend().perform(scenario(run, "version")).results == ("0.28.0",)


def test_the_documented_edition_has_it_too() -> None:
    found = trace("version = torchvision.__version__", ("version",))
    case = Case(OP, found.steps, found.looks, scenario="made up", documented=True)

    assert ReferenceBackend().perform(case).results == ("0.28.0",)


@pytest.mark.parametrize("run", ["y = torchvision.f(1)", "for x in range(1, 2):\n    y = torchvision.f(x)"])
def test_pytorchs_is_the_one_that_is_installed(run: str, installed: Callable[[str | None], Any]) -> None:
    installed("torchvision")
    backend = TorchBackend(assay_reference)

    assert backend.offers(OP)
    assert backend.perform(scenario(run, "y")).results == (2,)


@pytest.mark.parametrize("run", ["y = torchvision.f(1)", "for x in range(1, 2):\n    y = torchvision.f(x)"])
def test_without_it_its_ops_are_missing(run: str, installed: Callable[[str | None], Any]) -> None:
    installed(None)
    why = "no torchvision: import of torchvision halted; None in sys.modules"

    assert not TorchBackend(assay_reference).offers(OP)
    assert TorchBackend(assay_reference).offers("torch.add")
    assert TorchBackend(assay_reference).perform(scenario(run, "y")).unsupported == Missing("op", why)


def test_another_library_has_none() -> None:
    backend = NamespaceBackend(assay_reference)

    assert not backend.offers(OP)
    assert backend.perform(scenario("y = torchvision.f(1)", "y")).unsupported == Missing("op", "no torchvision")


def test_programs_of_other_ops_do_not_know_it() -> None:
    outcome = ReferenceBackend().perform(scenario(LOOP, "version", op="torch.f"))

    assert outcome.raised is not None
    assert outcome.raised.message == "name 'torchvision' is not defined"


@pytest.mark.parametrize(
    ("module", "imported"),
    [("torch", "import torchvision"), ("assay_reference", "from assay_reference import torchvision")],
)
def test_a_program_that_names_it_imports_it(module: str, imported: str) -> None:
    assert imported in spelling.program(scenario("y = torchvision.f(1)", "y"), module).splitlines()
    assert imported not in spelling.program(scenario("y = torch.f(1)", "y"), module)


def test_a_build_without_operators_has_them_declared(
    monkeypatch: pytest.MonkeyPatch, installed: Callable[[str | None], Any]
) -> None:
    declared: list[str] = []
    library = SimpleNamespace(define=declared.append)
    torch = SimpleNamespace(library=SimpleNamespace(Library=lambda name, kind: library))
    built = ModuleType("torchvision")
    monkeypatch.setitem(sys.modules, "torchvision.extension", built)

    def imported(name: str) -> Any:
        if name == "torch":
            return torch
        if not declared:
            raise RuntimeError("operator torchvision::nms does not exist")
        return built

    monkeypatch.setattr(vision, "importlib", SimpleNamespace(import_module=imported))

    assert vision.installed() is built
    assert [each.partition("(")[0] for each in declared] == ["nms", "qnms"]
    assert "torchvision.extension" not in sys.modules


def test_what_the_oracle_does_not_offer_has_no_oracle(installed: Callable[[str | None], Any]) -> None:
    installed(None)
    bench = Bench(ReferenceBackend(), TorchBackend(assay_reference))

    assert bench.expect(scenario("y = torchvision.f(1)", "y")) is None
    assert bench.expect_as_given(scenario("y = len(torch.ones(1))", "y", op="torch.ones")) is not None


def test_what_only_an_oracle_can_say_is_not_asked_of_one_that_lacks_the_op(
    installed: Callable[[str | None], Any],
) -> None:
    installed(None)
    trial = Trial(scenario("y = torchvision.f(1)", "y"), lambda bench: PASS, needs_oracle=True)
    question = Facet("made up", lambda op: True, lambda op, request: iter((trial,)))
    bench = Bench(ReferenceBackend(), TorchBackend(assay_reference))

    result, _ = measure(Item(load_corpus()["torch.add"], question, None), bench, effort="quick", seed=0)

    assert (result.outcome, result.self) == ("self", 1)

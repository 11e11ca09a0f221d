"""Backends that misbehave on purpose cost exactly the facets that they should."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from assay.backends.base import Backend
from assay.backends.discover import open_backend, open_candidate
from assay.cases.case import Case, TensorValue, called
from assay.cases.draw import Wasteful
from assay.cases.outcome import Array, Raised
from assay.facets.base import Facet, Judgement, SamplingRequest, Trial, fail, gravest, of_another_class
from assay.judge.bench import Bench
from assay.running.engine import measure
from assay.running.items import Item, items_of
from assay.settings import Settings
from assay_reports.records import Event, Result
from assay_spec import load_corpus
from assay_spec.model import Op

HERE = Path(__file__).parent


def _candidates() -> ModuleType:
    spec = importlib.util.spec_from_file_location("assay_test_candidates", HERE / "candidates.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


candidates = _candidates()


@pytest.fixture(scope="module")
def good() -> Backend:
    return open_backend("numpy")


def results(candidate: Backend, oracle: Backend, op: str) -> Mapping[str, Result]:
    """Measure the float32 and int64 items of an op."""
    bench = Bench(candidate, oracle)
    return {
        item.name: measure(item, bench, effort="quick", seed=0)[0]
        for item in items_of(load_corpus()[op])
        if item.dtype in (None, "float32", "int64")
    }


def differences(candidate: Backend, good: Backend, op: str) -> dict[str, str | None]:
    """Return the code of each item in which a candidate does worse than the good backend that it wraps."""
    plain, changed = results(good, good, op), results(candidate, good, op)
    return {name: changed[name].code for name in changed if changed[name].failed > plain[name].failed}


def test_an_honest_backend_agrees_with_itself(good: Backend) -> None:
    found = results(good, good, "torch.sign")

    assert {found[name].outcome for name in ("shape", "values[float32]", "layout[float32]")} == {"pass"}


@pytest.mark.parametrize("op", ["torch.numel", "torch.add", "torch.nn.LSTM"])
def test_a_library_without_a_function_passes_nothing(op: str) -> None:
    nothing, good = candidates.Empty(), open_backend("reference")

    assert {each.outcome for each in results(nothing, good, op).values()} == {"unsupported"}


@pytest.mark.parametrize("features", [(), ("views",)])
def test_who_cannot_show_that_memory_is_shared_is_not_said_to_copy(features: tuple[str, ...], good: Backend) -> None:
    found = results(candidates.CannotWrite(features), good, "torch.transpose")["aliasing"]

    assert "A401" not in {each.code for each in found.findings}
    assert found.unsupported


def test_a_wrong_answer_fails_where_values_are_judged_and_nowhere_else(good: Backend) -> None:
    found = differences(candidates.AlwaysWrong("torch.add"), good, "torch.add")

    assert {name: code for name, code in found.items() if "int64" not in name} == {
        "values[float32]": "A101",
        "special[float32]": "A101",
        "layout[float32]": "A101",
        "examples": "A105",
    }


def test_one_ulp_beyond_the_budget_is_found(good: Backend) -> None:
    found = differences(candidates.OffByOneUlp("torch.exp", budget=2), good, "torch.exp")

    assert found["values[float32]"] == "A101"
    assert "shape" not in found
    assert "dtype[float32]" not in found


def test_a_wrong_dtype_fails_the_facets_that_compare_dtypes(good: Backend) -> None:
    found = differences(candidates.WrongDtype("torch.exp"), good, "torch.exp")

    # NumPy's own exp of int64 is float64, wrong to begin with
    assert found == {
        "dtype[float32]": "A202", "examples": "A202", "in-place[float32]": "A406", "in-place[int64]": "A406"
    }  # fmt: skip


def test_a_wrong_shape_is_named_as_one_wherever_it_shows(good: Backend) -> None:
    found = differences(candidates.WrongShape("torch.exp"), good, "torch.exp")

    assert found["shape"] == "A201"
    assert {code for name, code in found.items()} == {"A201"}


def test_swallowed_nan_shows_in_the_special_facet_alone(good: Backend) -> None:
    found = differences(candidates.SwallowsNan("torch.exp"), good, "torch.exp")

    assert found == {"special[float32]": "A102"}


def test_a_changed_input_is_found_by_aliasing_and_by_errors(good: Backend) -> None:
    found = differences(candidates.MutatesInput("torch.add"), good, "torch.add")

    assert found == {"aliasing": "A403", "errors": "A304"}


def test_a_copy_for_a_view_is_found_by_aliasing(good: Backend) -> None:
    result = results(candidates.CopiesViews("torch.transpose"), good, "torch.transpose")["aliasing"]

    assert "A401" in {failure.code for failure in result.findings}


def test_raising_is_an_error_and_not_a_failure(good: Backend) -> None:
    result = results(candidates.RaisesAlways("torch.exp"), good, "torch.exp")["values[float32]"]

    assert (result.outcome, result.code, result.passed) == ("error", "A301", 0)


def test_what_a_backend_does_not_have_is_unsupported_and_never_failed(good: Backend) -> None:
    result = results(good, good, "torch.exp")["gradient[float32]"]

    assert (result.outcome, result.code, result.failed) == ("unsupported", "A003", 0)


def test_a_failure_is_shrunk_and_spelled_out(good: Backend) -> None:
    failure = results(candidates.AlwaysWrong("torch.exp"), good, "torch.exp")["values[float32]"].findings[0]

    assert failure.code == "A101"
    assert failure.call in ("torch.exp(float32[])", "torch.exp(float32[1])")
    assert "exp" in failure.snippet
    assert failure.cases > 1


def test_a_candidate_that_is_its_own_oracle_proves_nothing(good: Backend) -> None:
    item = next(each for each in items_of(load_corpus()["torch.exp"]) if each.name == "values[float32]")

    result, _ = measure(item, Bench(good, None), effort="quick", seed=0)

    assert (result.outcome, result.passed) == ("self", 0)
    assert result.self > 0


def test_a_row_adds_up_the_excuses_of_its_cases(good: Backend) -> None:
    def twice(op: Op, request: SamplingRequest) -> Iterator[Trial]:
        verdict = Judgement("pass", excused={"flushed subnormal": 3})
        yield from (Trial(called(op.name, {}), lambda bench: verdict) for _ in range(2))

    result, _ = measure(_asking(twice), Bench(good, good), effort="quick", seed=0)

    assert result.excused == {"flushed subnormal": 6}


def test_a_trial_adds_up_the_excuses_of_its_results() -> None:
    parts = [Judgement("pass", excused={"flushed subnormal": 3}), Judgement("pass", excused={"flushed subnormal": 2})]

    assert gravest(parts).excused == {"flushed subnormal": 5}


def _shape_of_sums(case: Case, bench: Bench) -> Judgement:
    outcome = bench.ask(case)
    (came,) = outcome.results
    assert isinstance(came, Array)
    due = case.arguments["input"]
    assert isinstance(due, TensorValue)
    return Judgement("pass") if came.shape == due.shape else fail("A201", f"shape {came.shape}, not {due.shape}")


def _sums(*sizes: int) -> Item:
    """Return an item that adds tensors of some sizes and judges the shape."""

    def trials(op: Op, request: SamplingRequest) -> Iterator[Trial]:
        for size in sizes:
            value = TensorValue.of(np.ones(size, np.float32))
            case = called("torch.add", {"input": value, "other": value}, ("input", "other"))
            yield Trial(case, partial(_shape_of_sums, case))

    return _asking(trials)


@pytest.mark.parametrize(
    ("name", "message"),
    [("WrongThenDies", "the process was killed by SIGKILL"), ("WrongThenHangs", "no answer within 2 s")],
)
def test_a_death_while_a_failing_case_runs_again_is_no_verdict_where_a_fresh_process_answers(
    name: str, message: str
) -> None:
    result, events = _measured_apart(name)

    assert (result.outcome, result.code, result.message) == ("fail", "A201", "shape (1, 3), not (3,)")
    assert (result.cases, result.passed, result.failed) == (3, 2, 1)
    assert [(event.kind, event.after, event.message) for event in events] == [
        ("incident", "torch.add::made up", message)
    ]


def test_what_cannot_be_sent_is_the_adapters_fault_and_costs_its_case() -> None:
    result, events = _measured_apart("WrongThenGarbage")

    assert (result.outcome, result.code) == ("harness_error", "A804")
    assert result.message == "TypeError: builtins.object is no part of a message"
    assert (result.cases, result.passed, result.failed) == (3, 2, 1)
    assert [(event.kind, event.after) for event in events] == [("harness_error", "torch.add::made up")]


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("ShrinksAfterChangingDirectory", "the working directory"),
        ("ShrinksAfterTurningItselfOff", "whether it is on"),
    ],
)
def test_a_case_that_fails_in_what_an_earlier_one_left_is_judged_in_a_fresh_process(name: str, changed: str) -> None:
    result, events = _measured_apart(name)

    assert (result.outcome, result.passed) == ("pass", 3)
    assert [(event.kind, event.message) for event in events] == [
        ("incident", f"an earlier case changed {changed}: shape (2,), not (3,)")
    ]


def test_a_smaller_case_that_kills_the_backend_is_a_finding_of_its_own(good: Backend) -> None:
    item = next(each for each in items_of(load_corpus()["torch.add"]) if each.name == "values[float32]")

    full = [each for each in item.trials(SamplingRequest("float32", "quick", 0)) if each.plan and each.plan.due[0][1]]
    question = replace(item.question, trials=lambda op, request: iter(full[:3]))
    with closing(open_candidate(Settings(f"{HERE / 'candidates.py'}:WrongAndDeadlyWhenEmpty"))) as backend:
        result, events = measure(replace(item, question=question), Bench(backend, good), effort="quick", seed=0)

    assert (result.outcome, result.cases) == ("crash", 4)
    assert [(each.code, each.outcome, each.cases) for each in result.findings] == [
        ("A801", "crash", 1),
        ("A101", "fail", 3),
    ]
    assert [event.kind for event in events] == ["crash"]


def _measured_apart(name: str) -> tuple[Result, list[Event]]:
    """Measure three cases of a candidate in a process of its own."""
    with closing(open_candidate(Settings(f"{HERE / 'candidates.py'}:{name}", time_limit=2.0))) as backend:
        return measure(_sums(2, 3, 4), Bench(backend, None), effort="quick", seed=0)


def test_a_failing_case_that_passes_when_run_again_is_nondeterministic() -> None:
    result, _ = measure(_sums(2, 3, 4), Bench(candidates.WrongThenRight("torch.add"), None), effort="quick", seed=0)

    assert (result.outcome, result.code, result.passed) == ("fail", "A803", 2)
    assert result.message == "only sometimes: shape (1, 3), not (3,)"


def _asking(trials: Callable[[Op, SamplingRequest], Iterator[Trial]]) -> Item:
    """Return an item of some trials, each of which passes with any answer."""
    question = Facet("made up", lambda op: True, trials)
    return Item(load_corpus()["torch.add"], question, None)


def test_a_spec_that_cannot_be_drawn_from_is_an_error_of_the_suite(good: Backend) -> None:
    def broken(op: Op, request: SamplingRequest) -> Iterator[Trial]:
        yield Trial(called(op.name, {}), lambda bench: Judgement("pass", compared=False))
        raise ZeroDivisionError("by zero")

    result, _ = measure(_asking(broken), Bench(good, good), effort="quick", seed=0)

    assert (result.outcome, result.code) == ("suite_error", "A901")
    assert result.message.startswith("drawing broke: ZeroDivisionError: by zero (broken:")


def test_a_domain_that_rejects_its_draws_is_an_error_of_the_suite(good: Backend) -> None:
    def wasteful(op: Op, request: SamplingRequest) -> Iterator[Trial]:
        yield Trial(called(op.name, {}), lambda bench: Judgement("pass", compared=False))
        raise Wasteful("9 of 20 drawn calls were rejected")

    result, _ = measure(_asking(wasteful), Bench(good, good), effort="quick", seed=0)

    assert (result.outcome, result.code) == ("suite_error", "A903")
    assert result.message == "9 of 20 drawn calls were rejected"


def test_an_item_in_which_nothing_was_compared_is_an_error_of_the_suite(good: Backend) -> None:
    def vacuous(op: Op, request: SamplingRequest) -> Iterator[Trial]:
        yield Trial(called(op.name, {}), lambda bench: Judgement("pass", compared=False))

    result, _ = measure(_asking(vacuous), Bench(good, good), effort="quick", seed=0)

    assert (result.outcome, result.code, result.passed) == ("suite_error", "A902", 0)
    assert result.message == "nothing was compared in any case"


def test_checks_that_are_missing_are_one_finding_for_each_way_in_which_calls_are_invalid(good: Backend) -> None:
    found = results(candidates.AnswersAnything("torch.mm"), good, "torch.mm")["errors"].findings

    assert {each.form for each in found} >= {
        "no error for an invalid call: a tensor of other sizes",
        "no error for an invalid call: the inner dimensions differ",
    }
    assert all(each.code == "A302" for each in found)


def test_errors_of_another_class_are_one_finding_whatever_they_say() -> None:
    raised = [of_another_class(said, "RuntimeError", Raised(("ValueError",), said)) for said in ("this", "that")]

    assert {each.reason.general for each in raised if each.reason} == {"raises ValueError, not RuntimeError"}


def test_a_wrong_sign_of_zero_is_one_finding_whether_a_table_or_the_oracle_says_so(good: Backend) -> None:
    found = results(candidates.LosesTheSignOfZero("torch.round"), good, "torch.round")

    assert [each.form for each in found["special[float32]"].broken if each.code == "A103"] == ["result differs"]


@pytest.mark.parametrize("op", ["torch.sum", "torch.cumsum"])
def test_a_result_of_a_dtype_that_is_not_in_the_corpus_is_judged(good: Backend, op: str) -> None:
    item = next(each for each in items_of(load_corpus()[op]) if each.name == "in-place[uint8]")

    result, _ = measure(item, Bench(good, good), effort="quick", seed=0)

    assert result.outcome in ("fail", "error")
    assert "suite_error" not in {failure.outcome for failure in result.findings}


@pytest.mark.parametrize(
    ("op", "scenario", "result"),
    [
        ("broadcasting", "other sizes are refused", "pass"),  # by a ValueError, where PyTorch has a RuntimeError
        ("torch.squeeze", "None stands for all dimensions, refused", "unsupported"),  # a matter of the signature
        ("torch.Tensor.requires_grad", "set as an attribute", "unsupported"),
    ],
)
def test_a_library_with_names_of_its_own_has_its_own_exceptions(
    good: Backend, op: str, scenario: str, result: str
) -> None:
    (item,) = [each for each in items_of(load_corpus()[op]) if each.facet == "examples"]
    trials = item.trials(SamplingRequest(None, "quick", 0))
    trial = next(each for each in trials if each.case.scenario == scenario)

    assert trial.judge(Bench(good, None)).result == result


def test_what_only_an_oracle_can_say_is_not_judged_without_one() -> None:
    (item,) = (each for each in items_of(load_corpus()["torch.exp"]) if each.facet == "errors")

    result, _ = measure(item, Bench(open_backend("reference"), None), effort="quick", seed=0)

    assert (result.outcome, result.passed, result.failed) == ("self", 0, 0) and result.cases == result.self > 0


def test_a_facet_in_which_a_bug_of_pytorchs_shows_in_every_call_is_not_asked() -> None:
    items = {each.name for each in items_of(load_corpus()["torch.nn.functional.hardsigmoid"])}

    assert {each for each in items if "gradient" in each} == {
        f"gradient[{each}]" for each in ("float32", "float16", "bfloat16")
    }
    assert not any(each.startswith("second-derivative") for each in items)

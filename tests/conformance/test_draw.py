from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import islice

import pytest

from assay.cases import calls, draw
from assay.cases.content import fingerprint
from assay.cases.walk import walk
from assay.facets.base import SamplingRequest, Trial
from assay.running.items import items_of
from assay_spec import load_corpus
from assay_spec.domains import Focus
from assay_spec.expression import Expression
from assay_spec.model import Op
from assay_spec.plans import ABSENT, Fill, TensorPlan
from assay_spec.steps import Ref

TOPK = load_corpus()["torch.topk"].overloads[0]
MM = load_corpus()["torch.mm"].overloads[0]
LINEAR = load_corpus()["torch.nn.Linear"].overloads[0]


def tensor(value: object) -> TensorPlan:
    assert isinstance(value, TensorPlan)
    return value


def test_the_plainest_call_comes_first_and_leaves_options_out() -> None:
    plan = next(walk(TOPK, Focus(frozenset({"options"}), "float32"), 10))

    assert tensor(plan.given["input"]).shape == (2, 3)
    assert plan.given["largest"] is ABSENT
    assert plan.scope["largest"] is True


def test_one_argument_deviates_before_two_do() -> None:
    plans = list(walk(TOPK, Focus(frozenset({"options"}), "float32"), 40))
    plain = plans[0].given
    deviations = [sum(plan.given[name] != plain[name] for name in ("dim", "largest", "sorted")) for plan in plans]

    assert deviations.index(2) > deviations.index(1)


def test_an_argument_is_drawn_within_what_those_above_it_allow() -> None:
    for plan in walk(TOPK, Focus(frozenset({"options", "shape"}), "float32"), 60):
        shape, dim, k = tensor(plan.given["input"]).shape, plan.scope["dim"], plan.given["k"]
        assert 0 <= k <= (shape[dim] if shape else 1)


def test_sizes_of_the_same_name_are_equal_and_others_differ() -> None:
    plan = next(walk(MM, Focus(dtype="float32"), 1))
    first, second = tensor(plan.given["input"]).shape, tensor(plan.given["mat2"]).shape

    assert first[1] == second[0]
    assert len({*first, *second}) == 3


def test_the_dtype_facet_never_changes_the_leading_tensor() -> None:
    plans = walk(load_corpus()["torch.add"].overloads[0], Focus(frozenset({"dtype"}), "int64"), 40)

    assert {tensor(plan.given["input"]).dtype for plan in plans} == {"int64"}


def test_a_module_is_constructed_before_its_input_is_drawn() -> None:
    for plan in walk(LINEAR, Focus(frozenset({"options"}), "float32"), 30):
        assert tensor(plan.given["input"]).shape[-1] == plan.constructed["in_features"]


def test_an_object_that_an_argument_is_made_of_is_made_before_the_call() -> None:
    op = load_corpus()["torch.nn.GRU"]
    plan = next(walk(op.overloads[2], Focus(dtype="float32"), 1))
    steps = calls.case(op, plan).steps

    assert (steps[0].target, steps[0].name) == ("torch.nn.utils.rnn.pack_padded_sequence", "input")
    assert steps[-1].arguments["input"] == Ref("input")


def test_the_same_seed_draws_the_same_cases() -> None:
    op, focus = load_corpus()["torch.topk"], Focus(frozenset({"shape", "options"}), "float32", 5)

    first, second = ([fingerprint(calls.case(op, plan)) for plan in draw.drawn(TOPK, focus, 10, 5)] for _ in range(2))

    assert first == second
    assert len(set(first)) > 5


def test_required_arguments_go_by_position_and_the_others_by_name() -> None:
    op = load_corpus()["torch.topk"]
    plan = next(plan for plan in islice(walk(TOPK, Focus(frozenset({"options"}), "float32"), 40), 40)
                if plan.given["largest"] is False)  # fmt: skip

    case = calls.case(op, plan)

    assert case.call is not None and case.call.positional == ("input", "k")
    assert case.arguments["largest"] is False
    assert "out" not in case.arguments


def test_a_domain_that_rejects_most_draws_is_an_error_of_the_suite() -> None:
    picky = replace(MM, require=(Expression("False", {}),))

    with pytest.raises(draw.Wasteful) as caught:
        draw.drawn(picky, Focus(dtype="float32"), 20, 0)

    assert str(caught.value) == "20 of 20 drawn calls were rejected: narrow the domains to what `require:` allows"


@pytest.mark.parametrize("op", load_corpus(), ids=lambda op: op.name)
def test_no_op_throws_more_than_a_few_per_cent_of_its_draws_away(op: Op) -> None:
    focus = Focus(frozenset({"options", "values", "shape", "layout"}))

    for overload in op.overloads:
        draw.drawn(overload, focus, 20, 1)


def test_options_vary_in_threes_too() -> None:
    (overload,) = load_corpus()["torch.nn.functional.cross_entropy"].overloads[:1]
    optional = [each.name for each in overload.arguments if not overload.signature[each.name].required]
    plain, *others = walk(overload, Focus(frozenset({"options"}), "float32"), 40)

    changed = [{name for name in optional if other.given[name] != plain.given[name]} for other in others]

    assert any(len(each) == 3 for each in changed)


def test_an_integer_that_a_float_cannot_hold_is_not_given_to_what_answers_with_floats() -> None:
    (overload,) = load_corpus()["torch.reciprocal"].overloads[:1]
    wide = TensorPlan("int64", (50,), fill=Fill("wide"))
    (plan,) = islice(walk(overload, Focus(dtype="int64"), 1), 1)

    case = calls.case(load_corpus()["torch.reciprocal"], replace(plan, given={"input": wide}))

    assert abs(case.arguments["input"].buffer).max() <= 100


def test_a_facet_of_which_a_bug_of_pytorchs_own_leaves_no_call_is_not_asked() -> None:
    facets = {each.facet for each in items_of(load_corpus()["torch.nn.functional.multi_margin_loss"])}

    assert "gradient" in facets and "second-derivative" not in facets


def test_drawn_calls_step_around_bugs_of_pytorchs_own() -> None:
    found = load_corpus()["torch.median"]
    (item,) = (each for each in items_of(found) if each.name == "layout[float32]")
    request = SamplingRequest("float32", "quick", 0)

    def expanded_along_a_dimension(trials: Iterable[Trial]) -> list[bool]:
        along = [trial.case.arguments for trial in trials if "dim" in trial.case.arguments]
        return [0 in each["input"].strides for each in along]

    assert any(expanded_along_a_dimension(item.question.trials(found, request)))
    stepped_around = expanded_along_a_dimension(item.trials(request))
    assert stepped_around and not any(stepped_around)


def test_a_tensor_may_equal_the_one_before_it() -> None:
    (overload,) = load_corpus()["torch.sub"].overloads[:1]
    plans = walk(overload, Focus(frozenset({"values"}), "float32"), 20)
    same = next(plan for plan in plans if tensor(plan.given["other"]).fill.kind == "same")

    case = calls.case(load_corpus()["torch.sub"], same)

    assert case.input("input") is not case.input("other")
    assert case.input("input").array().tolist() == case.input("other").array().tolist()

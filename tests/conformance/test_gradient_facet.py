"""The gradient facet asks for no gradient of what PyTorch leaves undefined."""

from __future__ import annotations

from collections.abc import Iterator

from assay.cases.case import Case
from assay.facets import gradient
from assay.facets.base import SamplingRequest
from assay.judge.laws import strays
from assay_spec import load_corpus


def cases(dtype: str) -> Iterator[Case]:
    for trial in gradient.trials(load_corpus()["torch.prod"], SamplingRequest(dtype, "deep", 8)):
        assert trial.case is not None
        yield trial.case


def test_no_gradient_flows_from_a_product_that_strays() -> None:
    assert not any(
        strays(case.input("input").array()).any() for case in cases("float16") if "dim" not in case.arguments
    )


def test_large_products_are_differentiated_where_they_do_not_stray() -> None:
    assert max(case.input("input").array().size for case in cases("float64")) > 100

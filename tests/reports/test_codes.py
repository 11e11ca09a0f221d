from __future__ import annotations

from itertools import pairwise

import pytest

from assay_reports.codes import CODES, explain, rank


def test_every_code_is_explained() -> None:
    assert explain("A401") == (
        "A401: A copy where a view is due.\n"
        "  usual causes: The op copies.\n"
        "  to look further: Write to the result and look at the input."
    )
    assert all(each.means and each.causes and each.look for each in CODES.values())


def test_no_answer_comes_before_wrong_values_these_before_wrong_kinds_and_spelling_is_last() -> None:
    gravest_first = ["A801", "A802", "A101", "A501", "A201", "A301", "A401", "A302", "A303", "A305", "A901"]

    assert all(rank(one) < rank(other) for one, other in pairwise(gravest_first))


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_code_that_somebody_has_to_mend_has_a_rank(code: str) -> None:
    unranked = rank("A001")

    assert (rank(code) < unranked) == (code[:2] != "A0" and code != "A805")

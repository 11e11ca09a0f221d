"""Runs as one JSON document, for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from assay_reports.causes import causes
from assay_reports.mutants import MutationRun
from assay_reports.records import plain
from assay_reports.results import Run


def render(runs: Sequence[Run], mutation: MutationRun | None = None) -> str:
    """Return runs as JSON, with counts and every result, and the verdicts of a mutation run if there is one."""
    return json.dumps(
        {
            "runs": [
                {
                    "header": plain(run.header),
                    "complete": run.complete,
                    **summary(run),
                    "results": [plain(result) for result in run.results],
                }
                for run in runs
            ],
            "mutants": mutation and _measured(mutation),
        },
        indent=1,
        ensure_ascii=False,
    )


def summary(run: Run) -> dict[str, Any]:
    """Return the two numbers of a run, its counts, and its causes with what they touch."""
    return {
        "coverage": run.score.coverage,
        "conformance": run.score.conformance,
        "items": dict(run.tally.items),
        "cases": dict(run.tally.cases),
        "causes": [
            {
                "code": each.code,
                "form": each.form,
                "op": each.op,
                "ops": each.ops,
                "items": [result.id for result, _ in each.shown],
                "cases": each.cases,
                "smallest": {"id": each.smallest[0].id, **plain(each.smallest[1])},
            }
            for each in causes(run)
        ],
    }


def _measured(mutation: MutationRun) -> dict[str, Any]:
    return {
        "header": dict(mutation.header),
        "complete": mutation.complete,
        "killed": mutation.score.killed,
        "counted": mutation.score.counted,
        "verdicts": [asdict(verdict) for verdict in mutation.verdicts],
    }

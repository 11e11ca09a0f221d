"""Runs as one JSON document, for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from assay_reports.mutants import MutationRun
from assay_reports.results import Run


def render(runs: Sequence[Run], mutation: MutationRun | None = None) -> str:
    """Return runs as JSON, with counts and every result, and the verdicts of a mutation run if there is one."""
    return json.dumps(
        {
            "runs": [
                {
                    "header": dict(run.header),
                    "complete": run.complete,
                    "items": dict(run.tally.items),
                    "cases": dict(run.tally.cases),
                    "results": [asdict(result) for result in run.results],
                }
                for run in runs
            ],
            "mutants": mutation and _measured(mutation),
        },
        indent=1,
        ensure_ascii=False,
    )


def _measured(mutation: MutationRun) -> dict[str, Any]:
    return {
        "header": dict(mutation.header),
        "complete": mutation.complete,
        "killed": mutation.score.killed,
        "counted": mutation.score.counted,
        "verdicts": [asdict(verdict) for verdict in mutation.verdicts],
    }

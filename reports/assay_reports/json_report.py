"""One JSON document of runs, for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

from assay_reports.results import Run


def render(runs: Sequence[Run]) -> str:
    """Write runs with their counts and every result."""
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
            ]
        },
        indent=1,
        ensure_ascii=False,
    )

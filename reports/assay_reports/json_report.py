"""One JSON document of runs, for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from assay_reports.results import Run
from assay_reports.sharpness import Sharpness


def render(runs: Sequence[Run], sharpness: Sharpness | None = None) -> str:
    """Write runs with their counts and every result, and the suite's sharpness where it was measured."""
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
            "sharpness": sharpness and _measured(sharpness),
        },
        indent=1,
        ensure_ascii=False,
    )


def _measured(sharpness: Sharpness) -> dict[str, Any]:
    return {
        "header": dict(sharpness.header),
        "complete": sharpness.complete,
        "noticed": sharpness.score.noticed,
        "counted": sharpness.score.counted,
        "verdicts": [asdict(verdict) for verdict in sharpness.verdicts],
    }

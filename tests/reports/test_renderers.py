from __future__ import annotations

from collections.abc import Callable

from assay_reports.results import Result, Run

Make = Callable[..., Run]
New = Callable[..., Result]

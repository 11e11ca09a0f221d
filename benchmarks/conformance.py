"""How fast the suite is: judged cases a second, a full run, and the commands that a person waits for.

    python benchmarks/conformance.py [--runs N] [--jobs N]

Every figure has a peer measured in the same run: the suite beside a loop that calls the same functions on the
same cases and judges nothing, the commands beside `python -c pass`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

from tabulate import tabulate

from assay.backends.discover import open_backend
from assay.cases.case import Case
from assay.facets.base import SamplingRequest
from assay.judge.bench import Bench
from assay.running.engine import measure
from assay.running.items import plan
from assay_reports.query import parse
from assay_spec import load_corpus

Row = tuple[str, str, str, str]


def median_seconds(act: Callable[[], object], runs: int) -> float:
    """Time an action several times; return the median."""
    times = []
    for _ in range(runs):
        started = time.perf_counter()
        act()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def command(*words: str) -> Callable[[], object]:
    """Return an action that runs a command to its end."""
    return lambda: subprocess.run([sys.executable, *words], check=False, capture_output=True)


def startup(runs: int) -> list[Row]:
    """Time the commands that a person waits for, beside an interpreter that does nothing."""
    nothing = median_seconds(command("-c", "pass"), runs)
    rows = []
    for words in (("--help",), ("list",)):
        seconds = median_seconds(command("-m", "assay.cli", *words), runs)
        rows.append((f"assay {' '.join(words)}", f"{seconds:.2f} s", "python -c pass", f"{nothing:.2f} s"))
    first = min(seconds_to_first_result() for _ in range(runs))
    rows.append(("assay run, to its first result", f"{first:.2f} s", "python -c pass", f"{nothing:.2f} s"))
    return rows


def seconds_to_first_result() -> float:
    """Time from the start of a run of one op to the first result in its file."""
    with tempfile.TemporaryDirectory() as folder:
        words = ["-m", "assay.cli", "run", "-b", "numpy", "--oracle", "reference", "--filter", "op:torch.clamp"]
        file = Path(folder, "numpy.jsonl")
        started = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, *words, "-o", folder], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        while process.poll() is None and not (file.exists() and '"type":"result"' in file.read_text(encoding="utf-8")):
            time.sleep(0.001)
        seconds = time.perf_counter() - started
        process.kill()
        process.wait()
    return seconds


def suite(backend: str, jobs: str) -> Row:
    """Run all of the suite on a backend; return cases a second, and those of a loop that judges nothing."""
    with tempfile.TemporaryDirectory() as folder:
        words = ["-m", "assay.cli", "run", "-b", backend, "--no-report", "--quiet", "-j", jobs, "-o", folder]
        started = time.perf_counter()
        subprocess.run([sys.executable, *words], check=False, capture_output=True)
        seconds = time.perf_counter() - started
        results = (Path(folder) / f"{backend}.jsonl").read_text(encoding="utf-8").splitlines()
    cases = json.loads(results[-1])["counts"]["cases"]["total"]
    rate = f"{cases / seconds:,.0f} cases/s ({cases:,} in {seconds:.1f} s, {jobs} jobs)"
    return (f"full run, {backend}", rate, "calling only, 1 process", f"{bare_rate(backend):,.0f} cases/s")


def one_process(backend: str, stride: int = 5) -> Row:
    """Judge every so many items but those of nn in this process; return cases a second of CPU time."""
    items = [item for item in plan(load_corpus()) if not item.area.startswith("nn")][::stride]
    bench = Bench(open_backend(backend), open_backend("torch" if find_spec("torch") else "reference"))
    started = time.process_time()
    cases = sum(measure(item, bench, effort="standard", seed=0)[0].cases for item in items)
    rate = cases / (time.process_time() - started)
    return (f"one process, {backend}", f"{rate:,.0f} cases/s", "calling only", f"{bare_rate(backend):,.0f} cases/s")


def bare_rate(backend: str) -> float:
    """Measure how many cases a second the backend answers without drawing or judging."""
    chosen = open_backend(backend)
    cases = list(some_cases())
    return len(cases) / median_seconds(lambda: [chosen.perform(case) for case in cases], 3)


def some_cases() -> Sequence[Case]:
    """Draw the cases of the values facet in float32."""
    items = plan(load_corpus(), query=parse("facet:values dtype:float32"))
    request = SamplingRequest("float32", "standard", 0)
    return [trial.case for item in items for trial in item.trials(request)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--jobs", default=str(os.cpu_count() or 1))
    chosen = parser.parse_args()
    rows = startup(chosen.runs)
    rows += [
        suite(name, chosen.jobs) for name in ("reference", "numpy", "torch") if name != "torch" or find_spec("torch")
    ]
    rows += [one_process(name) for name in ("reference", "torch") if name != "torch" or find_spec("torch")]
    print(f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    print(tabulate(rows, headers=("what", "measured", "peer", "peer measured"), tablefmt="github"))


if __name__ == "__main__":
    main()

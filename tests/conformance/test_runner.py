"""`assay` as a person uses it: exit codes, messages, files, and candidates whose process does not survive."""

from __future__ import annotations

import json
import os
import random
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from assay.cli import repro
from assay_reports.results import Result, Run, Worst, read_results

CANDIDATES = Path(__file__).with_name("candidates.py")
KILLS = int(os.environ.get("ASSAY_KILLS", "3"))  # a hundred were tried; each takes a second or two


def assay(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run the command line in a folder of its own."""
    return subprocess.run(
        [sys.executable, "-m", "assay.cli", *words], cwd=cwd, capture_output=True, text=True, check=False
    )


def run_of(folder: Path) -> Run:
    (file,) = (folder / "out").glob("*.jsonl")
    return read_results(file)


def test_a_run_writes_results_table_and_report(tmp_path: Path) -> None:
    done = assay("run", "-b", "numpy", "--oracle", "reference", "--filter", "op:torch.sign", "-j", "1", cwd=tmp_path)

    run = run_of(tmp_path)
    assert run.complete
    assert run.header.planned == len(run.results)
    assert "pointwise" in done.stdout
    assert (tmp_path / "out" / "site" / "index.html").exists()


def test_the_reference_without_an_oracle_never_passes_by_its_own_answer(tmp_path: Path) -> None:
    assay("run", "-b", "reference", "--oracle", "none", "--filter", "torch.exp facet:values", "-j", "1", cwd=tmp_path)

    assert {result.outcome for result in run_of(tmp_path).results} == {"self"}


def test_every_misbehaving_process_costs_its_op_alone_and_the_run_reaches_its_footer(tmp_path: Path) -> None:
    for name, outcome in (("Segfaults", "crash"), ("Exits", "crash")):
        folder = tmp_path / name
        folder.mkdir()

        assay("run", "-b", f"{CANDIDATES}:{name}", "--oracle", "reference", "-j", "1", "--no-report",
              "--filter", "op:torch.add op:torch.sign facet:shape facet:dtype", cwd=folder)  # fmt: skip

        run = run_of(folder)
        assert run.complete
        assert {each.outcome for each in run.results if each.op == "torch.add"} <= {outcome, "not_run", "unsupported"}
        assert "pass" in {each.outcome for each in run.results if each.op == "torch.sign"}
        assert {event.kind for event in run.events} >= {outcome}


def test_worker_processes_get_the_settings_and_give_the_results_of_one_process(tmp_path: Path) -> None:
    found = []
    for jobs in ("1", "2"):
        folder = tmp_path / jobs
        folder.mkdir()
        assay("run", "-b", "numpy", "--oracle", "reference", "--seed", "3", "--effort", "quick", "-j", jobs,
              "--filter", "op:sign op:clamp facet:values facet:errors", "--no-report", cwd=folder)  # fmt: skip
        found.append(sorted((replace(each, ms=0.0) for each in run_of(folder).results), key=lambda each: each.id))

    assert found[0] == found[1]
    assert {each.outcome for each in found[0]} >= {"pass", "fail"}


def test_a_worker_process_that_dies_costs_its_item(tmp_path: Path) -> None:
    assay("run", "-b", f"{CANDIDATES}:Segfaults", "--oracle", "reference", "-j", "2", "--no-report",
          "--filter", "op:torch.add op:torch.sign facet:shape", cwd=tmp_path)  # fmt: skip

    run = run_of(tmp_path)
    assert run.complete
    assert {(each.op, each.outcome, each.code) for each in run.results} == {
        ("torch.add", "crash", "A801"), ("torch.sign", "pass", None),
    }  # fmt: skip


def test_a_hanging_case_is_a_timeout(tmp_path: Path) -> None:
    assay("run", "-b", f"{CANDIDATES}:Hangs", "--time-limit", "0.5", "--oracle", "reference", "-j", "1",
          "--no-report", "--filter", "op:torch.add facet:shape", cwd=tmp_path)  # fmt: skip

    (result,) = run_of(tmp_path).results
    assert result.outcome == "timeout"


def test_what_a_library_prints_does_no_harm(tmp_path: Path) -> None:
    assay("run", "-b", f"{CANDIDATES}:PrintsToStdout", "--oracle", "reference", "-j", "1", "--no-report",
          "--filter", "op:torch.add facet:shape", cwd=tmp_path)  # fmt: skip

    (result,) = run_of(tmp_path).results
    assert (result.outcome, result.failed) == ("partial", 0)


def test_an_unknown_op_is_an_error_before_anything_runs(tmp_path: Path) -> None:
    done = assay("run", "--filter", "op:torch.clmap", cwd=tmp_path)

    assert done.returncode == 2
    assert "no op matches 'torch.clmap' (did you mean 'torch.clamp'?)" in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_backend_that_is_not_there_exits_with_6(tmp_path: Path) -> None:
    done = assay("run", "-b", "namespace:no_such_library", "-j", "1", cwd=tmp_path)

    assert done.returncode == 6
    assert "no_such_library" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_output_path_that_cannot_be_written_is_found_before_anything_runs(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")

    done = assay("run", "-b", "numpy", "-o", "taken/out", cwd=tmp_path)

    assert done.returncode == 4
    assert "cannot write there" in done.stderr


# A shell's background jobs, and what they start, ignore interrupts.
HEARS_INTERRUPTS = """
import signal, sys
from assay.cli.__main__ import main

signal.signal(signal.SIGINT, signal.default_int_handler)
main(sys.argv[1:])
"""


def test_an_interrupted_run_says_so_and_can_be_resumed(tmp_path: Path) -> None:
    words = [
        "run",
        "-b",
        "numpy",
        "--oracle",
        "reference",
        "--filter",
        "op:torch.add op:torch.mul op:torch.div",
        "-j",
        "1",
        "--no-report",
    ]
    process = subprocess.Popen(
        [sys.executable, "-c", HEARS_INTERRUPTS, *words], cwd=tmp_path, stderr=subprocess.DEVNULL
    )
    file = tmp_path / "out" / "numpy.jsonl"
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline and not (file.exists() and file.read_text().count("\n") > 3):
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=300) == 2

    partial = read_results(file)
    assert partial.footer is not None
    assert (partial.complete, partial.footer.stop_reason) == (False, "interrupted")

    assay(*words, "--resume", cwd=tmp_path)
    resumed = read_results(file)
    assert resumed.complete
    assert len(resumed.results) == resumed.header.planned


def started(*words: str, cwd: Path) -> subprocess.Popen[bytes]:
    """Start the command line in a process group of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "assay.cli", *words], cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip


def without_times(file: Path) -> list[str]:
    """Return the lines of a results file without what is a time."""
    return [
        re.sub(r'"(ms|started|ended|command)":("[^"]*"|[0-9.e-]+)', "", line) for line in file.read_text().splitlines()
    ]


def test_a_run_that_is_killed_at_any_moment_and_resumed_equals_one_that_is_not(tmp_path: Path) -> None:
    words = ["run", "-b", "numpy", "--oracle", "reference", "--effort", "quick", "-j", "1", "--no-report",
             "--filter", "op:torch.add op:torch.sort op:torch.clamp"]  # fmt: skip
    assay(*words, "-o", "whole", cwd=tmp_path)
    file = tmp_path / "killed" / "numpy.jsonl"
    source = random.Random(7)
    for _ in range(KILLS):
        process = started(*words, "-o", "killed", "--resume", cwd=tmp_path)
        lines = file.read_text().count("\n") if file.exists() else 0
        deadline = time.monotonic() + 120
        while process.poll() is None and time.monotonic() < deadline:
            if file.exists() and file.read_bytes().count(b"\n") > lines:
                time.sleep(source.random() / 2)
                break
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assay(*words, "-o", "killed", "--resume", cwd=tmp_path)

    assert without_times(file) == without_times(tmp_path / "whole" / "numpy.jsonl")


def test_a_run_that_is_terminated_writes_its_footer_and_leaves_no_process(tmp_path: Path) -> None:
    process = started("run", "-b", f"{CANDIDATES}:Hangs", "--oracle", "reference", "-j", "1", "--no-report",
                      "--filter", "op:torch.sub op:torch.add facet:shape", cwd=tmp_path)  # fmt: skip
    folder = tmp_path / "out"
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and not any(
        "torch.sub::shape" in file.read_text() for file in folder.glob("*.jsonl")
    ):
        time.sleep(0.05)
    workers = children(process.pid)
    process.terminate()

    assert process.wait(timeout=60) == 2
    footer = run_of(tmp_path).footer
    assert footer is not None
    assert (footer.complete, footer.stop_reason) == (False, "terminated")
    assert workers and not any(Path(f"/proc/{each}").exists() for each in workers)


def children(process: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def test_two_runs_never_share_a_file(tmp_path: Path) -> None:
    first = started("run", "-b", f"{CANDIDATES}:Hangs", "--oracle", "reference", "-j", "1", "--no-report",
                    "--filter", "op:torch.sub op:torch.add facet:shape", cwd=tmp_path)  # fmt: skip
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and not list((tmp_path / "out").glob("*.jsonl")):
        time.sleep(0.05)
    second = assay("run", "-b", f"{CANDIDATES}:Hangs", "--oracle", "reference", "-j", "1", "--no-report",
                   "--filter", "op:torch.sub facet:shape", cwd=tmp_path)  # fmt: skip
    first.terminate()
    first.wait()

    assert second.returncode == 4
    assert second.stderr.splitlines()[-1].endswith("another run is writing it; wait for it, or choose another --out")


def test_everything_that_was_typed_is_checked_before_anything_runs(tmp_path: Path) -> None:
    done = assay("run", "-b", "numpy", "-b", "nope", "--oracle", "reference", "-j", "1", cwd=tmp_path)

    assert done.returncode == 6
    assert "unknown backend 'nope'" in done.stderr
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--shard", "3/2"], "--shard 3/2: there is no part 3 of 2"),
        (["--jobs", "0"], "--jobs 0: write a number from 1, or auto"),
        (["--time-limit", "0"], "--time-limit 0: write a number of seconds above 0, up to 86400"),
        (["-b", "numpy", "-b", "numpy"], "--backend numpy: named twice"),
        (["--expect", "none.yaml"], "--expect none.yaml: no such file; `assay expect update` writes one"),
    ],
)
def test_settings_that_cannot_be_are_refused_in_a_line(words: list[str], message: str, tmp_path: Path) -> None:
    done = assay("run", *words, cwd=tmp_path)

    assert (done.returncode, done.stderr.splitlines()) == (4, [f"assay: {message}"])


def test_more_jobs_than_cores_are_not_started(tmp_path: Path) -> None:
    done = assay("run", "-b", "numpy", "--oracle", "reference", "-j", "99", "--no-report", "--effort", "quick",
                 "--filter", "op:torch.sign facet:shape", cwd=tmp_path)  # fmt: skip

    assert f"--jobs 99: 1 are used, for {os.cpu_count()} cores and 1 items" in done.stderr


def test_a_reader_that_leaves_early_costs_nothing(tmp_path: Path) -> None:
    words = f"{shlex.quote(sys.executable)} -m assay.cli run -b numpy --oracle reference -j 1 --filter op:torch.sort"

    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {words} | head -c 1"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1  # there are findings
    assert "Broken pipe" not in done.stderr
    assert run_of(tmp_path).complete
    assert (tmp_path / "out" / "site" / "index.html").exists()


def test_plain_pytest_and_assay_run_are_one_thing(tmp_path: Path) -> None:
    (tmp_path / "test_of_the_project.py").write_text("def test_nothing(): pass")
    words = ["--filter=op:torch.sign facet:shape facet:errors", "--oracle=reference", "--seed=3"]

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--assay-backend=numpy",
         "--assay-results=plain.jsonl", *(word.replace("--", "--assay-") for word in words)],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assay("run", "--backend=numpy", "-j", "1", "--no-report", *words, cwd=tmp_path)

    assert "2 passed" in done.stdout
    plain, ours = (
        [replace(each, ms=0.0) for each in run.results]
        for run in (read_results(tmp_path / "plain.jsonl"), run_of(tmp_path))
    )
    assert plain == ours


NAMESPACE = """
import assay_reference

def exp(input):
    return assay_reference.exp(input) + 1

def __getattr__(name):
    return getattr(assay_reference, name)
"""


@pytest.mark.parametrize(
    ("backend", "item"),
    [
        ("numpy", "torch.clamp::errors"),
        ("namespace:my_lib", "torch.exp::values[float32]"),
        ("my_adapter:AlwaysWrong", "torch.add::values[float32]"),
        (f"exec:{shlex.quote(sys.executable)} my_adapter.py says_index_error", "torch.sub::values[float32]"),
    ],
)
def test_the_command_that_a_failure_prints_shows_the_same_failure(backend: str, item: str, tmp_path: Path) -> None:
    (tmp_path / "my_lib.py").write_text(NAMESPACE)
    shutil.copyfile(CANDIDATES, tmp_path / "my_adapter.py")

    done = assay("run", "-b", backend, "--oracle", "reference", "--seed", "3", "--effort", "quick", "-j", "1",
                 "--filter", item, "--no-report", cwd=tmp_path)  # fmt: skip
    line, *_ = [line for line in done.stdout.splitlines() if line.startswith("  again: ")]
    words = shlex.split(line.removeprefix("  again: "))
    again = assay(*words[1:], cwd=tmp_path)

    assert words == ["assay", "repro", item, "--backend", backend, "--oracle", "reference", "--effort", "quick",
                     "--seed", "3"]  # fmt: skip
    (result,) = run_of(tmp_path).results
    assert f"{result.code} {result.message}" in again.stdout.splitlines()
    assert again.returncode == 1


def test_a_gate_shows_only_what_is_unexpected_and_says_last_why_it_is_red(tmp_path: Path) -> None:
    words = ["run", "-b", f"{CANDIDATES}:AlwaysWrong", "--oracle", "reference", "--effort", "quick", "-j", "1",
             "--filter", "op:torch.add facet:values dtype:float32 dtype:int64"]  # fmt: skip
    (tmp_path / "known.yaml").write_text("- {code: A101, items: {'torch.add::values[int64]': 999}, reason: known}\n")

    done = assay(*words, "--expect", "known.yaml", cwd=tmp_path)
    (file,) = (tmp_path / "out").glob("*.jsonl")
    page = assay("report", str(file), "--expect", "known.yaml", "--format", "markdown", cwd=tmp_path).stdout

    lines = done.stdout.splitlines()
    head = next(
        index for index, line in enumerate(lines) if line.endswith("2 items with findings, 1 cause, 1 unexpected")
    )
    assert lines[head + 2].startswith("1. A101 torch.add: result ") and "(1 op, 1 item, " in lines[head + 2]
    assert lines[-3].startswith("report: ")
    assert lines[-2].startswith("unexpected: A101 torch.add::values[float32]: result ")
    assert lines[-1] == "1 known finding, 1 unexpected"
    assert "1 cause, 1 unexpected, the gravest first." in page
    assert done.returncode == 1


def test_only_what_has_causes_takes_expectations(tmp_path: Path) -> None:
    (tmp_path / "known.yaml").write_text("")
    (tmp_path / "run.jsonl").write_text("")

    done = assay("report", "run.jsonl", "--expect", "known.yaml", "--format", "junit", cwd=tmp_path)

    assert (done.returncode, done.stderr) == (4, "assay: --expect is for --format html and markdown, not junit\n")


def test_repro_refuses_an_item_that_is_not_there(tmp_path: Path) -> None:
    for id, message in (
        ("torch.clmap::errors", "no op 'torch.clmap' (did you mean 'torch.clamp'"),
        ("torch.clamp::error", "torch.clamp has no item 'error' (did you mean 'errors'"),
    ):
        done = assay("repro", id, "-b", "numpy", cwd=tmp_path)

        assert done.returncode == 4
        assert done.stderr.startswith(f"assay: {message}")


def test_repro_shows_one_item_again(tmp_path: Path) -> None:
    done = assay("repro", "torch.sign::shape", "--backend", "reference", cwd=tmp_path)

    assert done.returncode == 0
    assert done.stdout.startswith("torch.sign::shape on reference, judged by ")


def test_repro_says_how_near_the_budget_an_item_came_and_what_was_excused() -> None:
    result = Result(
        id="torch.exp::special[float32]", hash="", op="torch.exp", area="pointwise", facet="special", dtype="float32",
        device="cpu", outcome="pass", cases=9, passed=9, worst=Worst(0.25, None, (), "", ""),
        excused={"flushed subnormal": 12},
    )  # fmt: skip

    assert repro.summary(result, "toy", "torch") == (
        "torch.exp::special[float32] on toy, judged by torch: pass, 9 of 9 cases pass;"
        " the largest error is 0.25 of its budget; 12 elements excused: flushed subnormal"
    )


def test_repro_says_nothing_of_errors_where_there_are_none_and_counts_one_case_as_one() -> None:
    result = Result(
        id="torch.exp::shape", hash="", op="torch.exp", area="pointwise", facet="shape", outcome="pass", cases=1,
        passed=1, worst=Worst(0.0),
    )  # fmt: skip

    said = [repro.summary(replace(result, passed=passed), "toy", "torch").partition("pass, ")[2] for passed in (1, 0)]

    assert said == ["its one case passes", "its one case does not pass"]


RAISING = """
from assay.backends.numpy import NumpyBackend

class Raising(NumpyBackend):
    table = NumpyBackend.table | {"exp": lambda input: looked_up(input)}

def looked_up(input):
    return no_such_name(input)
"""


def test_repro_shows_where_the_candidate_raised(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(RAISING)

    done = assay("repro", "torch.exp::shape", "-b", "mine.py:Raising", "--oracle", "reference", cwd=tmp_path)

    shown = done.stdout.partition("  raised in, the innermost call last:\n")[2].splitlines()[:4]
    assert [line.strip() for line in shown] == [
        f'File "{tmp_path}/mine.py", line 5, in <lambda>',
        'table = NumpyBackend.table | {"exp": lambda input: looked_up(input)}',
        f'File "{tmp_path}/mine.py", line 8, in looked_up',
        "return no_such_name(input)",
    ]


def test_an_adapter_that_cannot_be_made_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("def Mine():\n    return no_such_name\n")

    done = assay("run", "-b", "mine.py:Mine", "--oracle", "reference", cwd=tmp_path)

    assert done.returncode == 6
    assert done.stderr.splitlines()[-1] == (
        f"assay: mine.py:Mine cannot be made: NameError: name 'no_such_name' is not defined ({tmp_path}/mine.py:2)"
    )


def test_what_is_told_of_a_backend_before_a_run_names_it_once(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "from assay.backends.numpy import NumpyBackend\n"
        "class Mine(NumpyBackend):\n"
        "    table = NumpyBackend.table | {'frobnicate': abs}\n"
        "    def to_host(self, native):\n"
        "        return super().to_host(native.astype('float32') if native.dtype == 'float64' else native)\n"
    )

    done = assay("run", "-b", "mine.py:Mine", "--oracle", "reference", "--filter", "torch.sign::shape", cwd=tmp_path)

    assert done.stderr.splitlines()[1:3] == [
        "numpy takes float64[] in and returns float32; that dtype is not judged",
        "numpy: the table has 'frobnicate', which is no op of the corpus",
    ]


def test_explain_knows_codes_and_ops(tmp_path: Path) -> None:
    assert assay("explain", "A401", cwd=tmp_path).stdout.startswith("A401: A copy where a view is due.")
    assert "raises RuntimeError: the inner dimensions differ" in assay("explain", "torch.mm", cwd=tmp_path).stdout
    assert assay("explain", "torch.div", cwd=tmp_path).stdout.endswith(
        "\n  (documents that the corpus was made from: see docs/spec-format.md)\n"
    )
    layer = assay("explain", "torch.nn.Linear", cwd=tmp_path).stdout
    assert "torch.nn.Linear(in_features, out_features, bias=True" in layer and "it.forward(input)" in layer
    assert "holds bias: a parameter of shape [out_features]" in layer
    assert "did you mean" in assay("explain", "torch.nm", cwd=tmp_path).stderr


def test_list_counts_what_would_run(tmp_path: Path) -> None:
    items = json.loads(assay("list", "--filter", "op:torch.mm", "--json", cwd=tmp_path).stdout)

    assert {item["op"] for item in items} == {"torch.mm"}
    assert "torch.mm::values[float32]" in {item["id"] for item in items}


def test_a_broken_spec_file_is_named_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "torch" / "nope.yaml"
    file.parent.mkdir()
    file.write_text("name: torch.nope\narea: pointwise\nsummary: Nothing.\nargumnets: {input: tensor(real)}\n")

    done = assay("lint", str(file), cwd=tmp_path)

    assert done.returncode == 4
    assert f"{file}:4: unknown key 'argumnets' (did you mean 'arguments'" in done.stderr


@pytest.mark.parametrize(
    ("act", "heavy"),
    [
        ("import assay.cli.__main__", {"pytest", "numpy", "yaml", "jsonschema"}),
        ("import assay.running.plugin", {"numpy", "yaml", "jsonschema", "hypothesis", "click"}),
        (
            "import assay.running.session; from assay.backends.discover import open_backend; "
            "from assay.backends.self_check import self_check; "
            "[self_check(open_backend(name)) for name in ('numpy', 'reference')]",
            {"scipy", "hypothesis", "jsonschema", "torch", "rich", "jinja2", "tabulate"},
        ),
    ],
)
def test_a_start_imports_only_what_it_uses(act: str, heavy: set[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", f"{act}; import sys; print(*sys.modules)"], capture_output=True, text=True, check=True
    )

    assert heavy & set(done.stdout.split()) == set()

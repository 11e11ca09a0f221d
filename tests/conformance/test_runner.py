"""`assay` as a person uses it: exit codes, messages, files, and candidates whose process does not survive."""

from __future__ import annotations

import json
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
    assert run.header["planned"] == len(run.results)
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
    assert result.outcome == "pass"


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
        [sys.executable, "-m", "assay.cli", *words],
        cwd=tmp_path,
        stderr=subprocess.DEVNULL,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background jobs ignore it
    )
    file = tmp_path / "out" / "numpy.jsonl"
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline and not (file.exists() and file.read_text().count("\n") > 3):
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=300) == 2

    partial = read_results(file)
    assert partial.footer is not None
    assert (partial.complete, partial.footer["stop_reason"]) == (False, "interrupted")

    assay(*words, "--resume", cwd=tmp_path)
    resumed = read_results(file)
    assert resumed.complete
    assert len(resumed.results) == resumed.header["planned"]


def test_plain_pytest_and_assay_run_are_one_thing(tmp_path: Path) -> None:
    (tmp_path / "test_of_the_project.py").write_text("def test_nothing(): pass")
    words = ["--filter=op:torch.sign facet:shape facet:errors", "--oracle=reference", "--seed=3"]

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--assay-backend=numpy",
         "--assay-results=plain.jsonl", *(word.replace("--", "--assay-") for word in words)],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assay("run", "--backend=numpy", "-j", "1", "--no-report", *words, cwd=tmp_path)

    assert "1 passed" in done.stdout
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
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("  again: ")]
    words = shlex.split(line.removeprefix("  again: "))
    again = assay(*words[1:], cwd=tmp_path)

    assert words == ["assay", "repro", item, "--backend", backend, "--oracle", "reference", "--effort", "quick",
                     "--seed", "3"]  # fmt: skip
    (result,) = run_of(tmp_path).results
    assert f"{result.code} {result.message}" in again.stdout.splitlines()
    assert again.returncode == 1


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
        "torch.exp::special[float32] on toy, judged by torch: pass, 9 of 9 cases pass; error / budget at most 0.25;"
        " 12 elements excused: flushed subnormal"
    )


def test_explain_knows_codes_and_ops(tmp_path: Path) -> None:
    assert assay("explain", "A401", cwd=tmp_path).stdout.startswith("A401: A copy where a view is due.")
    assert "raises RuntimeError: the inner dimensions differ" in assay("explain", "torch.mm", cwd=tmp_path).stdout
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

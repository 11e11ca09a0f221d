"""Programs that import torch, run on the reference."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import sys
import torch
import torch.autograd as autograd
from torch.cuda import is_available
from torch import Tensor, tensor

x = tensor([1.0, 2.0], requires_grad=True)
(grad,) = autograd.grad(x * x, x, grad_outputs=torch.ones(2))
print(torch.__name__, isinstance(x, Tensor), grad.tolist(), is_available(), sys.argv[1:], __name__)
"""


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "assay_reference", *arguments], capture_output=True, text=True, timeout=60
    )


def test_a_program_that_imports_torch_runs_on_the_reference(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)

    answer = run(str(program), "--fast")

    assert answer.stderr == ""
    assert answer.stdout == "assay_reference True [2.0, 4.0] False ['--fast'] __main__\n"


def test_a_program_that_imports_torchvision_runs_on_the_references(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "import torch, torchvision\nimport torchvision.transforms as transforms\n"
        "from torchvision.utils import make_grid\n"
        "x = transforms.Normalize([0.5], [0.5])(make_grid(torch.ones(1, 2)))\n"
        "print(torchvision.__version__, torchvision.__name__, x.shape)\n"
    )

    answer = run(str(program))

    assert answer.stderr == ""
    assert answer.stdout == "0.28.0 assay_reference.torchvision torch.Size([3, 1, 2])\n"


def test_what_programs_print_of_tensors_has_pytorchs_names_and_can_be_pickled(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "import io, pickle, torch\n"
        "x = torch.ones(2)\n"
        "print(type(x), type(x.shape), type(x.device), type(x.dtype))\n"
        "print([pickle.loads(pickle.dumps(each)) for each in (type(x), x, x.shape, x.device, x.dtype)])\n"
        "file = io.BytesIO()\n"
        "torch.save([torch.Tensor, x.shape], file)\n"
        "print(torch.load(io.BytesIO(file.getvalue()), weights_only=False))\n"
    )

    answer = run(str(program))

    assert answer.stderr == ""
    assert answer.stdout.splitlines() == [
        "<class 'torch.Tensor'> <class 'torch.Size'> <class 'torch.device'> <class 'torch.dtype'>",
        "[<class 'torch.Tensor'>, tensor([1., 1.]), torch.Size([2]), device(type='cpu'), torch.float32]",
        "[<class 'torch.Tensor'>, torch.Size([2])]",
    ]


def test_a_program_may_import_its_neighbours(tmp_path: Path) -> None:
    (tmp_path / "neighbour.py").write_text("import torch\nNUMBER = torch.tensor(3).item()\n")
    program = tmp_path / "program.py"
    program.write_text("from neighbour import NUMBER\nprint(NUMBER)\n")

    assert run(str(program)).stdout == "3\n"


def test_without_a_program_the_usage_is_shown() -> None:
    answer = run()

    assert answer.returncode == 1
    assert answer.stderr == "usage: python -m assay_reference [--device DEVICE] program.py [arguments]\n"


def test_a_traceback_begins_with_the_programs_own_line(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text("import torch\n\n\ndef f():\n    return torch.ones(2) + torch.ones(3)\n\n\nf()\n")

    answer = run(str(program))

    first, *lines = answer.stderr.splitlines()
    assert answer.returncode == 1
    assert first == "Traceback (most recent call last):"
    assert lines[:2] == [f'  File "{program}", line 8, in <module>', "    f()"]
    assert f'  File "{program}", line 5, in f' in lines
    assert lines[-1].startswith("RuntimeError: The size of tensor a (2) must match the size of tensor b (3)")


def test_a_program_ends_with_the_status_that_it_says(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text("import sys\nsys.exit(3)\n")

    assert run(str(program)).returncode == 3


def test_a_device_that_is_not_there_is_refused() -> None:
    answer = run("--device", "cuda", "program.py")

    assert answer.returncode == 1
    assert answer.stderr == "--device cuda: Torch not compiled with CUDA enabled\n"


def test_tensors_are_on_the_device_that_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSAY_REFERENCE_CUDA", "stand-in")
    program = tmp_path / "program.py"
    program.write_text(
        "import sys\nimport torch\nx = torch.nn.Linear(2, 1)(torch.ones(1, 2))\nprint(x.device, sys.argv[1:])\n"
    )

    assert run("--device", "cuda", str(program), "--fast").stdout == "cuda:0 ['--fast']\n"

"""Programs that import torch, run on the reference."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

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


def test_a_program_may_import_its_neighbours(tmp_path: Path) -> None:
    (tmp_path / "neighbour.py").write_text("import torch\nNUMBER = torch.tensor(3).item()\n")
    program = tmp_path / "program.py"
    program.write_text("from neighbour import NUMBER\nprint(NUMBER)\n")

    assert run(str(program)).stdout == "3\n"


def test_without_a_program_the_usage_is_shown() -> None:
    answer = run()

    assert answer.returncode == 1
    assert answer.stderr == "usage: python -m assay_reference program.py [arguments]\n"

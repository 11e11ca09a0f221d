"""Run a PyTorch program on the reference: `python -m assay_reference [--device cuda] program.py [arguments]`."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

from assay_reference import served
from assay_reference.core.devices import set_default_device


def run(program: str) -> None:
    """Run a program; what it raises is told from its own lines on, without those that lead to them."""
    sys.path[0] = str(Path(program).resolve().parent)
    try:
        runpy.run_path(program, run_name="__main__")
    except Exception as error:
        own = error.__traceback__
        while own is not None and own.tb_frame.f_code.co_filename != program:
            own = own.tb_next
        own = own or error.__traceback__
        sys.excepthook(type(error), error.with_traceback(own), own)
        sys.exit(1)


def use(device: str) -> None:
    """Put the tensors of the program on a device, where it does not say otherwise."""
    try:
        set_default_device(device)
    except (AssertionError, RuntimeError) as error:
        sys.exit(f"--device {device}: {error}")


def main() -> None:
    """Run the program that the command line names."""
    _, *arguments = sys.argv
    if arguments[:1] == ["--device"] and len(arguments) > 1:
        use(arguments[1])
        del arguments[:2]
    if not arguments or arguments[0].startswith("-"):
        sys.exit("usage: python -m assay_reference [--device DEVICE] program.py [arguments]")
    sys.path.insert(1, *served.__path__)
    sys.argv[:] = arguments
    run(arguments[0])


if __name__ == "__main__":
    main()

"""Run a PyTorch program on the reference: `python -m assay_reference program.py [arguments]`."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

from assay_reference import served


def main() -> None:
    """Run the program that the command line names."""
    if len(sys.argv) < 2:
        sys.exit("usage: python -m assay_reference program.py [arguments]")
    del sys.argv[0]
    sys.path[0] = str(Path(sys.argv[0]).resolve().parent)
    sys.path.insert(1, *served.__path__)
    runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main()

"""The ops whose mutants a change may let survive: it touches their spec, families or code in the good backend."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from assay.backends.base import Backend
from assay_spec.model import Op


class UnknownRevision(Exception):
    """No revision to compare with: no git, no checkout, or no such revision in it."""


def changed_files(folder: Path, revision: str) -> set[Path]:
    """Return the files of a checkout that differ from a revision, untracked ones too; raise UnknownRevision."""
    top = Path(_git(folder, "rev-parse", "--show-toplevel").strip())
    names = _git(top, "diff", "--name-only", revision, "--"), _git(top, "ls-files", "--others", "--exclude-standard")
    return {top / name for listing in names for name in listing.splitlines()}


def _git(folder: Path, *words: str) -> str:
    try:
        return subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=True).stdout
    except FileNotFoundError:
        raise UnknownRevision("git is not installed") from None
    except subprocess.CalledProcessError as error:
        raise UnknownRevision(error.stderr.strip().partition("\n")[0]) from None


def touches(files: set[Path], op: Op, good: Backend) -> bool:
    """Return whether any of these files specifies the op, or implements it in the good backend."""
    code = good.source(op.name)
    return not files.isdisjoint(path.resolve() for path in (*op.files, *([code] if code else [])))


def changed_lines(folder: Path, revision: str) -> dict[Path, set[int]]:
    """Return the lines of a checkout that a revision does not have, by file; raise UnknownRevision."""
    top = Path(_git(folder, "rev-parse", "--show-toplevel").strip())
    found: dict[Path, set[int]] = {}
    for line in _git(top, "diff", "--unified=0", "--no-color", "--no-ext-diff", revision, "--").splitlines():
        if line.startswith("+++ "):
            lines = found.setdefault(top / line.removeprefix("+++ b/"), set())
        elif added := re.match(r"@@ -\S+ \+(\d+)(?:,(\d+))? @@", line):
            first, count = int(added[1]), int(added[2] or 1)
            lines.update(range(first, first + count))
    for name in _git(top, "ls-files", "--others", "--exclude-standard").splitlines():
        found[top / name] = set(range(1, len((top / name).read_bytes().splitlines()) + 1))
    return {path: lines for path, lines in found.items() if lines}

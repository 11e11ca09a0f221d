"""The site: results as static pages that need no server, font or framework, and as data beside them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from assay_reports.expectations import Expectations
from assay_reports.mutants import MutationRun
from assay_reports.printable import printable
from assay_reports.results import Run, write_run
from assay_reports.site import published
from assay_reports.site.pages import Site
from assay_spec.model import Corpus

_ASSETS: Final = ("style.css", "app.js")


def render_site(
    runs: Sequence[Run],
    out: Path,
    corpus: Corpus,
    mutation: MutationRun | None = None,
    earlier: Iterable[Run] = (),
    expected: Expectations | None = None,
) -> Path:
    """Write the site of some runs into a folder, and return its first page.

    A mutation run adds scores and surviving mutants; earlier runs of the same backends, what changed since then;
    expectations, which causes are unexpected.
    """
    site = Site(runs, corpus, mutation, earlier, expected)
    for name in _ASSETS:
        _write(out / name, files(__name__).joinpath(name).read_text(encoding="utf-8"))
    for path, template, content in site.pages():
        root = "../" * path.count("/")
        _write(out / path, _template(template).render(site=site, root=root, path=path, **content))
    for path, text in published.files(site):
        _write(out / path, text)
    for backend in site.backends:
        write_run(backend.run, out / backend.data / "results.jsonl")
    return out / "index.html"


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", errors="backslashreplace", newline="\n")


@cache
def _template(name: str) -> Any:
    return _environment().get_template(name)


@cache
def _environment() -> Any:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    from assay_reports.score import percent

    environment = Environment(
        loader=PackageLoader(__name__),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_harmless,
    )
    environment.filters["number"] = lambda value: f"{value:,}"
    environment.filters["count"] = lambda number, what: f"{number:,} {what}" + "s" * (number != 1)
    environment.filters["percent"] = percent
    environment.filters["breakable"] = _breakable
    return environment


def _harmless(value: Any) -> Any:
    """Return text of others with what would act in it shown as its code; lines stay lines."""
    if isinstance(value, str) and not hasattr(value, "__html__"):
        return "\n".join(printable(line) for line in value.split("\n"))
    return value


def _breakable(name: str) -> Any:
    """Return a name as HTML that may go on on the next line after a dot or an underscore."""
    from markupsafe import Markup, escape

    return Markup(str(escape(_harmless(name))).replace(".", ".<wbr>").replace("_", "_<wbr>"))

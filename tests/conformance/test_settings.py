"""Settings: one definition from which every command line is derived."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from assay.cli.__main__ import main
from assay.cli.options import takes
from assay.settings import Settings, options

pytest_plugins = ["pytester"]

UNUSUAL = Settings(
    backend="exec:./my harness",
    oracle="none",
    device="cuda",
    filter="op:torch.add",
    edition="documented",
    effort="deep",
    seed=7,
    shard="2/3",
    time_limit=0.5,
    results=Path("r.jsonl"),
    expect=Path("known.yaml"),
    resume=True,
    jobs="4",
    out=Path("elsewhere"),
)


def test_settings_travel_as_json() -> None:
    for settings in (Settings(), UNUSUAL):
        assert Settings.of_json(settings.to_json()) == settings


def test_repro_gets_the_backend_and_what_is_not_at_its_default() -> None:
    assert Settings("numpy").given("repro") == {"backend": "numpy"}
    assert UNUSUAL.given("repro") == {
        "backend": "exec:./my harness",
        "oracle": "none",
        "device": "cuda",
        "edition": "documented",
        "effort": "deep",
        "seed": 7,
        "time_limit": 0.5,
    }


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"shard": "2"}, "--shard 2: write it as I/N, like 2/4"),
        ({"jobs": "many"}, "--jobs many: write a number from 1, or auto"),
    ],
)
def test_a_setting_that_cannot_be_is_refused(wrong: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError) as caught:
        Settings(**wrong)

    assert str(caught.value) == message


def test_every_setting_has_its_type_on_the_command_line() -> None:
    seen = []

    @click.command()
    @takes("run")
    def command(**chosen: object) -> None:
        seen.append(Settings(**chosen))

    words = ["--backend", "numpy", "--seed", "7", "--time-limit", "2", "--out", "here", "--effort", "deep"]
    CliRunner().invoke(command, words, catch_exceptions=False)

    assert seen == [Settings("numpy", seed=7, time_limit=2.0, out=Path("here"), effort="deep")]


def test_every_setting_is_an_option_of_run_or_of_pytest() -> None:
    named = {each.name for command in ("run", "pytest") for each in options(command)}

    assert named == {each.name for each in options()}


def test_a_word_that_a_setting_does_not_know_is_refused_with_those_it_knows() -> None:
    done = CliRunner().invoke(main, ["run", "--effort", "lazy"])

    assert done.exit_code == 2
    assert "Invalid value for '--effort': 'lazy' is not one of 'quick', 'standard', 'deep'." in done.output


def test_pytest_takes_the_same_settings(pytester: pytest.Pytester) -> None:
    config = pytester.parseconfig("--assay-backend=numpy", "--assay-seed=7", "--assay-time-limit=2")

    assert [config.getoption(f"assay_{name}") for name in ("backend", "seed", "time_limit", "effort")] == [
        "numpy", 7, 2.0, "standard",
    ]  # fmt: skip


def test_pytest_refuses_a_setting_that_cannot_be(pytester: pytest.Pytester) -> None:
    with pytest.raises(pytest.UsageError) as caught:
        pytester.parseconfigure("--assay-backend=numpy", "--assay-shard=2")

    assert str(caught.value) == "--shard 2: write it as I/N, like 2/4"

"""README.md says what the code says."""

import re
import shlex
from pathlib import Path

import pytest
import readme_tables

from mma_core.__main__ import _parse
from mma_core.data import samples
from mma_core.languages import LANGUAGES
from mma_core.recipe import Step, parse

TEXT = readme_tables.README.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", readme_tables.TABLES)
def test_a_table_equals_the_registry(name: str) -> None:
    found = readme_tables.block(TEXT, name)
    assert found is not None, f"README.md has no block <!-- {name} -->"
    assert found.group() == readme_tables.TABLES[name](), "run `make tables`"


def test_tables_name_every_step_language_and_command() -> None:
    assert all(f"`{step.example}`" in readme_tables.steps_table() for step in Step.registry.values())
    assert all(f"`{code}`" in readme_tables.languages_table() for code in LANGUAGES)
    commands = readme_tables.commands_table()
    assert all(f"mma_core {name} " in commands for name in ("recipes", "languages", "build", "tag", "bench", "sweep"))


def test_a_table_that_drifted_is_made_anew() -> None:
    drifted = re.sub(r"\| zero-shot.*", "| zero-shot | 0 | |", TEXT)
    assert drifted != TEXT
    assert readme_tables.renewed(drifted) == TEXT


def test_a_missing_table_is_named() -> None:
    with pytest.raises(ValueError, match="<!-- languages -->"):
        readme_tables.renewed(TEXT.replace("<!-- languages -->", ""))


def examples() -> list[str]:
    blocks = re.findall(r"```(?:sh|bash)\n(.*?)```", TEXT, re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.startswith("python -m mma_core")]


@pytest.mark.parametrize("line", examples())
def test_an_example_is_a_legal_command(line: str) -> None:
    arguments = shlex.split(line, comments=True)[3:]
    options = _parse(arguments)
    recipes = [options.recipe] if "recipe" in options else getattr(options, "recipes", [])
    for recipe in recipes if isinstance(recipes, list) else []:  # the sweep's is a file
        parse(recipe)


def test_every_file_that_is_named_exists(repository: Path) -> None:
    named = set(re.findall(r"`((?:mma_core|tests|assets|precomputed|requirements)[\w./-]*\.\w+)`", TEXT))
    named |= set(re.findall(r"\]\((?!http)([^)#]+)\)", TEXT))
    assert named
    assert {name for name in named if not (repository / name).exists()} == set()


def test_the_numbers_in_the_text_are_right() -> None:
    stated = re.search(r"(\d+) languages in (\d+) scripts.*?samples in (\d+) of them", TEXT, re.DOTALL)
    assert stated is not None
    scripts = {row.script for row in LANGUAGES.values()}
    assert [int(number) for number in stated.groups()] == [len(LANGUAGES), len(scripts), len(samples())]

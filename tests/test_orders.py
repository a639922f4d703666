"""What is asked of a build, and where its artifact stands."""

import json
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from data_folders import text_file, training_file

from mma_core import machine, orders, shelf
from mma_core.__main__ import _parse
from mma_core.orders import Order
from mma_core.recipe import BUDGETS, Kind, Recipe, Step, parse


def test_key_follows_all_that_matters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order = Order(parse("vocab:de,en+int8"), "a")
    folders = [text_file(tmp_path / name, "de", content) for name, content in zip("abc", "xyx", strict=True)]
    same = Order(parse("int8+vocab:en,de"), "a name says nothing")
    assert same.key("0") == order.key("0")
    keys = [
        order.key("0"),
        order.key("1"),
        Order(parse("vocab:de+int8"), "a").key("0"),
        Order(parse("vocab:de,en"), "a").key("0"),
        Order(order.recipe, "a", folders[0]).key("0"),
        Order(order.recipe, "a", folders[1]).key("0"),
        Order(order.recipe, "a", None, ("de",)).key("0"),
    ]
    monkeypatch.setattr(machine, "has_vnni", lambda: True)
    portable = Order(order.recipe, "a", portable=True)
    assert portable.key("0") != order.key("0")
    monkeypatch.setattr(machine, "has_vnni", lambda: False)
    assert portable.key("0") == order.key("0")
    monkeypatch.undo()
    other_cpu = not machine.has_vnni()
    monkeypatch.setattr(machine, "has_vnni", lambda: other_cpu)
    keys.append(order.key("0"))
    monkeypatch.setattr(orders, "versions", lambda: {"torch": "0"})
    keys.append(order.key("0"))
    assert len(set(keys)) == len(keys) == 9
    monkeypatch.undo()
    assert Order(order.recipe, "a", folders[0]).key("0") == Order(order.recipe, "a", folders[2]).key("0")
    one, other = (Order(order.recipe, "a", None, codes) for codes in (("de", "en"), ("en", "de")))
    assert one.key("0") == other.key("0")


def ordered(command: str) -> Order:
    """The order that a command gives."""
    options = _parse(shlex.split(command)[3:])
    return Order(
        parse(options.recipe), options.teacher, options.data, options.languages, options.budget, options.portable
    )


@pytest.mark.parametrize(
    ("order", "command"),
    [
        (Order(parse("int8")), "build int8"),
        (
            Order(parse("layers:6"), "en", Path("data"), ("en",), "standard", True),
            "build layers:6 --teacher en --languages en --data data --budget standard --portable",
        ),
        (
            Order(parse("onnx"), "my teacher", languages=("sw", "de")),
            "build onnx --teacher 'my teacher' --languages sw,de",
        ),
    ],
)
def test_a_command_makes_its_order_again(order: Order, command: str) -> None:
    assert order.command() == f"python -m mma_core {command}"
    assert ordered(order.command()) == order


def test_a_command_names_data_without_its_place_and_no_budget_where_nothing_is_learnt(tmp_path: Path) -> None:
    order = Order(parse("int8"), data=tmp_path / "my data", budget="full")
    assert order.command() == "python -m mma_core build int8 --data 'my data'"


@pytest.mark.parametrize("path", sorted(shelf.SHIPPED.glob("*/recipe.json")), ids=lambda path: path.parent.name)
def test_the_command_of_a_shipped_artifact_makes_what_it_is(path: Path) -> None:
    manifest = json.loads(path.read_text(encoding="utf-8"))
    if "command" in manifest:
        again = ordered(manifest["command"])
        assert again.command() == manifest["command"]
        made = (str(again.recipe), again.teacher, list(again.languages), again.budget)
        assert made == tuple(manifest[name] for name in ("recipe", "teacher", "languages", "budget"))


@pytest.fixture
def learner() -> Iterator[Recipe]:
    """A recipe of one step that trains, which is registered for this test alone."""

    @dataclass(frozen=True)
    class Learner(Step):
        name, kind, title, example = "learner", Kind.PRUNE, "Learn", "learner"
        trains = True

    yield Recipe((Learner(),))
    del Step.registry["learner"]


def test_the_budget_counts_where_something_is_learnt(learner: Recipe) -> None:
    for recipe, keys in ((parse("int8"), 1), (learner, 3)):
        assert len({Order(recipe, "a", budget=budget).key("0") for budget in BUDGETS}) == keys
        assert Order(recipe, "a").key("0") == Order(recipe, "a", budget="quick").key("0")


def test_labels_count_where_something_is_learnt(tmp_path: Path, learner: Recipe) -> None:
    folders = [tmp_path / name for name in ("one", "same", "other", "more")]
    for folder in folders:
        tag = "B-PER" if folder.name == "other" else "O"
        training_file(folder, "wikiann", "de", f"Anna {tag}\n")
    training_file(folders[1], "transfer", "de", "Anna O\n")  # measures only
    training_file(folders[3], "uner", "de", "Anna O\n")
    one, same, other, more = (Order(learner, "a", folder).key("0") for folder in folders)
    assert one == same
    assert len({one, other, more}) == 3
    assert len({Order(parse("int8"), "a", folder).key("0") for folder in folders}) == 1


def test_key_follows_the_teacher(tiny_teacher: Callable[[str], Path]) -> None:
    one, other = (orders.folder_of(Order(parse("int8"), str(tiny_teacher(kind)))) for kind in ("bert", "distilbert"))
    assert one != other


def test_a_change_of_one_step_leaves_the_others_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    before = {text: (Order(parse(text), "a").key("0"), orders.revision(parse(text))) for text in ("int8", "onnx")}
    monkeypatch.setattr(Step.registry["int8"], "revision", 3)
    after = {text: (Order(parse(text), "a").key("0"), orders.revision(parse(text))) for text in ("int8", "onnx")}
    assert after["onnx"] == before["onnx"]
    assert after["int8"][0] != before["int8"][0]
    assert after["int8"][1] == before["int8"][1] + 3

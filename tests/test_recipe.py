import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import Field, dataclass, fields

import pytest
from hypothesis import given
from hypothesis import strategies as st
from several import crossed, several

from mma_core import recipe
from mma_core.errors import RecipeError
from mma_core.languages import LANGUAGES
from mma_core.recipe import Form, Kind, Recipe, Step, argument, form_of, parse

REGISTERED = dict(Step.registry)
SINGLE = (Kind.STUDENT, Kind.PRECISION)


def steps_of(kind: type[Step]) -> st.SearchStrategy[Step]:
    """Any legal step of one registered class, from its own declaration."""
    return st.builds(kind, **{declared.name: _values(declared) for declared in fields(kind)})


def _values(declared: Field) -> st.SearchStrategy[object]:
    about, code = declared.metadata, st.sampled_from(sorted(LANGUAGES))
    values: dict[Form, st.SearchStrategy[object]] = {
        Form.WHOLE: st.integers(int(about["low"]), int(about["high"])),
        Form.NUMBER: st.floats(about["low"], about["high"]),
        Form.CHOICE: st.sampled_from(about["choices"] or ("",)),
        Form.LANGUAGE: code,
        Form.LANGUAGES: st.lists(code, min_size=1, max_size=4).map(tuple),
        Form.WORD: st.booleans(),
    }
    return values[form_of(declared)]


@st.composite
def legal_steps(draw: st.DrawFn) -> list[Step]:
    """One base step, or steps of different names with at most one student and one precision; in any order."""
    if draw(st.booleans()):
        return [draw(steps_of(draw(st.sampled_from([s for s in REGISTERED.values() if s.kind is Kind.BASE]))))]
    chosen: list[type[Step]] = []
    for kind in list(Kind)[1:]:
        named = [step for step in REGISTERED.values() if step.kind is kind]
        most = min(1, len(named)) if kind in SINGLE else len(named)
        chosen += draw(st.lists(st.sampled_from(named), unique=True, max_size=most)) if named else []
    excluded = {name for step in chosen for name in step.excludes}
    chosen = [step for step in chosen if step.name not in excluded] or [REGISTERED["int8"]]
    return draw(st.permutations(_with_own_vocabulary(draw, [draw(steps_of(step)) for step in chosen])))


def _with_own_vocabulary(draw: st.DrawFn, steps: list[Step]) -> list[Step]:
    """The steps, with a vocabulary of languages that a student still has."""
    left = [code for step in steps if step.kind is Kind.STUDENT for code in getattr(step, "languages", ())]
    codes = st.lists(st.sampled_from(left or ["de"]), min_size=1).map(tuple)
    return [type(step)(*[draw(codes)]) if left and step.kind is Kind.VOCAB else step for step in steps]


@given(legal_steps())
def test_a_recipe_is_its_spelling(steps: list[Step]) -> None:
    made = recipe.of(steps)
    assert parse(str(made)) == made
    assert str(parse(str(made))) == str(made)


@given(legal_steps(), st.randoms(use_true_random=False))
def test_any_order_and_any_spacing_give_the_same_recipe(steps: list[Step], chance: random.Random) -> None:
    shuffled = [str(step).replace(":", " : ").replace(",", ", ") for step in chance.sample(steps, len(steps))]
    assert parse(" + ".join(shuffled)) == recipe.of(steps)


@given(legal_steps())
def test_every_step_is_applied_once_in_the_order_of_kinds(steps: list[Step]) -> None:
    made = recipe.of(steps)
    applied = [*made.before_export, *made.after_export]
    assert sorted(applied, key=lambda step: step.kind) == applied
    assert {str(step) for step in applied} == {str(step) for step in steps if step.kind is not Kind.BASE}
    assert made.engine in {"onnxruntime", "openvino"}
    assert made.is_teacher == (str(made) == "teacher")


@pytest.mark.parametrize("step", REGISTERED.values(), ids=lambda step: step.name)
def test_a_steps_example_is_legal_and_canonical(step: type[Step]) -> None:
    made = parse(step.example)
    assert [type(part) for part in made.steps] == [step]
    assert str(made) == step.example


@pytest.mark.parametrize(
    "text", ["bistil:en,sw+vocab:en,sw", "bistil:en,sw+vocab:sw", "layers:6+vocab:de,fr", "time:de,s+vocab:de"]
)
def test_a_vocabulary_may_be_of_languages_that_are_left(text: str) -> None:
    assert str(parse(text)) == text


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("layers:6+int8", ()),
        ("vocab:de,en+int8", ("de", "en")),
        ("bistil:en,sw+vocab:sw", ("sw",)),
        ("time:de,s", ("de",)),
    ],
)
def test_a_recipe_is_for_the_languages_that_it_leaves(text: str, codes: tuple[str, ...]) -> None:
    assert parse(text).languages == codes


def test_languages_are_sorted_and_named_once() -> None:
    assert str(parse("vocab:en,de,en+layers:6")) == "layers:6+vocab:de,en"


@pytest.mark.parametrize(
    ("text", "at_fault", "accepted"),
    [
        ("", "''", "known: "),
        ("int9", "int9", "int8"),
        ("int8+", "''", "known: "),
        ("layers", "step layers: takes 1", "layers:6"),
        ("layers:", "step layers: takes 1", "layers:6"),
        ("layers:2,3", "layers:2,3", "layers:6"),
        ("layers:six", "layers:six", "layers:6"),
        ("layers:0", "layers:0", "from 1 to 48"),
        ("layers:49", "layers:49", "from 1 to 48"),
        ("layers:" + "9" * 400, "layers:999", "from 1 to 48"),
        ("layers:" + "9" * 5000, "layers:999", "layers:6"),
        ("int8:4", "int8:4", "int8"),
        ("vocab", "step vocab: takes 1", "vocab:de,en"),
        ("vocab:de,", "vocab:de,", "''"),
        ("vocab:de,xx", "vocab:de,xx", "known: "),
        ("int8+int8", "int8", "at most one step of a name"),
        ("layers:2+layers:3", "layers:3", "at most one step of a name"),
        ("int8+int8static", "int8static", "at most one precision"),
        ("teacher+onnx", "teacher", "at most one base"),
        ("teacher+int8", "step teacher", "int8"),
        ("onnx+layers:2", "step onnx", "layers:2"),
        (
            "vocab:de,en+time:de,s",
            "step vocab:de,en: time:de,s has cut",
            "no en; accepted are its languages, or no vocab",
        ),
        ("bistil:en,sw+vocab:de,fr,sw+int8", "step vocab:de,fr,sw", "to en, sw already, which leaves no de, fr"),
    ],
)
def test_an_illegal_recipe_names_the_step_and_what_is_accepted(text: str, at_fault: str, accepted: str) -> None:
    with pytest.raises(RecipeError) as caught:
        parse(text)
    message = str(caught.value)
    assert at_fault in message
    assert accepted in message
    assert "\n" not in message
    assert len(message) < 600


def test_no_languages_at_all_are_refused() -> None:
    with pytest.raises(ValueError, match="Languages kept"):
        REGISTERED["vocab"](())


@given(st.data())
def test_arguments_of_every_kind_are_their_spelling(data: st.DataObject) -> None:
    with several() as step, crossed() as other:
        for kind in (step, other):
            made = data.draw(steps_of(kind))
            assert parse(str(made)) == Recipe((made,))
            assert parse(str(made).replace(kind.separator, f" {kind.separator} ")) == Recipe((made,))


def test_a_word_is_there_or_not() -> None:
    with several() as step, crossed() as other:
        assert str(step(2, "de", "s", True)) == "several:2,de,s,loud"
        assert str(step(2, "de", "s", False)) == "several:2,de,s"
        assert str(other(6, 384)) == "crossed:6x384"


@pytest.mark.parametrize(
    ("text", "at_fault"),
    [
        ("several:2,de,l", "Size 'l' is not one of s, m"),
        ("several:2,de,s,loud,s", "takes 4 arguments, not 5"),
        ("several:2,qq,s", "unknown language 'qq'"),
        ("several:2,de,s,quiet", "Loud is spelled loud or left out, not 'quiet'"),
        ("several:2,de,s,", "Loud is spelled loud or left out, not ''"),
        ("several:2,de,s,True", "Loud is spelled loud or left out, not 'True'"),
        ("several:2,de", "takes 4 arguments, not 2"),
        ("several:0,de,s", "Depth 0 is not from 1 to 48"),
        ("several", "takes 4 arguments, not 0"),
    ],
)
def test_an_argument_of_any_kind_that_does_not_fit_is_named(text: str, at_fault: str) -> None:
    with several() as step, pytest.raises(RecipeError) as caught:
        parse(text)
    assert at_fault in str(caught.value)
    assert f"accepted is, for example, {step.example}" in str(caught.value)


def test_a_step_may_exclude_another(monkeypatch: pytest.MonkeyPatch) -> None:
    with several() as step, crossed():
        assert str(parse("several:2,de,s+crossed:6x384")) == "crossed:6x384+several:2,de,s"
        monkeypatch.setattr(step, "excludes", ("crossed",))
        with pytest.raises(RecipeError, match="step several:2,de,s does not go with crossed:6x384; leave one"):
            parse("several:2,de,s+crossed:6x384")


@pytest.mark.parametrize(
    ("text", "at_fault"),
    [
        ("crossed:6,384", "takes 2 arguments, not 1"),
        ("crossed:6x", "Width '' is no whole number"),
        ("crossed:6x4", "Width 4 is not from 8 to 4096"),
    ],
)
def test_a_step_may_have_a_separator_of_its_own(text: str, at_fault: str) -> None:
    with crossed(), pytest.raises(RecipeError, match=f"step {text}: {at_fault}.*for example, crossed:6x384"):
        parse(text)


@contextmanager
def registered() -> Iterator[type[Step]]:
    """A step with two arguments of different types, registered for the block."""

    @dataclass(frozen=True)
    class Thinned(Step):
        name, kind, title, example = "thinned", Kind.PRUNE, "Thinned", "thinned:0.5,3"
        summary, paper = "A step of the tests.", ("none", "https://example.org")
        share: float = argument("Share", low=0.5, high=0.98, start=0.5)
        rounds: int = argument("Rounds", low=1, high=10_000_000, start=3)

    try:
        yield Thinned
    finally:
        del Step.registry["thinned"]


@pytest.fixture
def thinned() -> Iterator[type[Step]]:
    with registered() as step:
        yield step


@given(share=st.floats(0.5, 0.98), rounds=st.integers(1, 10_000_000))
def test_no_digit_of_an_argument_is_lost(share: float, rounds: int) -> None:
    with registered() as step:
        assert parse(str(step(share, rounds))) == Recipe((step(share, rounds),))


def test_two_steps_of_one_name_are_refused_and_a_reload_is_not(thinned: type[Step]) -> None:
    with pytest.raises(TypeError, match="two steps are named 'thinned'"):
        type("Other", (Step,), {"name": "thinned", "__qualname__": "Other"})
    again = type("Thinned", (Step,), {"name": "thinned", "__qualname__": thinned.__qualname__})
    assert Step.registry["thinned"] is again


def test_whole_numbers_are_spelled_without_a_fraction(thinned: type[Step]) -> None:
    assert str(thinned(0.5, 3)) == "thinned:0.5,3"
    with pytest.raises(RecipeError, match=r"Share 0\.4 is not from 0.5 to 0\.98"):
        parse("thinned:0.4,3")
    with pytest.raises(RecipeError, match="Share nan"):
        parse("thinned:nan,3")

import dataclasses
import json
from pathlib import Path

import pytest
import robustness_rows
from hypothesis import given
from hypothesis import strategies as st
from rows import row as factory

from mma_core.errors import DataError
from mma_core.results import (
    COLUMNS,
    MANY_SETS,
    SCHEMA,
    Measurement,
    Robustness,
    append,
    averages,
    comparable,
    frontier,
    read,
    rows,
)

ROW = factory()
labels = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
numbers = st.floats(allow_nan=False, allow_infinity=False)
measurements = st.builds(
    dataclasses.replace,
    st.just(ROW),
    **{"recipe": labels, "teacher": labels, "cpu": labels, "command": labels, "f1": numbers, "words": st.integers()},
    **{"per_type": st.dictionaries(labels, numbers, max_size=3)},
)


@given(rows=st.lists(measurements, max_size=5))
def test_what_is_appended_is_read_and_of_equal_keys_the_last_stands(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Measurement]
) -> None:
    path = tmp_path_factory.mktemp("results") / "new" / "rows.jsonl"
    append(path, rows[:2])
    append(path, rows[2:])
    newest = {row.key: row for row in rows}
    assert read(path) == list(newest.values())


PERTURBED = robustness_rows.row("int8", 0.5, 60.0)


def test_a_table_of_the_other_kind(tmp_path: Path) -> None:
    path = tmp_path / "robustness.jsonl"
    newer = dataclasses.replace(PERTURBED, f1=61.0)
    others = [dataclasses.replace(PERTURBED, strength=1.0), dataclasses.replace(PERTURBED, perturbation="caps")]
    append(path, [PERTURBED, *others, newer])
    assert rows(path, Robustness) == [newer, *others]
    with pytest.raises(DataError, match="is not a measurement"):
        read(path)


@pytest.mark.parametrize("left", [1, 30, 400])
def test_what_a_killed_writer_left_is_no_row(tmp_path: Path, left: int) -> None:
    path, second = tmp_path / "rows.jsonl", dataclasses.replace(ROW, recipe="onnx")
    append(path, [ROW])
    with path.open("ab") as table:
        table.write(path.read_bytes()[:left])
    assert read(path) == [ROW]
    append(path, [second])
    assert read(path) == [ROW, second]


def test_a_last_line_without_a_break_is_a_row(tmp_path: Path) -> None:
    path, second = tmp_path / "rows.jsonl", dataclasses.replace(ROW, recipe="onnx")
    append(path, [ROW])
    path.write_bytes(path.read_bytes().rstrip(b"\n"))
    assert read(path) == [ROW]
    append(path, [second])
    assert read(path) == [ROW, second]


def test_every_field_has_a_label() -> None:
    assert all(metadata["label"] for metadata in COLUMNS.values())
    assert all(column.metadata["label"] for column in dataclasses.fields(Robustness))
    assert list(COLUMNS) == list(dataclasses.asdict(ROW))


def test_a_missing_table_is_empty(tmp_path: Path) -> None:
    assert read(tmp_path / "none.jsonl") == []


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        "7",
        json.dumps({"recipe": "int8", "schema": SCHEMA}),
        json.dumps({**dataclasses.asdict(ROW), "more": 1}),
        "\udcff\udcfe",
    ],
    ids=["cut", "list", "number", "fields missing", "field unknown", "no text"],
)
def test_a_damaged_line_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "rows.jsonl"
    append(path, [ROW])
    with path.open("a", encoding="utf-8", errors="surrogateescape") as table:
        table.write(f"\n{line}\n")
    append(path, [ROW])
    with pytest.raises(DataError, match=r"rows\.jsonl:3 is not a measurement"):
        read(path)


def test_a_table_of_another_version_is_named_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    old = {name: value for name, value in dataclasses.asdict(ROW).items() if name != "schema"}
    for line in (old, {**old, "schema": SCHEMA + 1}):
        path.write_text(json.dumps(line) + "\n", encoding="utf-8")
        with pytest.raises(DataError, match=r"rows\.jsonl:1 was written by another version.*move the file away"):
            read(path)


def test_threads_make_another_measurement(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    append(path, [ROW, dataclasses.replace(ROW, threads=1), dataclasses.replace(ROW, f1=1.0)])
    assert [(found.threads, found.f1) for found in read(path)] == [(2, 1.0), (1, ROW.f1)]


points = st.tuples(st.integers(0, 6).map(float), st.integers(0, 6).map(float))


@given(st.lists(points, max_size=12))
def test_frontier_is_what_no_other_point_beats(given_points: list[tuple[float, float]]) -> None:
    def beaten(point: tuple[float, float]) -> bool:
        return any(other != point and other[0] >= point[0] and other[1] >= point[1] for other in given_points)

    found = frontier(given_points)
    assert sorted(found) == [index for index, point in enumerate(given_points) if not beaten(point)]
    speeds = [given_points[index][0] for index in found]
    assert speeds == sorted(speeds)


def row(recipe: str, language: str, **values: object) -> Measurement:
    return factory(recipe, language=language, **values)


def test_averages_take_only_the_sets_that_all_recipes_share() -> None:
    rows = [
        row("teacher", "de", f1=80.0, retention=100.0, speedup=1.0, words_per_s=1000.0, size_mb=470.0),
        row("teacher", "sw", f1=60.0, retention=100.0, speedup=1.0, words_per_s=1000.0, size_mb=470.0),
        row("teacher", "zh", f1=10.0, retention=100.0, speedup=1.0, words_per_s=1000.0, size_mb=470.0),
        row("int8", "de", f1=76.0, retention=95.0, speedup=2.0, words_per_s=2000.0, size_mb=120.0),
        row("int8", "sw", f1=51.0, retention=85.0, speedup=8.0, words_per_s=8000.0, size_mb=120.0),
    ]
    teacher, int8 = averages(rows)
    assert (teacher.recipe, teacher.f1, teacher.retention, teacher.speedup, teacher.sets) == ("teacher", 70, 100, 1, 2)
    assert (int8.recipe, int8.f1, int8.size_mb, int8.sets) == ("int8", 63.5, 120.0, 2)
    assert int8.retention == pytest.approx(100 * 63.5 / 70)
    assert int8.speedup == pytest.approx(4.0)
    assert int8.words_per_s == pytest.approx(4000.0)


def test_a_recipe_for_few_languages_has_no_average_and_costs_the_others_none() -> None:
    everywhere = [row(recipe, code) for recipe in ("teacher", "int8") for code in ("de", "sw", "zh")]
    found = averages([*everywhere, row("time:sw,s", "sw")])
    assert [(one.recipe, one.sets) for one in found] == [("teacher", 3), ("int8", 3)]


PLACES = [(code, "uner") for code in ("de", "sw", "zh", "fi")]


def test_who_has_few_sets_or_none_in_common_is_not_compared() -> None:
    german, swahili, chinese, _ = PLACES
    assert comparable({}) == ([], [])
    assert comparable({"teacher": PLACES}) == (["teacher"], sorted(PLACES))
    assert comparable({"few": [swahili], "int8": PLACES[:3], "teacher": PLACES}) == (
        ["int8", "teacher"],
        [german, swahili, chinese],
    )
    assert comparable({"half": [swahili], "int8": [german, swahili]}) == (["half", "int8"], [swahili])
    many = [(str(number), "uner") for number in range(40)]
    assert comparable({"some": many[:MANY_SETS], "int8": many})[1] == sorted(many[:MANY_SETS])
    assert comparable({"few": many[: MANY_SETS - 1], "int8": many}) == (["int8"], sorted(many))
    apart = {"one": [german], "two": [german, swahili], "other": [chinese]}
    assert comparable(apart) == (["one", "two"], [german])


def test_only_the_teachers_sets_count_and_few_of_them_are_better_than_none() -> None:
    elsewhere = {"teacher": PLACES[:1], "int8": PLACES, "onnx": PLACES[:1], "other": PLACES[1:]}
    assert comparable(elsewhere) == (["teacher", "int8", "onnx"], PLACES[:1])
    assert comparable({"teacher": PLACES, "time:sw,s": PLACES[1:2]}) == (["teacher", "time:sw,s"], PLACES[1:2])


places = st.sets(st.sampled_from(PLACES), min_size=1)


@given(st.dictionaries(st.sampled_from(["teacher", "int8", "onnx", "bf16", "layers:6"]), places, min_size=1))
def test_the_compared_share_their_sets_and_the_teacher_is_one_of_them(measured: dict[str, set]) -> None:
    recipes, common = comparable(measured)
    assert common
    assert set(common) == set.intersection(*(measured[recipe] for recipe in recipes))
    assert ("teacher" in recipes) == ("teacher" in measured)


def test_a_set_on_which_nothing_was_kept_counts_as_nothing() -> None:
    rows = [row("layers:1", "de", f1=80.0, retention=100.0), row("layers:1", "sw", f1=0.0, retention=0.0)]
    assert averages(rows)[0].retention == 50.0
    assert averages([*rows, row("teacher", "de", f1=0.0), row("teacher", "sw", f1=0.0)])[0].retention == 50.0


def test_teachers_are_averaged_apart() -> None:
    rows = [row("int8", "de"), row("int8", "sw", teacher="other"), row("onnx", "sw", teacher="other")]
    assert [(average.teacher, average.recipe) for average in averages(rows)] == [
        ("multi", "int8"),
        ("other", "int8"),
        ("other", "onnx"),
    ]


def test_nothing_averages_to_nothing() -> None:
    assert averages([]) == []

"""One's own sentences are measured, and little is not made to look like much."""

import lzma
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import gradio as gr
import pytest
from rows import row

from mma_core.data import Corpus
from mma_core.measure import bench
from mma_core.results import Measurement
from mma_core.ui import build_app, own_sentences

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning", "ignore::UserWarning")

TWENTY = [[1, 1, 1]] * 18 + [[0, 1, 1]] * 2
LOST_ONE = [[1, 1, 1]] * 17 + [[0, 1, 1]] * 3
LOST_ALL = [[0, 1, 1]] * 20


def measured(recipe: str, counts: list[list[int]], **changes: Any) -> Measurement:
    return row(recipe, counts=counts, sentences=len(counts), **changes)


def test_few_sentences_do_not_tell_much_apart() -> None:
    rows = [measured("teacher", TWENTY, f1=90.0), measured("int8", LOST_ONE), measured("layers:1", LOST_ALL)]
    first, int8, layers = own_sentences.verdicts(rows)
    assert "20 sentences with 20 entities: the teacher's F1 is 90.0, true value likely between 88 and 91" in first
    assert "int8: these sentences do not tell it from the teacher, −5.0 [" in int8
    assert "layers:1: surely worse than the teacher, −90.0 [" in layers
    assert "surely better" in own_sentences.verdicts([rows[2], rows[0]])[1]


def test_the_table_has_a_row_a_recipe() -> None:
    table = own_sentences.cells([measured("teacher", TWENTY), measured("int8", LOST_ONE)])
    (teacher, int8) = table["data"]
    assert len(teacher) == len(int8) == len(table["headers"])
    assert (teacher[0], teacher[2], teacher[3]) == ("teacher", "", "")
    assert int8[2].startswith("−5.0 [")


def test_pasted_sentences_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def fake(recipes: Sequence[Any], corpora: Sequence[Corpus], **settings: Any) -> Iterator[Measurement]:
        (corpus,) = corpora
        asked.append(settings["teacher"])
        counts = [[1, 1, 1]] * len(corpus.sentences)
        yield from (measured(str(recipe), counts, language=corpus.language) for recipe in recipes)

    monkeypatch.setattr(bench, "bench", fake)
    said, table = own_sentences.measure(own_sentences.SAMPLE, "de", "int8 onnx", progress=MagicMock())
    assert "1 sentence with 1 entity" in said
    assert [cells[0] for cells in table["data"]] == ["teacher", "int8", "onnx"]
    own_sentences.measure(own_sentences.SAMPLE, "de", "int8", "en", MagicMock())
    assert asked == ["multi", "en"]


@pytest.mark.parametrize(
    ("text", "recipes", "message"),
    [
        ("", "int8", "Your text has 0 sentences: paste from 1 to"),
        ("a\tO\n\n" * 1001, "int8", "has 1,001 sentences"),
        ("Ada\tB-PER\nx\n", "int8", "Your text:2: expected a token and a tag"),
        ("<i>\tB-GPE\n", "int8", "Your text:1: tag &#x27;B-GPE&#x27; is not one of"),
        ("Ada\tB-PER\n", "", "type one recipe or more"),
    ],
)
def test_what_cannot_be_measured_is_a_notice(text: str, recipes: str, message: str) -> None:
    with pytest.raises(gr.Error, match=r"(?i)" + message):
        own_sentences.measure(text, "de", recipes, progress=MagicMock())


def test_a_file_becomes_text(tmp_path: Path) -> None:
    path = tmp_path / "own.conll"
    path.write_text(own_sentences.SAMPLE, encoding="utf-8")
    assert own_sentences.load(str(path)) == own_sentences.SAMPLE
    path.write_bytes(b"\xff\xfe\xff")
    with pytest.raises(gr.Error, match="not UTF-8"):
        own_sentences.load(str(path))


def test_it_stands_in_the_compare_tab() -> None:
    blocks = build_app().get_config_file()["components"]
    assert [one for one in blocks if one["props"].get("elem_id") == "mma-own-sentences"]


def test_a_file_that_unpacks_to_more_than_can_be_measured_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "own.conll.xz"
    path.write_bytes(lzma.compress(b"a\tO\n" * own_sentences.MOST_CHARACTERS))
    with pytest.raises(gr.Error, match="over 2,000,000 characters: upload up to 1,000 sentences"):
        own_sentences.load(str(path))


@pytest.mark.parametrize("odd", ["a\u2028b", "a\x85b", "a\x0cb", "a\x1eb"])
def test_lines_end_where_those_of_a_file_do(odd: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fake(_recipes: Sequence[Any], corpora: Sequence[Corpus], **_settings: Any) -> Iterator[Measurement]:
        assert [sentence.words for corpus in corpora for sentence in corpus.sentences] == [(odd, "c")]
        yield measured("teacher", [[1, 1, 1]])

    monkeypatch.setattr(bench, "bench", fake)
    assert (
        "1 sentence with" in own_sentences.measure(f"{odd}\tB-PER\r\nc\tO\r\n", "de", "int8", "multi", MagicMock())[0]
    )

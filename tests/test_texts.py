"""The text that a build may use."""

from pathlib import Path

import pytest
from data_folders import text_file, training_file

from mma_core import texts
from mma_core.data import Sentence
from mma_core.errors import DataError


def test_labelled_sentences(tmp_path: Path) -> None:
    for source, language in (("wikiann", "de"), ("wikiann", "ar"), ("uner", "de"), ("transfer", "de")):
        training_file(tmp_path, source, language, f"{source} O\n")
    found = texts.labelled(tmp_path, "a folder")
    assert found.keys() == {("uner", "de"), ("wikiann", "ar"), ("wikiann", "de")}, "the transfer set measures German"
    assert found["uner", "de"] == [Sentence(("uner",), ("O",))]
    assert texts.labelled(tmp_path, "multi").keys() == {("uner", "de"), ("wikiann", "de")}, "multi saw no Arabic"
    assert texts.labelled(None, "a folder") == texts.labelled(None, "multi") == {}, "they measure"
    with pytest.raises(DataError, match="holds no ner/"):
        texts.labelled(tmp_path / "elsewhere", "a folder")


def test_unlabelled_text(tmp_path: Path) -> None:
    found = texts.unlabelled(None, ("de", "ja"), 3)
    assert found.keys() == {"de", "ja"}
    assert all(len(sentences) == 3 for sentences in found.values())
    text_file(tmp_path, "de", "Ja, so.\nNein!\n")
    assert texts.unlabelled(tmp_path, (), 5) == {"de": [("Ja", ",", "so", "."), ("Nein", "!")]}
    with pytest.raises(DataError, match="no such file"):
        texts.unlabelled(tmp_path, ("fr",), 5)


def test_words_of_a_language(tmp_path: Path) -> None:
    counts = {"Ja": 2, ",": 2, "so": 2, ".": 1, "So": 1, "!": 1}
    text_file(tmp_path, "de", "Ja, so.\nSo, Ja so!\n")
    assert texts.word_counts(tmp_path, "de") == counts
    text_file(tmp_path, "zh", "他在北京 工作。\n")
    assert texts.word_counts(tmp_path, "zh") == {"他在北京工作。": 1}
    with pytest.raises(DataError, match="no such file"):
        texts.word_counts(tmp_path, "fr")
    listed = texts.word_counts(None, "de")
    assert listed["Berlin"] == 1
    assert set(listed.values()) == {1}


def test_words_are_counted_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text_file(tmp_path, "de", "Ja, so.\nÜber so!\n")
    counts = texts.word_counts(tmp_path, "de")
    with monkeypatch.context() as patch:
        patch.setattr(texts, "unlabelled", None)
        assert texts.word_counts(tmp_path, "de") == counts
        assert list(texts.word_counts(tmp_path, "de")) == list(counts), "in the order of the text"
    text_file(tmp_path, "de", "Nein.\n")
    assert texts.word_counts(tmp_path, "de") == {"Nein": 1, ".": 1}
    monkeypatch.setattr(texts, "REVISION", -1)
    monkeypatch.setattr(texts, "words", lambda _text, _code: [])
    assert texts.word_counts(tmp_path, "de") == {}, "another version may cut it otherwise"


def test_words_are_counted_where_nothing_can_be_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text_file(tmp_path, "de", "Nein.\n")
    (tmp_path / "file").touch()
    monkeypatch.setattr(texts, "cache_root", lambda: tmp_path / "file")
    assert texts.word_counts(tmp_path, "de") == {"Nein": 1, ".": 1}

import lzma
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mma_core import data
from mma_core.data import Corpus, Sentence, corpora, draw, read_conll, read_text
from mma_core.errors import DataError

TEXT = "Angela\tB-PER\nMerkel\tI-PER\nlacht\tO\n\n王\tB-PER\n"
SENTENCES = [Sentence(("Angela", "Merkel", "lacht"), ("B-PER", "I-PER", "O")), Sentence(("王",), ("B-PER",))]


def written(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(lzma.compress(content) if path.suffix == ".xz" else content)
    return path


@pytest.mark.parametrize("name", ["test.conll", "test.conll.xz"])
@pytest.mark.parametrize(
    "content",
    [
        TEXT,
        TEXT.replace("\n", "\r\n"),
        "\ufeff" + TEXT,
        "\n\n" + TEXT.replace("\n\n", "\n \n\n\n"),
        TEXT.rstrip("\n"),
        TEXT.replace("\t", " "),
        TEXT.replace("\t", "\tNN\t_\t"),
        TEXT.replace("\t", "   NN "),
        TEXT.replace("\t", " \t").replace("\n", " \n"),
        "-DOCSTART- -X- O O\n\n" + TEXT,
        "# sent_id = 1\n#\n" + TEXT.replace("\n\n", "\n\n# text = so\n"),
        "1\tAngela\tB-PER\n2\tMerkel\tI-PER\n3\tlacht\tO\n\n1\t王\tB-PER\n",
    ],
    ids=[
        "tabs",
        "crlf",
        "byte order mark",
        "more blank lines",
        "no last newline",
        "spaces",
        "columns",
        "more spaces",
        "spaces about tabs",
        "documents",
        "comments",
        "counted words",
    ],
)
def test_a_file_gives_its_sentences(tmp_path: Path, name: str, content: str) -> None:
    assert list(read_conll(written(tmp_path / name, content.encode()))) == SENTENCES


def test_numbers_that_do_not_count_the_words_are_words(tmp_path: Path) -> None:
    content = "1\tCD\tO\n3\tCD\tO\n\n1\tCD\tO\n\n#\tO\n1\tO\n"
    found = read_conll(written(tmp_path / "test.conll", content.encode()))
    assert [sentence.words for sentence in found] == [("1", "3"), ("1",), ("#", "1")]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("1\tAnna\t_\tB-PER\n\n1\tEva\t_\tB-PER\n2\tgeht\t_\tO\n", [("Anna",), ("Eva", "geht")]),
        ("1\tAnna\t_\tB-PER\n\n1\tEva\t_\tB-PER\n", [("Anna",), ("Eva",)]),
        ("1\tCD\tO\n", [("1",)]),
        ("1-2\tdu\tO\n1\tde\tO\n2\tle\tO\n3\tMacron\tB-PER\n3.1\t_\tO\n", [("de", "le", "Macron")]),
        ("3-0\tCD\tO\n1\tCD\tO\n", [("3-0", "1")]),
    ],
)
def test_what_counts_words_is_told_from_words(tmp_path: Path, content: str, words: list[tuple[str, ...]]) -> None:
    found = read_conll(written(tmp_path / "test.conll", content.encode()))
    assert [sentence.words for sentence in found] == words


@pytest.mark.parametrize(
    ("content", "line", "at_fault"),
    [
        ("a\tO\nb\tB-MISC\n", 2, "'B-MISC'"),
        ("a\tO\n\nb\n", 3, "'b'"),
        ("\tO\n", 1, "expected a token and a tag"),
        ("a\tO\r\nb\tX\r\n", 2, "'X'"),
        ("a\tO\n  b\n", 2, "expected a token and a tag"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, content: str, line: int, at_fault: str) -> None:
    path = written(tmp_path / "test.conll", content.encode())
    with pytest.raises(DataError) as caught:
        list(read_conll(path))
    assert f"{path}:{line}:" in str(caught.value)
    assert at_fault in str(caught.value)


def test_a_bad_tag_is_told_what_is_accepted(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="O, B-PER, I-PER, B-ORG, I-ORG, B-LOC, I-LOC"):
        list(read_conll(written(tmp_path / "test.conll", b"a\tB-DATE\n")))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("Angela\tI-PER\nMerkel\tI-PER\n", "1: I-PER continues no PER; .* an entity begins with B-PER"),
        ("in\tO\nBonn\tI-LOC\n", "2: I-LOC continues no LOC"),
        ("Bonn\tB-PER\nBeuel\tI-LOC\n", "2: I-LOC continues no LOC"),
        ("Bonn\tB-LOC\n\nBeuel\tI-LOC\n", "3: I-LOC continues no LOC"),
    ],
    ids=["first", "after no entity", "after another label", "after another sentence"],
)
def test_an_entity_that_does_not_begin_is_named(tmp_path: Path, content: str, said: str) -> None:
    with pytest.raises(DataError, match=rf"own\.conll:{said}"):
        list(read_conll(written(tmp_path / "own.conll", content.encode())))


def damaged(path: Path) -> Path:
    content = lzma.compress("".join(f"Wort{n}\tO\n" for n in range(5000)).encode())
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content[: len(content) // 2] if "short" in path.name else b"no xz" + content)
    return path


@pytest.mark.parametrize("name", ["short.conll.xz", "other.conll.xz"])
def test_a_damaged_xz_is_named(tmp_path: Path, name: str) -> None:
    path = damaged(tmp_path / name)
    with pytest.raises(DataError, match=name):
        list(read_conll(path))


def test_other_encodings_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"latin\.conll is not UTF-8"):
        list(read_conll(written(tmp_path / "latin.conll", "München\tB-LOC\n".encode("latin-1"))))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no such file: .*gone\.conll"):
        list(read_conll(tmp_path / "gone.conll"))


def test_corpora_are_found_by_source_and_language(tmp_path: Path) -> None:
    for name in ("uner/en/test.conll.xz", "uner/de/test.conll", "uner/de/train.conll", "uner/xx/test.conll", "a/sw/x"):
        written(tmp_path / "ner" / name, TEXT.encode())
    found = corpora(tmp_path, "test")
    assert [(corpus.source, corpus.language, corpus.split) for corpus in found] == [
        ("uner", "de", "test"),
        ("uner", "en", "test"),
    ]
    assert [corpus.sentences for corpus in found] == [SENTENCES, SENTENCES]


def test_a_folder_without_corpora_is_told_what_is_expected(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"ner/<source>/<language>/dev\.conll\.xz$"):
        corpora(tmp_path, "dev")
    for name in ("mine/xx", "mine/yy", "yours/xx"):
        written(tmp_path / "ner" / name / "dev.conll", TEXT.encode())
    with pytest.raises(DataError, match=r"dev\.conll\.xz in a known language, only in xx, yy$"):
        corpora(tmp_path, "dev")


@pytest.mark.parametrize(
    ("source", "language", "allowed"),
    [("wikineural", "de", True), ("transfer", "fi", True), ("transfer", "de", False), ("elsewhere", "de", False)],
)
def test_only_licensed_sources_train_shipped_weights(source: str, language: str, *, allowed: bool) -> None:
    assert data.may_train(Corpus(source, language, "train", Path())) is allowed


@given(st.lists(st.integers()), st.integers(1, 20), st.integers(0, 3))
def test_draw_keeps_order_and_repeats_itself(values: list[int], count: int, seed: int) -> None:
    numbered = list(enumerate(values))
    drawn = draw(numbered, count, seed)
    assert len(drawn) == min(count, len(values))
    assert drawn == sorted(set(drawn))
    assert set(drawn) <= set(numbered)
    assert draw(numbered, count, seed) == drawn


def test_draw_depends_on_the_seed() -> None:
    assert len({tuple(draw(list(range(1000)), 5, seed)) for seed in range(10)}) == 10


def test_read_text_draws_lines(tmp_path: Path) -> None:
    lines = [f"Satz {n}" for n in range(50)]
    written(tmp_path / "text" / "de.txt.xz", ("\n\n".join(lines) + "\n").encode())
    assert read_text(tmp_path, "de", 50, seed=1) == lines
    drawn = read_text(tmp_path, "de", 7, seed=1)
    assert len(drawn) == 7
    assert drawn == [line for line in lines if line in drawn]


def test_read_text_names_a_missing_or_damaged_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"de\.txt\.xz"):
        read_text(tmp_path, "de", 1, seed=1)
    written(tmp_path / "text" / "en.txt.xz", b"\n \n")
    with pytest.raises(DataError, match=r"en\.txt\.xz holds no sentence; delete it"):
        read_text(tmp_path, "en", 1, seed=1)
    content = lzma.compress(b"Satz\n" * 1000)
    (tmp_path / "text" / "fr.txt.xz").write_bytes(content[:40])
    with pytest.raises(DataError, match=r"fr\.txt\.xz"):
        read_text(tmp_path, "fr", 1, seed=1)

"""A shortlist cuts texts exactly as the whole tokenizer does."""

from pathlib import Path

import pytest
import tiny
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from mma_core import builtin
from mma_core.data import samples
from mma_core.pieces import join
from mma_core.shortlist import FEW_CHARACTERS, BriefTokenizer, Index, Pieces, read_index, write_index

SENTENCES = [join(sentence.words)[0] for corpus in samples() for sentence in corpus.sentences[:6]]
ODD = ["", " ", "  two  spaces ", "ﬁne Ⅷ ①", "a\u0301 ä ﷺ", "🙂🙃 ok", "\u200b\ufeff", "Ɛ Ɖ", "x" * 300, "ก็", "１２"]


@pytest.fixture(scope="module")
def whole() -> Tokenizer:
    """The built-in teacher's tokenizer."""
    return Tokenizer.from_file(str(builtin.unpack("multi") / "tokenizer.json"))


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Index:
    """The index of its pieces."""
    path = tmp_path_factory.mktemp("index") / "pieces.safetensors"
    write_index(builtin.unpack("multi") / "tokenizer.json", path)
    return read_index(path)


def plain(found: Pieces) -> tuple[list[int], list[tuple[int, int]]]:
    """The pieces as `tokenizers` gives them."""
    return found.ids.tolist(), [(begin, end) for begin, end in found.offsets.tolist()]


def check(index: Index, whole: Tokenizer, texts: list[str], *, specials: bool) -> None:
    ours = index.encode(texts, specials=specials)
    theirs = whole.encode_batch(texts, add_special_tokens=specials)
    assert [plain(one) for one in ours] == [(one.ids, one.offsets) for one in theirs]


@pytest.mark.parametrize("specials", [True, False])
def test_samples_of_every_script_are_cut_alike(index: Index, whole: Tokenizer, *, specials: bool) -> None:
    check(index, whole, SENTENCES, specials=specials)
    for text in (*SENTENCES[::7], *ODD):
        check(index, whole, [text], specials=specials)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), min_size=1, max_size=3))
def test_any_text_is_cut_alike(index: Index, whole: Tokenizer, texts: list[str]) -> None:
    if index.can_encode(texts):
        check(index, whole, texts, specials=False)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from([*"abcdeABC ,.", "▁", "der", "ing", "王", "ال"]), max_size=25).map("".join))
def test_pieces_that_overlap_are_cut_alike(index: Index, whole: Tokenizer, text: str) -> None:
    check(index, whole, [text], specials=True)


def test_what_might_be_cut_otherwise_is_refused(index: Index) -> None:
    assert index.can_encode(["a" * FEW_CHARACTERS])
    assert not index.can_encode(["a" * FEW_CHARACTERS, "b"])
    assert not index.can_encode(["who wrote <mask>?"])


def test_the_first_texts_are_brief_and_the_next_ones_whole(tmp_path: Path, whole: Tokenizer) -> None:
    path, index = builtin.unpack("multi") / "tokenizer.json", tmp_path / "pieces.safetensors"
    brief = BriefTokenizer(path, index)
    assert index.exists()
    assert plain(brief.encode("")) == (whole.encode("").ids, whole.encode("").offsets)
    for text in ("Merkel in Berlin", "Siemens"):
        ((one,), wanted) = brief.encode_batch([text]), whole.encode(text)
        assert plain(one) == (wanted.ids, wanted.offsets)
        assert ("_whole" in vars(brief)) == (text == "Siemens")


def test_a_special_that_is_spelled_out_takes_the_whole(tmp_path: Path, whole: Tokenizer) -> None:
    brief = BriefTokenizer(builtin.unpack("multi") / "tokenizer.json", tmp_path / "pieces.safetensors")
    ((one,), wanted) = brief.encode_batch(["a <mask> b"]), whole.encode("a <mask> b")
    assert plain(one) == (wanted.ids, wanted.offsets)


def test_pieces_are_cut_off_as_encodings_are(index: Index, whole: Tokenizer) -> None:
    (ours,) = index.encode(["Angela Merkel besuchte Siemens"], specials=False)
    theirs = whole.encode("Angela Merkel besuchte Siemens", add_special_tokens=False)
    ours.truncate(3)
    theirs.truncate(3)
    assert (*plain(ours), len(ours)) == (theirs.ids, theirs.offsets, 3)


@pytest.mark.parametrize("kind", ["bert", "xlm-roberta"])
def test_other_tokenizers_are_read_whole(tmp_path: Path, kind: str) -> None:
    # The small one of XLM-R's kind has specials that are no pieces of its model.
    path, index = tmp_path / "tokenizer.json", tmp_path / "pieces.safetensors"
    tiny.tokenizer(kind).save(str(path))
    (found,) = BriefTokenizer(path, index).encode_batch(["Merkel"])
    assert not index.exists()
    assert plain(found)[0] == tiny.tokenizer(kind).encode("Merkel").ids

from functools import cache

import numpy as np
import pytest
import tiny
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from mma_core.pieces import NO_PIECE, first_pieces, join

each_kind = pytest.mark.parametrize("model_type", tiny.MODEL_TYPES)
tokenizer = cache(tiny.tokenizer)
_SPACED = (
    "Angela",
    "München",
    "Rolls-Royce",
    "Москве",
    "وصلت",
    "e\u0301",
    ",",
    "(",
    "3:1",
    "Safaricom",
    "ﬁn",
    "कमल",
    "x",
    "Q",
)
_UNSPACED = ("王", "北", "京", "カ", "ー", "ガ", "น้", "ำ", "한", "。", "（", "１", "Ａ")
spaced = st.lists(st.sampled_from(_SPACED), min_size=1, max_size=10)
mixed = st.lists(st.sampled_from(_SPACED + _UNSPACED), max_size=12)


def aligned(built: Tokenizer, words: list[str]) -> tuple[str, np.ndarray, list[str], np.ndarray, np.ndarray]:
    """Text, borders, and of the pieces (no specials) their texts, offsets and each word's first."""
    text, borders = join(words)
    encoding = built.encode(text, add_special_tokens=False)
    offsets = np.array(encoding.offsets, dtype=np.int64).reshape(-1, 2)
    return text, borders, encoding.tokens, offsets, first_pieces(text, borders, offsets[:, 0])


@given(mixed)
def test_join_keeps_every_word_at_its_borders(words: list[str]) -> None:
    text, borders = join(words)
    assert [text[start:end] for start, end in borders] == words
    assert text.replace(" ", "") == "".join(words)
    assert "  " not in text
    assert text == text.strip()


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["Angela", "Merkel", "."], "Angela Merkel ."),
        (["王", "在", "北", "京", "。"], "王在北京。"),
        (["在", "Siemens", "工", "作"], "在 Siemens 工作"),
        (["サ", "ー", "バ", "ー"], "サーバー"),
        (["น้", "ำ", "ที่"], "น้ำที่"),
        (["２", "年"], "２年"),
        ([], ""),
    ],
)
def test_join_puts_spaces_only_where_the_script_has_them(words: list[str], text: str) -> None:
    assert join(words)[0] == text


@each_kind
@given(words=mixed)
def test_a_words_first_piece_is_the_first_that_touches_its_first_character(model_type: str, words: list[str]) -> None:
    text, borders, _, offsets, first = aligned(tokenizer(model_type), words)
    without_space = [(begin + text[begin : begin + 1].isspace(), end) for begin, end in offsets]
    for (start, _), found in zip(borders, first, strict=True):
        touching = [n for n, (begin, end) in enumerate(without_space) if begin <= start < max(end, begin + 1)]
        assert found == touching[0]


@each_kind
@given(words=spaced)
def test_spaced_words_align_as_words_that_are_tokenised_apart(model_type: str, words: list[str]) -> None:
    built = tokenizer(model_type)
    _, _, tokens, _, first = aligned(built, words)
    apart = built.encode(words, is_pretokenized=True, add_special_tokens=False)
    assert tokens == apart.tokens
    assert first.tolist() == [apart.word_ids.index(number) for number in range(len(words))]


def test_words_in_one_piece_share_it() -> None:
    text, borders = join(["北", "京", "市"])
    assert first_pieces(text, borders, np.array([0, 2])).tolist() == [0, 0, 1]


def test_a_space_that_belongs_to_the_next_word_is_no_part_of_the_last() -> None:
    text, borders = join(["ab", "cd", "ef"])
    assert first_pieces(text, borders, np.array([0, 2, 3, 5])).tolist() == [0, 1, 3]


def test_without_pieces_no_word_has_one() -> None:
    text, borders = join(["a", "b"])
    assert first_pieces(text, borders, np.array([], dtype=np.int64)).tolist() == [NO_PIECE, NO_PIECE]
    assert first_pieces("", *(np.zeros(shape, dtype=np.int64) for shape in ((0, 2), (0,)))).shape == (0,)


def test_a_word_before_all_pieces_has_none() -> None:
    text, borders = join(["\u200b", "b"])
    assert first_pieces(text, borders, np.array([2])).tolist() == [NO_PIECE, 0]

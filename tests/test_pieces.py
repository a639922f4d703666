import sys
from functools import cache

import numpy as np
import pytest
import regex
import tiny
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from mma_core import pieces as room
from mma_core import spans
from mma_core.pieces import NO_PIECE, first_pieces, join, join_all

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
    return text, borders, encoding.tokens, offsets, first_pieces(text, borders, offsets)


@given(mixed)
def test_join_keeps_every_word_at_its_borders(words: list[str]) -> None:
    text, borders = join(words)
    assert [text[start:end] for start, end in borders] == words
    assert text.replace(" ", "") == "".join(words)
    assert "  " not in text
    assert text == text.strip()


@given(st.lists(st.lists(st.sampled_from(["a", "wọn", "Ünal", "王", "明日", "ー", "กำ", "한", "🙂"]), min_size=1)))
def test_many_sentences_are_joined_as_each_by_itself(sentences: list[list[str]]) -> None:
    for found, sentence in zip(join_all(sentences), sentences, strict=True):
        text, borders = join(sentence)
        assert found[0] == text
        assert found[1].tolist() == borders.tolist()


def test_every_letter_that_is_written_without_spaces_is_looked_for() -> None:
    letters = "".join(map(chr, [*range(0xD800), *range(0xE000, sys.maxunicode + 1)]))
    for unspaced in (room._UNSPACED, spans._UNSPACED):
        assert all(map(spans.MAY_BE_UNSPACED.match, regex.findall(f"[{unspaced}]", letters)))


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
    assert first_pieces(text, borders, np.array([[0, 2], [2, 3]])).tolist() == [0, 0, 1]


def test_a_space_that_belongs_to_the_next_word_is_no_part_of_the_last() -> None:
    text, borders = join(["ab", "cd", "ef"])
    assert first_pieces(text, borders, np.array([[0, 2], [2, 4], [3, 5], [5, 8]])).tolist() == [0, 1, 3]


def test_without_pieces_no_word_has_one() -> None:
    text, borders = join(["a", "b"])
    nothing = np.zeros((0, 2), dtype=np.int64)
    assert first_pieces(text, borders, nothing).tolist() == [NO_PIECE, NO_PIECE]
    assert first_pieces("", nothing, nothing).shape == (0,)


def test_a_word_before_all_pieces_has_none() -> None:
    text, borders = join(["\u200b", "b"])
    assert first_pieces(text, borders, np.array([[2, 3]])).tolist() == [NO_PIECE, 0]


def test_a_word_dropped_in_mid_sentence_does_not_take_its_neighbours_piece() -> None:
    text, borders = join(["a", "\u200b", "b"])
    assert first_pieces(text, borders, np.array([[0, 1], [4, 5]])).tolist() == [0, NO_PIECE, 1]
    built = tokenizer("bert")
    _, _, tokens, _, first = aligned(built, ["Angela", "\u200b", "München"])
    assert first.tolist() == [0, NO_PIECE, tokens.index("M")]


@each_kind
@given(sentences=st.lists(mixed, min_size=1, max_size=4))
def test_texts_align_end_to_end_as_each_by_itself(model_type: str, sentences: list[list[str]]) -> None:
    base, pieces, wanted = 0, 0, []
    texts, all_borders, all_offsets = [], [], []
    for words in sentences:
        text, borders, _, offsets, first = aligned(tokenizer(model_type), words)
        wanted += [int(piece) + pieces if piece != NO_PIECE else NO_PIECE for piece in first]
        texts.append(text)
        all_borders.append(borders + base)
        all_offsets.append(offsets + base)
        base, pieces = base + len(text) + 1, pieces + len(offsets)
    found = first_pieces("\n".join(texts), np.concatenate(all_borders), np.concatenate(all_offsets))
    assert found.tolist() == wanted

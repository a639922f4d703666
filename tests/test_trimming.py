"""Trimmed vocabularies cut text as before, wherever they still can."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import pytest
import tiny
import torch
from builds import quiet
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers

from mma_core import checkpoint, trimming
from mma_core.errors import RecipeError

KINDS = {"WordPiece": "bert", "Unigram": "xlm-roberta", "BPE": "roberta"}
ALL = sorted({word for sentence in tiny.corpus() for word in sentence.words})
UNKNOWN = {tiny.WORDPIECE_SPECIALS.index("[UNK]"), tiny.ROBERTA_SPECIALS.index("<unk>")}

# Words of the corpus, parts and mixtures of them, and characters that no piece has.
words = st.one_of(
    st.sampled_from(ALL),
    st.text(st.sampled_from(sorted({character for word in ALL for character in word})), min_size=1, max_size=8),
    st.text(st.characters(exclude_categories=("Cs", "Cc", "Cn")), min_size=1, max_size=4),
)
texts = st.lists(words, min_size=1, max_size=6).map(" ".join)


@cache
def whole(kind: str) -> Tokenizer:
    return tiny.tokenizer(KINDS[kind])


def kept_ids(tokenizer: Tokenizer, kept_words: list[str]) -> list[int]:
    return trimming.kept_ids(tokenizer, [dict.fromkeys(kept_words, 1)])


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=100)
@given(kept_words=st.lists(st.sampled_from(ALL), max_size=12), text=texts)
def test_text_whose_pieces_were_kept_is_cut_as_before(kind: str, kept_words: list[str], text: str) -> None:
    before = whole(kind)
    kept = kept_ids(before, kept_words)
    after = trimming.renumbered(before, kept)
    old, new = before.encode(text), after.encode(text)
    if set(old.ids) <= set(kept):
        assert [kept[index] for index in new.ids] == old.ids
        assert (new.tokens, new.offsets) == (old.tokens, old.offsets)
        assert new.special_tokens_mask == old.special_tokens_mask
    assert UNKNOWN.isdisjoint({kept[index] for index in new.ids} - set(old.ids))


@pytest.mark.parametrize("kind", KINDS)
@given(kept_words=st.lists(st.sampled_from(ALL), min_size=1, max_size=12))
def test_kept_words_are_cut_as_before_anywhere(kind: str, kept_words: list[str]) -> None:
    before = whole(kind)
    after = trimming.renumbered(before, kept_ids(before, kept_words))
    text = " ".join(kept_words)
    assert after.encode(text).tokens == before.encode(text).tokens
    assert trimming.lossless_share(before, after, kept_words) == 1.0


@pytest.mark.parametrize("kind", KINDS)
@given(kept_words=st.lists(st.sampled_from(ALL), max_size=12))
def test_ids_are_contiguous_and_specials_stay(kind: str, kept_words: list[str]) -> None:
    before = whole(kind)
    kept = kept_ids(before, kept_words)
    after = trimming.renumbered(before, kept)
    vocabulary = after.get_vocab(with_added_tokens=True)
    assert sorted(vocabulary.values()) == list(range(len(kept)))
    assert kept == sorted(set(kept))
    assert all(before.id_to_token(old) == after.id_to_token(new) for new, old in enumerate(kept))
    specials = {token.content for token in before.get_added_tokens_decoder().values()}
    assert specials == {token.content for token in after.get_added_tokens_decoder().values()}
    assert specials <= vocabulary.keys()
    first, *_, last = after.encode("x").ids
    old_first, *_, old_last = before.encode("x").ids
    assert (kept[first], kept[last]) == (old_first, old_last)


@pytest.mark.parametrize("kind", KINDS)
def test_it_really_trims(kind: str) -> None:
    before = whole(kind)
    kept = kept_ids(before, ["Paris"])
    assert len(kept) < before.get_vocab_size()
    after = trimming.renumbered(before, kept)
    assert trimming.lossless_share(before, after, ALL) < 1.0
    assert trimming.lossless_share(before, after, []) == 1.0


def test_a_piece_is_kept_that_is_frequent_in_any_of_the_languages() -> None:
    before = Tokenizer(models.WordLevel({"[UNK]": 0, "often": 1, "seldom": 2, "other": 3}, unk_token="[UNK]"))
    before.pre_tokenizer = pre_tokenizers.Whitespace()
    # Each word is counted twice, at the start of a text and after a space.
    large = {"often": 999_999, "seldom": 1}
    assert trimming._frequent(before, large) == {1, 2}
    assert trimming._frequent(before, large | {"other": 1}) == {1}
    assert trimming._frequent(before, {"seldom": 1, "other": 1}) == {2, 3}


def test_characters_of_large_scripts_stay_where_the_language_has_them() -> None:
    characters = ["<unk>", "a", "ж", "中", "한", "か"]
    before = Tokenizer(models.Unigram([(piece, -1.0) for piece in characters], unk_id=0))

    def kept(codes: tuple[str, ...], used: str = "a") -> set[str]:
        counts = {used: 1}
        return {characters[index] for index in trimming.kept_ids(before, [counts], trimming.absent_scripts(codes))}

    assert kept(("de", "sw")) == {"<unk>", "a", "ж", "か"}
    assert kept(("de",), used="中") == {"<unk>", "a", "ж", "か", "中"}
    assert kept(("de", "zh")) == set(characters) - {"한"}
    assert kept(("ja",)) == set(characters) - {"한"}
    assert kept(("ko",)) == set(characters) - {"中"}


def world(kept_words: list[str]) -> SimpleNamespace:
    return SimpleNamespace(words=lambda code: dict.fromkeys(kept_words, 1), report=quiet)


@pytest.mark.parametrize("model_type", tiny.MODEL_TYPES)
def test_every_row_is_the_original_one(tiny_teacher: Callable[[str], Path], model_type: str) -> None:
    teacher = checkpoint.load(str(tiny_teacher(model_type)))
    trimmed = trimming.trim(teacher, ("de",), world(["Angela", "München"]))  # type: ignore[arg-type]
    rows, old_rows = (c.model.get_input_embeddings().weight for c in (trimmed, teacher))
    assert len(rows) == trimmed.tokenizer.get_vocab_size() == trimmed.config.vocab_size < len(old_rows)
    old_ids = teacher.tokenizer.get_vocab()
    for piece, index in trimmed.tokenizer.get_vocab().items():
        assert torch.equal(rows[index], old_rows[old_ids[piece]])
    pad = trimmed.config.pad_token_id
    assert trimmed.tokenizer.id_to_token(pad) == teacher.tokenizer.id_to_token(teacher.config.pad_token_id)
    assert trimmed.model.get_input_embeddings().padding_idx == pad


@pytest.mark.parametrize("model_type", tiny.MODEL_TYPES)
def test_same_logits_on_kept_text(tiny_teacher: Callable[[str], Path], model_type: str) -> None:
    teacher = checkpoint.load(str(tiny_teacher(model_type)))
    trimmed = trimming.trim(teacher, ("de",), world(["Angela", "München"]))  # type: ignore[arg-type]
    with torch.inference_mode():
        ours, theirs = (
            c.model(torch.tensor([c.tokenizer.encode("Angela München Angela").ids])).logits for c in (trimmed, teacher)
        )
    assert torch.allclose(ours, theirs, atol=1e-6)


def test_padding_that_positions_are_counted_from_must_not_move(tiny_teacher: Callable[[str], Path]) -> None:
    teacher = checkpoint.load(str(tiny_teacher("roberta")))
    kept = kept_ids(teacher.tokenizer, ["Angela"])
    longest = next(old for new, old in enumerate(kept) if new != old)
    gone = next(old for old in range(teacher.config.vocab_size) if old not in kept)
    for pad in (longest, gone):
        teacher.config.pad_token_id = pad
        with pytest.raises(RecipeError, match=f"step vocab: padding id {pad} would move, and roberta needs it there"):
            trimming.trim(teacher, ("de",), world(["Angela"]))  # type: ignore[arg-type]


def test_wordpiece_may_find_a_word_that_was_unknown() -> None:
    vocabulary = ["[UNK]", "a", "x", "ab", "##bc"]
    before = Tokenizer(models.WordPiece({piece: index for index, piece in enumerate(vocabulary)}, unk_token="[UNK]"))
    before.pre_tokenizer = pre_tokenizers.Whitespace()
    after = trimming.renumbered(before, kept_ids(before, ["xbc"]))
    assert after.encode("?").tokens == ["[UNK]"]
    assert before.encode("abc").tokens == ["[UNK]"]
    assert after.encode("abc").tokens == ["a", "##bc"]


def test_other_kinds_are_refused() -> None:
    with pytest.raises(RecipeError, match="a WordLevel tokenizer cannot be trimmed; accepted: WordPiece, Unigram, BPE"):
        kept_ids(Tokenizer(models.WordLevel({"a": 0, "b": 1}, unk_token="a")), ["a"])

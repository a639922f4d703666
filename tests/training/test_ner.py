from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
import torch
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers

from mma_core.data import TAGS, Corpus, Sentence, entities
from mma_core.errors import DataError
from mma_core.training import ner
from mma_core.training.loop import Settings
from mma_core.training.ner import (
    IGNORE,
    MAX_PIECES,
    Labelled,
    collate,
    cut_words,
    encode,
    labelled,
    prefix_entities,
    swap_entities,
)
from mma_core.training.plans import Mixture, Stage


@pytest.mark.parametrize("model_type", tiny.MODEL_TYPES)
def test_each_word_is_labelled_at_its_first_piece(model_type: str, tiny_corpus: list[Sentence]) -> None:
    built = tiny.tokenizer(model_type)
    spaced = [sentence for sentence in tiny_corpus if "王" not in sentence.words]
    for sentence, (ids, labels) in zip(spaced, encode(built, spaced), strict=True):
        apart = built.encode(list(sentence.words), is_pretokenized=True)
        assert ids.tolist() == apart.ids
        word_ids = apart.word_ids
        first = [number is not None and word_ids.index(number) == place for place, number in enumerate(word_ids)]
        assert (labels != IGNORE).tolist() == first
        assert [TAGS[label] for label in labels[first]] == list(sentence.tags)


def test_of_two_words_in_one_piece_the_earlier_gives_the_label() -> None:
    built = Tokenizer(models.Unigram([("<unk>", 0.0), ("▁在", -1.0), ("北京", -1.0), ("市", -1.0)], unk_id=0))
    built.pre_tokenizer = pre_tokenizers.Metaspace()
    sentence = Sentence(("在", "北", "京", "市"), ("O", "B-LOC", "I-LOC", "I-LOC"))
    [(ids, labels)] = encode(built, [sentence])
    assert [built.id_to_token(piece) for piece in ids] == ["▁在", "北京", "市"]
    assert [TAGS[label] for label in labels] == ["O", "B-LOC", "I-LOC"]


def test_what_is_too_long_is_cut() -> None:
    sentence = Sentence(("Angela",) * 200, ("B-PER",) * 200)
    [(ids, labels)] = encode(tiny.tokenizer("bert"), [sentence])
    assert len(ids) == len(labels) == MAX_PIECES


def test_a_batch_is_padded_to_its_longest() -> None:
    encoded = [(np.array([5, 6, 7]), np.array([IGNORE, 1, 0])), (np.array([8]), np.array([2]))]
    batch = collate(encoded, pad=3)
    assert batch["input_ids"].tolist() == [[5, 6, 7], [8, 3, 3]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1], [1, 0, 0]]
    assert batch["labels"].tolist() == [[IGNORE, 1, 0], [2, IGNORE, IGNORE]]
    assert {tensor.dtype for tensor in batch.values()} == {torch.int64}


PIECES = tiny.tokenizer("xlm-roberta")


def written(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / "ner" / name / "train.conll"
        path.parent.mkdir(parents=True)
        path.write_text("Angela\tB-PER\n\nhier\tO\n", encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("mixture", "expected"),
    [
        (Mixture(), [("transfer", "fi"), ("wikineural", "de"), ("wikineural", "en")]),
        (Mixture(sources=("wikineural",)), [("wikineural", "de"), ("wikineural", "en")]),
        (Mixture(languages=("en",)), [("wikineural", "en")]),
    ],
)
def test_only_licensed_corpora_of_the_mixture_are_read(
    tmp_path: Path, mixture: Mixture, expected: list[tuple[str, str]]
) -> None:
    read = labelled(written(tmp_path, "wikineural/de", "wikineural/en", "transfer/de", "transfer/fi"), mixture, PIECES)
    assert [(corpus.source, corpus.language) for corpus in read.files] == expected
    assert read.groups.tolist() == np.repeat(np.arange(len(expected)), 2).tolist()
    counts = [len(PIECES.encode(" ".join(sentence.words)).ids) for sentence in read.sentences]
    assert read.lengths == pytest.approx(counts, rel=0.5)
    assert read.sentences == [Sentence(("Angela",), ("B-PER",)), Sentence(("hier",), ("O",))] * len(expected)


def test_an_empty_file_gives_nothing(tmp_path: Path) -> None:
    folder = written(tmp_path, "wikineural/de", "wikineural/en")
    (folder / "ner/wikineural/de/train.conll").write_bytes(b"\n")
    read = labelled(folder, Mixture(), PIECES)
    assert [sentence.words for sentence in read.sentences] == [("Angela",), ("hier",)]
    assert read.groups.tolist() == [1, 1]
    assert len(read.lengths) == 2


def test_a_mixture_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no training file of any source, \\('sw',\\)"):
        labelled(written(tmp_path, "wikineural/de"), Mixture(languages=("sw",)), PIECES)


def corpus_of(*sources: str) -> Labelled:
    sentences = tiny.corpus()
    files = [Corpus(source, "de", "train", Path(source)) for source in sources]
    return Labelled(files, sentences * len(files), np.repeat(np.arange(len(files)), len(sentences)), np.array([]))


def prepared(labels: Labelled, step: int = 0, indices: tuple[int, ...] = (0, 1, 2), **mixture: Any) -> ner.Batch:
    stage = Stage("x", Settings(steps=5), Mixture(**mixture))
    return ner._Preparation(labels, stage, tiny.tokenizer("xlm-roberta"), pad=1).batch(step, np.array(indices))


CHANGES = [{"swap": 1.0}, {"prefix": 1.0}, {"drop": 0.5}, {"pair": 1.0}, {"mark": 1.0}, {"swap": 0.5, "cut": 1.0}]


@pytest.mark.parametrize("change", CHANGES)
def test_a_step_is_changed_and_comes_out_the_same_again(change: dict[str, float]) -> None:
    labels = corpus_of("wikiann")
    plain, changed, again = prepared(labels), prepared(labels, **change), prepared(labels, **change)
    assert changed.keys() == again.keys()
    assert all(torch.equal(value, again[name]) for name, value in changed.items())
    assert plain.keys() != changed.keys() or not torch.equal(plain["input_ids"], changed["input_ids"])


def test_hidden_pieces_keep_their_tags_and_leave_the_specials() -> None:
    labels = corpus_of("uner")
    plain, hidden = prepared(labels), prepared(labels, drop=0.9)
    mask = tiny.tokenizer("xlm-roberta").token_to_id("<mask>")
    changed = plain["input_ids"] != hidden["input_ids"]
    assert torch.equal(plain["labels"], hidden["labels"])
    assert (hidden["input_ids"][changed] == mask).all()
    assert 0.6 < changed.sum() / plain["attention_mask"].sum() < 0.95
    assert (hidden["input_ids"][:, 0] == plain["input_ids"][:, 0]).all()


def test_a_pair_stays_in_its_file() -> None:
    labels = corpus_of("uner", "wikiann")
    last = len(tiny.corpus()) - 1
    [alone] = prepared(labels, indices=(last,))["input_ids"]
    [paired] = prepared(labels, indices=(last,), pair=1.0)["input_ids"]
    assert paired.tolist() == alone.tolist()
    [longer] = prepared(labels, indices=(0,), pair=1.0)["labels"]
    expected = [tag for sentence in tiny.corpus()[:2] for tag in sentence.tags]
    assert [TAGS[tag] for tag in longer if tag != IGNORE] == expected


def test_only_silver_sentences_are_marked() -> None:
    labels = corpus_of("uner", "wikiann")
    silver = len(tiny.corpus())
    marks = prepared(labels, indices=(0, silver, 1), mark=1.0)["token_type_ids"]
    assert marks.unique(dim=1).tolist() == [[0], [1], [0]]


@given(
    st.lists(
        st.tuples(st.sampled_from(["北京", "3月", "e.V.", "ไทย", "서울에서", "\u200b"]), st.booleans()), max_size=6
    )
)
def test_words_without_spaces_are_cut_as_raw_text_is(pairs: list[tuple[str, bool]]) -> None:
    sentence = Sentence(tuple(word for word, _ in pairs), tuple("B-LOC" if named else "O" for _, named in pairs))
    cut = cut_words(sentence)
    assert len(cut.words) == len(cut.tags)
    assert "".join(cut.words) == "".join(sentence.words)
    assert all(len(word) == 1 or word == "e.V." for word in cut.words)
    named = ["".join(cut.words[start:end]) for start, end, _ in sorted(entities(cut.tags))]
    assert named == [word for word, is_named in pairs if is_named]


mention = st.lists(st.sampled_from(["A", "b", "王"]), min_size=1, max_size=3).map(tuple)
tagged = st.lists(st.sampled_from(["O", "PER", "LOC"]), max_size=6)


@given(tagged, st.lists(mention, min_size=1), st.lists(mention, min_size=1), st.integers(0, 9))
def test_swapping_keeps_the_rest_the_order_and_the_types(
    kinds: list[str], persons: list[tuple[str, ...]], places: list[tuple[str, ...]], seed: int
) -> None:
    words = tuple(f"w{number}" for number in range(len(kinds)))
    sentence = Sentence(words, tuple(kind if kind == "O" else f"B-{kind}" for kind in kinds))
    mentions = {(0, "PER"): persons, (0, "LOC"): places}
    swapped = swap_entities(sentence, 0, mentions, 1.0, np.random.default_rng(seed))
    assert len(swapped.words) == len(swapped.tags)
    outside = [word for word, tag in zip(swapped.words, swapped.tags, strict=True) if tag == "O"]
    assert outside == [word for word, kind in zip(words, kinds, strict=True) if kind == "O"]
    found = sorted(entities(swapped.tags))
    assert [label for _, _, label in found] == [kind for kind in kinds if kind != "O"]
    assert all(swapped.words[start:end] in mentions[0, label] for start, end, label in found)
    assert swap_entities(sentence, 0, mentions, 0.0, np.random.default_rng(seed)) == sentence


named = st.sampled_from([("Ada", "B-PER"), ("na", "B-LOC"), ("Rome", "O"), ("王", "B-LOC")])


@given(st.lists(named), st.integers(0, 9))
def test_prefixes_stand_before_capitals_of_entities_alone(pairs: list[tuple[str, str]], seed: int) -> None:
    sentence = Sentence(tuple(word for word, _ in pairs), tuple(tag for _, tag in pairs))
    changed = prefix_entities(sentence, 1.0, np.random.default_rng(seed))
    assert changed.tags == sentence.tags
    for before, after in zip(sentence.words, changed.words, strict=True):
        assert after.endswith(before)
        prefix = after.removesuffix(before)
        assert (prefix.isascii() and prefix.islower()) if before == "Ada" else not prefix
    assert prefix_entities(sentence, 0.0, np.random.default_rng(seed)) == sentence

"""The sentences in assets/samples are what they promise to be."""

import unicodedata
from collections import Counter

import pytest

from mma_core.data import LABELS, TAGS, Corpus, samples
from mma_core.languages import LANGUAGES, WordRule
from mma_core.pieces import join
from mma_core.spans import repair, words

SAMPLES = samples()
each_sample = pytest.mark.parametrize("corpus", SAMPLES, ids=[corpus.language for corpus in SAMPLES])


def test_there_are_many_languages_and_scripts() -> None:
    assert len(SAMPLES) >= 16
    assert len({LANGUAGES[corpus.language].script for corpus in SAMPLES}) >= 6


@each_sample
def test_there_are_enough_sentences_of_every_kind(corpus: Corpus) -> None:
    sentences = corpus.sentences
    assert len(sentences) >= 40
    assert sum(set(sentence.tags) == {"O"} for sentence in sentences) >= 5
    entities = Counter(tag[2:] for sentence in sentences for tag in sentence.tags if tag.startswith("B-"))
    assert {label: entities[label] for label in LABELS if entities[label] < 20} == {}


@each_sample
def test_tags_are_valid_iob2(corpus: Corpus) -> None:
    for sentence in corpus.sentences:
        assert len(sentence.words) == len(sentence.tags)
        assert set(sentence.tags) <= set(TAGS)
        assert repair(sentence.tags) == list(sentence.tags)


@each_sample
def test_no_sentence_stands_twice(corpus: Corpus) -> None:
    texts = ["".join(sentence.words).casefold() for sentence in corpus.sentences]
    assert [text for text, count in Counter(texts).items() if count > 1] == []


@each_sample
def test_tokens_are_normalised_and_hold_no_white_space(corpus: Corpus) -> None:
    tokens = {word for sentence in corpus.sentences for word in sentence.words}
    assert {token for token in tokens if unicodedata.normalize("NFC", token) != token} == set()
    assert {token for token in tokens if not token.isprintable() and "\u200c" not in token} == set()
    assert {token for token in tokens if any(character.isspace() for character in token)} == set()


@pytest.mark.parametrize(
    "corpus",
    [corpus for corpus in SAMPLES if LANGUAGES[corpus.language].rule is WordRule.CHARACTERS],
    ids=lambda corpus: corpus.language,
)
def test_text_without_spaces_is_cut_again_into_the_same_words(corpus: Corpus) -> None:
    for sentence in corpus.sentences:
        text, borders = join(sentence.words)
        found = words(text, corpus.language)
        assert tuple(word.text for word in found) == sentence.words
        assert [[word.start, word.end] for word in found] == borders.tolist()

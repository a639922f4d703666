"""Flat arrays give what one sentence after the other gives."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mma_core.data import TAGS
from mma_core.decoding import BEGIN, INSIDE, OUTSIDE, PieceTags, TagSet, Window, WordTags, entities, repair
from mma_core.pieces import join
from mma_core.spans import Word, spans
from mma_core.spans import repair as repair_texts

LABELS = [*TAGS, "B-MISC"]  # a model may know a B without its I
sentences = st.lists(st.lists(st.sampled_from(LABELS), max_size=7), max_size=6)


def whole(tags: list[str], number: int = 0, begin: int = 0) -> Window:
    """A window of words that are one letter each, so that a word is a piece."""
    return Window(number, begin, *join(["x"] * len(tags)))


def answer(windows: list[Window], tags: list[list[str]], scores: list[float]) -> PieceTags:
    flat = [LABELS.index(tag) for row in tags for tag in row]
    borders = [window.borders for window in windows] or [np.zeros((0, 2), dtype=np.int64)]
    return PieceTags(
        np.array([len(row) for row in tags], dtype=np.int64), np.concatenate(borders), np.array(flat), np.array(scores)
    )


def tagged(tags: list[list[str]], scores: list[float] | None = None) -> WordTags:
    windows = [whole(row, number) for number, row in enumerate(tags) if row]
    count = sum(map(len, tags))
    found = answer(windows, [row for row in tags if row], scores or [0.5] * count)
    return TagSet(LABELS).words(windows, found, [len(row) for row in tags])


@given(sentences)
def test_tags_are_repaired_as_one_sentence_after_the_other(tags: list[list[str]]) -> None:
    assert TagSet(LABELS).names(tagged(tags)) == [repair_texts(row) for row in tags]


@given(sentences, st.data())
def test_entities_are_those_of_one_sentence_after_the_other(tags: list[list[str]], data: st.DataObject) -> None:
    count = sum(map(len, tags))
    scores = data.draw(st.lists(st.floats(0, 1), min_size=count, max_size=count))
    found = entities(tagged(tags, scores))
    kinds = TagSet(LABELS).kinds
    rows = zip(found.sentences, found.begins, found.ends, found.kinds, found.scores, strict=True)
    ours = [(int(s), int(b), int(e), kinds[k], float(score)) for s, b, e, k, score in rows]
    wanted, position = [], 0
    for number, row in enumerate(tags):
        borders = [Word("x", place, place + 1) for place in range(len(row))]
        for span in spans(borders, repair_texts(row), scores[position : position + len(row)]):
            wanted.append((number, span.start, span.end, span.label, span.score))
        position += len(row)
    assert [one[:4] for one in ours] == [one[:4] for one in wanted]
    assert [one[4] for one in ours] == pytest.approx([one[4] for one in wanted], abs=1e-4)


def test_an_entity_never_crosses_a_sentence() -> None:
    found = tagged([["B-PER", "I-PER"], [], ["I-PER", "O", "I-LOC"], ["I-LOC"]])
    assert found.prefixes.tolist() == [BEGIN, INSIDE, BEGIN, OUTSIDE, BEGIN, BEGIN]
    assert found.first.tolist() == [0, 2, 2, 5, 6]
    assert entities(found).sentences.tolist() == [0, 2, 2, 3]


def test_nothing_at_all() -> None:
    found = TagSet(LABELS).words([], PieceTags(*(np.zeros(0, dtype=np.int64) for _ in range(4))), [0, 0])
    assert TagSet(LABELS).names(found) == [[], []]
    assert len(entities(found).begins) == 0
    assert repair(*(np.zeros(0, dtype=np.int64) for _ in range(3))).tolist() == []


def test_words_that_share_a_piece_are_one_entity() -> None:
    windows = [Window(0, 0, *join(["北", "京", "市"]))]
    pieces = PieceTags(np.array([2]), np.array([[0, 2], [2, 3]]), np.array([1, 2]), np.array([0.9, 0.6]))
    found = TagSet(TAGS).words(windows, pieces, [3])
    assert TagSet(TAGS).names(found) == [["B-PER", "I-PER", "I-PER"]]
    assert found.scores.tolist() == [0.9, 0.9, 0.6]


def test_a_word_that_the_tokenizer_dropped_is_outside() -> None:
    windows = [Window(0, 0, *join(["a", "\u200b", "b"]))]
    pieces = PieceTags(np.array([2]), np.array([[0, 1], [4, 5]]), np.array([1, 2]), np.array([0.9, 0.6]))
    found = TagSet(TAGS).words(windows, pieces, [3])
    assert TagSet(TAGS).names(found) == [["B-PER", "O", "B-PER"]]
    assert found.scores.tolist() == [0.9, 0, 0.6]
    nothing = PieceTags(np.array([0]), np.zeros((0, 2), dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros(0))
    assert TagSet(TAGS).names(TagSet(TAGS).words(windows, nothing, [3])) == [["O", "O", "O"]]


def test_of_two_windows_the_one_with_more_context_decides() -> None:
    # Words 2 and 3 stand in both: 2 further from the end of the first, 3 from the beginning of the second.
    windows = [whole(["O"] * 5, 1), whole(["O"] * 5, 1, 2), whole(["O"], 0)]
    rows = [["O"] * 5, ["B-PER"] * 5, ["B-LOC"]]
    found = TagSet(LABELS).words(windows, answer(windows, rows, [0.1] * 5 + [0.2] * 5 + [0.3]), [1, 7])
    assert TagSet(LABELS).names(found) == [["B-LOC"], ["O", "O", "O", "O", "B-PER", "B-PER", "B-PER"]]
    assert found.scores.tolist() == [0.3, 0.1, 0.1, 0.1, 0.1, 0.2, 0.2, 0.2]

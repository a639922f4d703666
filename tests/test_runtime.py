"""The corridor from words to tags: the same answer from both taggers, at every length, in every script."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
import torch
from builds import Made
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Encoding, Tokenizer

from mma_core import builtin, checkpoint, engines, runtime
from mma_core.data import TAGS, samples
from mma_core.decoding import PieceTags
from mma_core.errors import DataError
from mma_core.pieces import join
from mma_core.runtime import ArtifactTagger, PipelineTagger, Tagger
from mma_core.shortlist import BriefTokenizer
from mma_core.spans import repair

pytest_plugins = ("engine_fixtures",)

SENTENCES = [
    ["Angela", "Merkel", "besuchte", "Siemens", "in", "München", "."],
    ["Анна", "Каренина", "живёт", "в", "Москве"],
    ["وصلت", "فاطمة", "إلى", "جدة", "."],
    ["אנגלה", "מרקל", "ביקרה", "בברלין"],
    list("王在北京工作。"),
    list("アンナは東京で働いています"),
    ["ก", "รุ", "ง", "เ", "ท", "พ"],
    ["한국", "의", "서울"],
    ["👩‍👩‍👧", "liebt", "🇩🇪", "und", "😀😀"],
    ["Mu\u0308nchen", "cafe\u0301", "a\u0301\u0302\u0303"],
    ["Ⅷ", "ﬁ", "ﷺ", "İstanbul", "ＡＢＣ"],
    ["[SEP]", "</s>", "<s>", "[PAD]", "<mask>"],
    ["x", "\u200b", "\u00ad", "y", "\u3000", "z"],
    ["O'Neill", "e-mail", "10,5", "%", "--", '"'],
    [],
    ["."],
]
TEXTS = {
    "de": "Angela Merkel besuchte 😀 Siemens in Mu\u0308nchen, nicht wahr?\n\nJa!",
    "ar": "وصلت فاطمة إلى جدة.",
    "zh": "王在北京工作。他喜歡 Siemens AG。",
    "ja": "アンナは東京で働いています。",
    "th": "สมชายอยู่ที่กรุงเทพ",
    "en": "Priya's \u202eteam\u202c — O'Neill & Co. — met at 10:30.",
}


@pytest.fixture(scope="module")
def taggers(made: Made, tiny_teacher: Callable[[str], Path]) -> Callable[[str], tuple[PipelineTagger, ArtifactTagger]]:
    """Model type → the baseline and the exported teacher."""

    @cache
    def both(model_type: str) -> tuple[PipelineTagger, ArtifactTagger]:
        teacher = checkpoint.load(str(tiny_teacher(model_type)))
        return runtime.open_checkpoint(teacher, 2), runtime.open_artifact(made(model_type), 2)

    return both


Pair = Callable[[str], tuple[PipelineTagger, ArtifactTagger]]


@pytest.mark.parametrize("model_type", tiny.MODEL_TYPES)
def test_both_taggers_agree(taggers: Pair, model_type: str) -> None:
    plain, fast = taggers(model_type)
    long = [list(sentence.words) for corpus in samples()[::4] for sentence in corpus.sentences[:3]]
    joined = [[word for sentence in long[:20] for word in sentence]]
    for chosen in (SENTENCES, long, joined):
        ours, theirs = fast.tag(chosen), plain.tag(chosen)
        assert [t.tags for t in ours] == [t.tags for t in theirs]
        assert [len(t.tags) for t in ours] == [len(words) for words in chosen] == [len(t.scores) for t in ours]
        scores, other = (np.concatenate([t.scores for t in tagged]) for tagged in (ours, theirs))
        assert np.abs(scores - other).max() < 1e-3
        assert ((scores >= 0) & (scores <= 1 + 1e-6)).all()
        assert all(repair(t.tags) == t.tags for t in ours)
    assert len({tag for t in fast.tag(SENTENCES) for tag in t.tags}) > 2, "a teacher that says one thing proves nothing"


@pytest.mark.parametrize("model_type", tiny.MODEL_TYPES)
@pytest.mark.parametrize("language", TEXTS)
def test_offsets_lie_in_the_text_as_given(taggers: Pair, model_type: str, language: str) -> None:
    text = TEXTS[language]
    plain, fast = taggers(model_type)
    (found,) = fast.tag_texts([text], language)
    for span in found:
        assert 0 <= span.start < span.end <= len(text)
        assert text[span.start : span.end].strip() == text[span.start : span.end]
        assert span.label in {"PER", "ORG", "LOC"}
        assert 0 < span.score <= 1
    assert all(before.end <= after.start for before, after in pairwise(found))
    (others,) = plain.tag_texts([text], language)
    assert [(s.start, s.end, s.label) for s in found] == [(s.start, s.end, s.label) for s in others]


def test_nothing_in_nothing_out(taggers: Pair) -> None:
    for tagger in taggers("bert"):
        assert tagger.tag([]) == []
        assert tagger.tag_texts([], "de") == []
        assert tagger.tag_texts(["", " \n\t "], "de") == [[], []]
        assert [t.tags for t in tagger.tag([[], []])] == [[], []]


def test_unknown_language(taggers: Pair) -> None:
    with pytest.raises(DataError, match="unknown language 'xx'"):
        taggers("bert")[1].tag_texts(["Hallo"], "xx")


@pytest.mark.parametrize("model_type", ["bert", "roberta"])
def test_a_word_longer_than_the_window(taggers: Pair, model_type: str) -> None:
    for tagger in taggers(model_type):
        (tagged,) = tagger.tag([["Angela", "M" * 3000, "in", "München", "x" * 500]])
        assert len(tagged.tags) == 5
        assert all(0 < score <= 1 for score in tagged.scores)


def test_batches_do_not_change_tags(taggers: Pair) -> None:
    _, fast = taggers("bert")
    alone = [fast.tag([sentence])[0].tags for sentence in SENTENCES]
    assert [t.tags for t in fast.tag(SENTENCES)] == alone


def test_pools_and_bulk_do_not_change_tags(taggers: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    _, fast = taggers("xlm-roberta")
    sentences = [words[start:] for words in SENTENCES for start in range(len(words))]
    whole = fast.tag(sentences)
    monkeypatch.setattr(runtime, "POOL_TEXTS", 7)
    monkeypatch.setattr(runtime, "BATCH_PIECES", 16)
    used: list[int] = []
    real = engines.start

    def watched(engine: Any, batches: Any, *rest: Any) -> Any:
        used.append(len(batches))
        return real(engine, batches, *rest)

    monkeypatch.setattr(engines, "start", watched)
    pooled = fast.tag(sentences)
    assert [t.tags for t in pooled] == [t.tags for t in whole]
    assert max(np.abs(np.array(a.scores) - b.scores).max() for a, b in zip(pooled, whole, strict=True)) < 1e-4
    assert len(used) > 5
    assert max(used) > 1


@pytest.mark.parametrize(
    ("count", "sizes"),
    [(0, []), (128, [128]), (129, [128, 1]), (512, [128, 384]), (2000, [128, 512, 1024, 336])],
)
def test_pools_grow_and_few_texts_are_two_at_most(count: int, sizes: list[int]) -> None:
    texts = [str(number) for number in range(count)]
    found = list(runtime.pools(texts, len, first=runtime.FIRST_TEXTS))
    assert list(map(len, found)) == sizes
    assert [text for pool in found for text in pool] == texts


def test_long_texts_end_a_pool_and_shared_work_is_cut_evenly() -> None:
    long = "x" * runtime.POOL_CHARACTERS
    assert list(runtime.pools(["a", long, "b"], len, first=2)) == [["a", long], ["b"]]
    assert list(map(len, runtime.pools(["a"] * 2050, len))) == [1024, 1024, 2]


def test_a_few_hundred_texts_are_tagged_alike_in_one_pool_and_in_two(
    taggers: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, fast = taggers("bert")
    texts = [f"Angela Merkel kam {'am Montag ' * (number % 5)}zum {number}. Mal." for number in range(200)]
    growing = fast.tag_texts(texts, "de")
    monkeypatch.setattr(runtime, "FIRST_TEXTS", runtime.POOL_TEXTS)
    whole = fast.tag_texts(texts, "de")
    assert any(whole), "a random teacher that finds nothing proves nothing"
    assert [[(s.start, s.end, s.label) for s in found] for found in growing] == [
        [(s.start, s.end, s.label) for s in found] for found in whole
    ]


def test_a_text_is_read_as_its_tokenizer_encodes_it(taggers: Pair) -> None:
    for model_type in tiny.MODEL_TYPES:
        _, fast = taggers(model_type)
        seen: list[tuple[np.ndarray, np.ndarray]] = []

        def engine(ids: np.ndarray, mask: np.ndarray, seen: Any = seen) -> engines.Answer:
            seen.append((ids, mask))
            return np.zeros_like(ids), np.zeros(ids.shape, dtype=np.float32)

        tokenizer = fast._tokenizer
        tagger = ArtifactTagger(engine, tokenizer, {"id2label": {"0": "O"}, "pad_token_id": 7}, 1, 128)
        tagger.tag(SENTENCES)
        texts = {join(sentence)[0] for sentence in SENTENCES if sentence}
        rows = {tuple(row[real == 1]) for ids, mask in seen for row, real in zip(ids, mask, strict=True)}
        assert rows == {tuple(tokenizer.encode(text).ids) for text in texts}
        assert all((ids[mask == 0] == 7).all() for ids, mask in seen)


def test_errors_while_reading_ahead_arrive(taggers: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    _, fast = taggers("bert")
    monkeypatch.setattr(runtime, "POOL_TEXTS", 2)

    def texts() -> Iterator[str]:
        yield from ["Angela kam."] * 5
        raise DataError("line 6 is not UTF-8")

    found = fast.stream(texts(), "de")
    with pytest.raises(DataError, match="line 6"):
        list(found)
    with pytest.raises(DataError, match="unknown language"):
        next(fast.stream(["Angela kam."] * 5, "xx"))


def test_a_text_of_several_sentences_is_tagged_as_each_of_them_is(taggers: Pair) -> None:
    _, fast = taggers("bert")
    parts = ["Angela Merkel besuchte Siemens.", "Dann fuhr sie nach München!", "Wer kam mit?"]
    alone = fast.tag_texts(parts, "de")
    (found,) = fast.tag_texts(["  ".join(parts)], "de")
    begins = [0, len(parts[0]) + 2, len(parts[0]) + len(parts[1]) + 4]
    assert any(alone[1:]), "a random teacher that finds nothing proves nothing"
    assert [(s.start, s.end, s.label) for s in found] == [
        (s.start + begin, s.end + begin, s.label) for begin, spans in zip(begins, alone, strict=True) for s in spans
    ]


class Gate:
    """An engine in bulk that notes each batch it is given, and holds back those that are not let through."""

    def __init__(self, through: int) -> None:
        self.begun = threading.Semaphore(0)
        self.through = threading.Semaphore(through)
        self.batches = 0

    def __call__(self, ids: np.ndarray, mask: np.ndarray) -> engines.Answer:
        raise AssertionError("several batches are read in bulk")

    def bulk(self, ids: np.ndarray, mask: np.ndarray) -> engines.Answer:
        self.batches += 1
        self.begun.release()
        self.through.acquire()
        return np.zeros_like(ids), np.ones(ids.shape, dtype=np.float32)


def gated(taggers: Pair, monkeypatch: pytest.MonkeyPatch, *, pool: int, through: int) -> tuple[Gate, ArtifactTagger]:
    """A tagger of two threads behind a gate, for which a pool has so many texts and a batch one."""
    monkeypatch.setattr(runtime, "POOL_TEXTS", pool)
    monkeypatch.setattr(runtime, "BATCH_PIECES", 1)
    gate = Gate(through)
    return gate, ArtifactTagger(gate, taggers("bert")[1]._tokenizer, {"id2label": {"0": "O"}}, 2, 128)


def test_a_thread_that_is_done_goes_on_with_the_next_pool(taggers: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    gate, tagger = gated(taggers, monkeypatch, pool=2, through=0)
    with ThreadPoolExecutor(1) as thread:
        found = thread.submit(tagger.tag_texts, ["Angela kam.", "Merkel ging."] * 2, "de")
        try:
            assert all(gate.begun.acquire(timeout=20) for _ in range(2))
            gate.through.release()
            assert gate.begun.acquire(timeout=20), "one half of the first pool is done, the other is not"
        finally:
            gate.through.release(4)
        assert found.result(timeout=20) == [[]] * 4


def test_what_nobody_waits_for_is_not_read(taggers: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    gate, tagger = gated(taggers, monkeypatch, pool=8, through=8)
    stream = tagger.stream(["Angela kam.", "Merkel ging."] * 8, "de")
    assert next(stream) == []
    assert all(gate.begun.acquire(timeout=20) for _ in range(8 + 2))
    threading.Timer(0.2, gate.through.release, [8]).start()
    stream.close()  # waits for the two that are being read
    assert gate.batches == 8 + 2


@pytest.mark.parametrize(("threads", "used"), [(1, 1), (2, 2)])
def test_one_thread_does_all_by_itself(taggers: Pair, monkeypatch: pytest.MonkeyPatch, threads: int, used: int) -> None:
    _, fast = taggers("bert")
    monkeypatch.setattr(runtime, "POOL_TEXTS", 2)
    seen: list[tuple[int, int]] = []

    class Spy:
        """Notes which thread cuts how many texts at once."""

        def encode(self, text: str) -> Any:
            return fast._tokenizer.encode(text)

        def encode_batch(self, texts: Sequence[str], *, add_special_tokens: bool) -> Any:
            seen.append((threading.get_ident(), len(texts)))
            return fast._tokenizer.encode_batch(texts, add_special_tokens=add_special_tokens)

    spied = ArtifactTagger(
        fast._engine,
        Spy(),
        {"id2label": {str(number): label for number, label in enumerate(fast.labels)}},
        threads,
        128,
    )
    texts = ["Angela kam.", "Merkel ging.", "Siemens blieb."] * 4
    assert spied.tag_texts(texts, "de") == fast.tag_texts(texts, "de")
    assert len({thread for thread, _ in seen}) == used
    assert {most for _, most in seen} == ({1} if threads == 1 else {2})


def test_the_baseline_takes_its_own_threads_whoever_came_before(taggers: Pair) -> None:
    slow, _ = taggers("bert")
    torch.set_num_threads(slow.threads + 1)
    slow.tag([["Angela", "kam"]])
    assert torch.get_num_threads() == slow.threads


class Marker(Tagger):
    """Tags a piece as B-PER if it stands at a capital letter: what it says does not depend on the window."""

    def __init__(self, tokenizer: Tokenizer, limit: int) -> None:
        super().__init__(["O", "B-PER"], 1, limit)
        self.tokenizer = tokenizer

    def encode(self, texts: Sequence[str]) -> list[Encoding]:
        return self.tokenizer.encode_batch(texts, add_special_tokens=False)

    def begin(
        self, texts: Sequence[str], encodings: Sequence[Encoding | None], crew: Executor | None
    ) -> Callable[[], PieceTags]:
        known = [encoding for encoding in encodings if encoding is not None]
        assert all(len(encoding) + 2 <= self.limit for encoding in known)
        starts = [(text, start) for text, encoding in zip(texts, known, strict=True) for start, _ in encoding.offsets]
        tags = np.array([text[start:].lstrip(" ")[:1] in {"A", "王", "М"} for text, start in starts], dtype=np.int64)
        offsets = [pair for encoding in known for pair in encoding.offsets]
        counts = np.array([len(encoding) for encoding in known])
        borders = np.array(offsets, dtype=np.int64).reshape(-1, 2)
        return lambda: PieceTags(counts, borders, tags, np.full(len(tags), 0.5))

    def windows(self, sentence: list[str]) -> list[range]:
        """The words of each window; all but words that are too long by themselves fit without being cut."""
        found = [window for window, _ in self._windows([sentence])]
        for window in found:
            pieces = len(self.tokenizer.encode(window.text, add_special_tokens=False))
            assert pieces + 2 <= self.limit or len(window.borders) == 1
        return [range(window.begin, window.begin + len(window.borders)) for window in found]


words = st.one_of(
    st.sampled_from(["Angela", "in", "München", "Москве", "王", "北", "京", "в", "Amina", "."]),
    st.text(st.sampled_from("aAеnМ王北eé"), min_size=1, max_size=9),
)


@pytest.mark.parametrize("model_type", ["bert", "roberta", "xlm-roberta"])
@settings(max_examples=60)
@given(sentence=st.lists(words, min_size=1, max_size=80), limit=st.integers(40, 128))
def test_windows_reach_every_word(model_type: str, sentence: list[str], limit: int) -> None:
    marker = Marker(_tokenizer(model_type), limit)
    (tagged,) = marker.tag([sentence])
    assert tagged.tags == ["B-PER" if word[0] in "A王М" else "O" for word in sentence]
    assert tagged.scores == [0.5] * len(sentence)
    _check_cover(marker.windows(sentence), len(sentence))


@cache
def _tokenizer(model_type: str) -> Tokenizer:
    return tiny.tokenizer(model_type)


def _check_cover(windows: list[range], count: int) -> None:
    assert windows[0].start == 0
    assert windows[-1].stop == count
    for before, after in pairwise(windows):
        assert before.start < after.start <= before.stop < after.stop


@pytest.mark.parametrize("model_type", ["bert", "roberta", "xlm-roberta"])
def test_a_text_many_times_the_window(model_type: str) -> None:
    sentence = ["Angela", "besuchte", "Москве", "und", "王", "北"] * 500
    marker = Marker(_tokenizer(model_type), 64)
    (tagged,) = marker.tag([sentence])
    assert tagged.tags == ["B-PER" if word[0] in "A王М" else "O" for word in sentence]
    windows = marker.windows(sentence)
    # A quarter of each window repeats, so that no word stands at a border in all of its windows.
    assert all(before.stop - after.start >= 1 for before, after in pairwise(windows))
    assert sum(map(len, windows)) < 2 * len(sentence)


def test_letters_that_normalise_to_fewer_bytes_are_not_cut_off() -> None:
    sentence = ["ｗ"] * 200  # three bytes each, and pieces of a byte-level tokenizer, but one after normalisation
    marker = Marker(_tokenizer("roberta"), 128)
    (tagged,) = marker.tag([[*sentence, "Angela"]])
    assert tagged.tags[-1] == "B-PER"
    assert len(marker.windows(sentence)) > 1


@given(lengths=st.lists(st.integers(1, 512), max_size=200), budget=st.integers(100, 4096))
def test_batches_keep_their_bounds(lengths: list[int], budget: int) -> None:
    found = list(runtime.batches(lengths, budget))
    assert sorted(index for batch in found for index in batch) == list(range(len(lengths)))
    for batch in found:
        sizes = [lengths[index] for index in batch]
        assert batch
        assert len(batch) == 1 or len(batch) * max(sizes) <= budget
    flat = [lengths[index] for batch in found for index in batch]
    assert flat == sorted(flat, reverse=True)


def test_labels_and_limits(taggers: Pair) -> None:
    for tagger in taggers("xlm-roberta"):
        assert tagger.labels == list(TAGS)
        assert tagger.threads == 2
        assert tagger.limit == 126


def test_a_shortlist_of_pieces_changes_no_tag(tmp_path: Path) -> None:
    def engine(ids: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return ids % len(TAGS), mask * 0.5

    path = builtin.unpack("multi") / "tokenizer.json"
    config = {"id2label": {str(i): tag for i, tag in enumerate(TAGS)}, "pad_token_id": 1}
    whole, brief = (
        ArtifactTagger(engine, tokenizer, config, 1, 40)
        for tokenizer in (Tokenizer.from_file(str(path)), BriefTokenizer(path, tmp_path / "pieces.safetensors"))
    )
    # 300 words are more than a window of 40 pieces holds.
    sentences = [*SENTENCES, [f"word{number}" for number in range(300)]]
    assert brief.tag(sentences[:1]) == whole.tag(sentences[:1])
    assert brief.tag(sentences) == whole.tag(sentences)
    again = ArtifactTagger(engine, BriefTokenizer(path, tmp_path / "pieces.safetensors"), config, 1, 40)
    assert again.tag(sentences) == whole.tag(sentences)

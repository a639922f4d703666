"""A tokenizer that looks chunks up cuts texts exactly as it does without, whatever it met before."""

import threading
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest
import tiny
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken, Tokenizer, normalizers, pre_tokenizers

from mma_core import builtin, chunks
from mma_core.chunks import LONGEST, ChunkTokenizer, ends_at_spaces
from mma_core.data import samples
from mma_core.pieces import first_pieces, join
from mma_core.spans import words

FEW = 8
KINDS = ("bert", "xlm-roberta", "stock", "small letters", "multi")
SENTENCES = [sentence.words for corpus in samples() for sentence in corpus.sentences[:12]]
# What is normalised away, to a space or to several letters, leans on its neighbour or is a special.
ODD = ["<mask>", "</s>a", "[SEP]", "\u0301x", "a\u0301", "\u200bb", "b\u200b", "ﷺ", "\ufc5e", "´", "a\u037a", "½"]
ODD += ["\x07", "a  b", " ", "▁", "▁a", "#", "##a", "a##b", "ﬁne", "Ⅷ", "🙂", "東京都庁", "กรุงเทพ", "Merkel東京"]
ODD += ["x" * LONGEST, "y" * (LONGEST + 1), "xyz", "xyzß", "ßa", "＜mask＞"]
MIXED = st.sampled_from([*ODD, "Angela", "Merkel", ",", "München", "über"])


def read(kind: str) -> Tokenizer:
    if kind == "multi":
        return Tokenizer.from_file(str(builtin.unpack("multi") / "tokenizer.json"))
    if kind in tiny.MODEL_TYPES:
        return tiny.tokenizer(kind)
    made = tiny.tokenizer("xlm-roberta")
    if kind == "stock":  # as transformers makes XLM-R's
        made.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
        made.normalizer = normalizers.NFKC()
    else:
        replaced = [normalizers.Replace("xyz", ""), normalizers.Replace("ß", " ss "), normalizers.Replace("\n", " ")]
        made.normalizer = normalizers.Sequence([normalizers.NFD(), *replaced, normalizers.Lowercase()])
    return made


@pytest.fixture(scope="module", autouse=True)
def few() -> Iterator[None]:
    """Small batches are looked up too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunks, "FEW", FEW)
        yield


@pytest.fixture(scope="module", params=KINDS)
def pair(request: pytest.FixtureRequest) -> tuple[Tokenizer, ChunkTokenizer]:
    """A tokenizer, and one that looks chunks up and lives through all tests."""
    whole = read(request.param)
    return whole, ChunkTokenizer(whole, alone=False)


def check(whole: Tokenizer, ours: ChunkTokenizer, sentences: Sequence[Sequence[str]]) -> None:
    joined = [join(sentence) for sentence in sentences if any(sentence)]
    joined *= 1 if len(joined) >= FEW else FEW
    texts = [text for text, _ in joined]
    found = ours.encode_batch(texts)
    wanted = whole.encode_batch(texts, add_special_tokens=False)
    for (text, borders), one, other in zip(joined, found, wanted, strict=True):
        assert one.ids.tolist() == other.ids, text
        offsets = np.array(other.offsets, dtype=np.int64).reshape(-1, 2)
        assert (first_pieces(text, borders, one.offsets) == first_pieces(text, borders, offsets)).all(), text


def test_samples_of_every_script_are_cut_alike(pair: tuple[Tokenizer, ChunkTokenizer]) -> None:
    for _ in range(2):
        check(*pair, SENTENCES)
    check(*pair, SENTENCES[::-1] + [[word] for word in ODD])


@settings(max_examples=150)
@given(st.lists(st.lists(MIXED, min_size=1), min_size=FEW))
def test_odd_chunks_are_cut_alike(pair: tuple[Tokenizer, ChunkTokenizer], sentences: list[list[str]]) -> None:
    check(*pair, sentences)


@settings(max_examples=150)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), min_size=1))
def test_any_text_is_cut_alike(pair: tuple[Tokenizer, ChunkTokenizer], texts: list[str]) -> None:
    check(*pair, [[word.text for word in words(text, "en")] for text in texts])
    check(*pair, [text.split() for text in texts])


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "MOST_CHUNKS", 40)
    whole = read("xlm-roberta")
    ours = ChunkTokenizer(whole, alone=False)
    for begin in range(0, 96, FEW):
        check(whole, ours, SENTENCES[begin : begin + FEW])
        assert len(ours._rows) <= max(40, len({word for s in SENTENCES[begin : begin + FEW] for word in s}))
    kept = [f"{number}" for number in range(20)]
    ours = ChunkTokenizer(whole, alone=False)
    for new in ("a", "b"):
        check(whole, ours, [[*kept, new]])
    assert len(ours._rows) == 22, "what is known is not forgotten before there is no room"


def test_scripts_without_spaces_and_long_chunks_are_not_kept() -> None:
    ours = ChunkTokenizer(read("xlm-roberta"), alone=False)
    ours.encode_batch(
        [f"東京都庁{number} a" for number in range(FEW)] + [f"{'z' * LONGEST}{number} b" for number in range(FEW)]
    )
    assert ours._rows.keys() == {"", "b"}


class Spy:
    """A tokenizer that notes how many texts it is given at once."""

    def __init__(self, kind: str) -> None:
        self._whole, self.seen = tiny.tokenizer(kind), list[int]()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._whole, name)

    def encode_batch(self, texts: Sequence[str], *, add_special_tokens: bool) -> Any:
        self.seen.append(len(texts))
        return self._whole.encode_batch(texts, add_special_tokens=add_special_tokens)


def test_what_is_known_is_not_cut_again_and_few_texts_are_not_looked_up() -> None:
    spy: Any = Spy("bert")
    ours = ChunkTokenizer(spy, alone=False)
    texts = ["Angela Merkel besuchte Siemens"] * FEW
    for _ in range(2):
        ours.encode_batch(texts)
    assert spy.seen == [1], "the four chunks, at once"
    ours.encode_batch(texts[1:])
    assert spy.seen == [1, FEW - 1]
    assert ours.encode_batch([]) == []


def test_what_is_forgotten_is_cut_again() -> None:
    spy: Any = Spy("bert")
    ours = ChunkTokenizer(spy, alone=False)
    texts = ["Angela Merkel"] * FEW
    ours.encode_batch(texts)
    ours.forget()
    assert ours._rows == {}
    ours.encode_batch(texts)
    assert spy.seen == [1, 1]


def test_alone_each_text_is_cut_by_itself() -> None:
    spy: Any = Spy("bert")
    ours = ChunkTokenizer(spy, alone=True)
    ours.encode_batch([f"a{number} <mask>" for number in range(chunks.AT_ONCE + FEW)])
    assert set(spy.seen) == {1}


def test_threads_may_share_it() -> None:
    whole = read("xlm-roberta")
    ours = ChunkTokenizer(whole, alone=False)
    texts = [join(words)[0] for words in SENTENCES]
    wanted = [one.ids for one in whole.encode_batch(texts, add_special_tokens=False)]
    found: list[list[Any]] = []
    crew = [threading.Thread(target=lambda: found.append(ours.encode_batch(texts))) for _ in range(8)]
    for thread in crew:
        thread.start()
    for thread in crew:
        thread.join()
    assert all([one.ids.tolist() for one in part] == wanted for part in found)
    assert len(found) == len(crew)


def test_which_tokenizers_end_at_spaces() -> None:
    assert [ends_at_spaces(tiny.tokenizer(kind)) for kind in ("bert", "xlm-roberta", "roberta")] == [True, True, False]
    assert all(map(ends_at_spaces, map(read, KINDS)))


def with_other(kind: str, name: str, value: Any) -> Tokenizer:
    made = tiny.tokenizer(kind)
    setattr(made, name, value)
    return made


def test_what_might_reach_over_a_space_is_not_looked_up() -> None:
    metaspace, split = pre_tokenizers.Metaspace, pre_tokenizers.WhitespaceSplit()
    for before in (metaspace(prepend_scheme="first"), metaspace(split=False), split, None):
        assert not ends_at_spaces(with_other("xlm-roberta", "pre_tokenizer", before))
    for before in (metaspace(), pre_tokenizers.Sequence([metaspace(), split])):
        assert not ends_at_spaces(with_other("bert", "pre_tokenizer", before))
    for normal in (normalizers.Prepend("x"), normalizers.Replace(" ", "_")):
        assert not ends_at_spaces(with_other("bert", "normalizer", normal))


def test_added_tokens_that_lie_across_chunks_and_what_cuts_off_or_fills_up_is_not_looked_up() -> None:
    for token in ("New York", AddedToken("abc", normalized=True)):
        made = tiny.tokenizer("bert")
        made.add_tokens([token])
        assert not ends_at_spaces(made)
    made = tiny.tokenizer("bert")
    made.enable_truncation(8)
    assert not ends_at_spaces(made)
    made.no_truncation()
    assert ends_at_spaces(made)
    made.enable_padding()
    assert not ends_at_spaces(made)


def test_which_normalisers_are_judged_by_letters() -> None:
    judged = {kind: ChunkTokenizer(read(kind), alone=True)._letterwise for kind in KINDS}
    assert judged == {"bert": True, "xlm-roberta": True, "stock": True, "small letters": False, "multi": True}

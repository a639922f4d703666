"""A tokenizer that answers at once: the first texts get only the pieces that they can consist of.

Reading a quarter of a million pieces takes a second, which is most of what tagging one sentence costs in a new process.
A Unigram model (Kudo 2018) cuts a text into those of its substrings that are pieces; so with these alone, found in a
sorted index, it cuts the text alike. Whoever tags more than a few texts soon asks again, and gets the whole tokenizer.
"""

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from itertools import accumulate, chain, pairwise
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save_file
from tokenizers import Encoding, Tokenizer

FEW_CHARACTERS = 4000


@dataclass
class Pieces:
    """The pieces of one text.

    Attributes:
        ids: their numbers, shape (pieces,).
        offsets: where each starts and ends in the text, shape (pieces, 2).
    """

    ids: np.ndarray
    offsets: np.ndarray

    def __len__(self) -> int:
        """How many they are."""
        return len(self.ids)

    def truncate(self, length: int) -> None:
        """Keep the first pieces only."""
        self.ids, self.offsets = self.ids[:length], self.offsets[:length]


Encoded = Encoding | Pieces


def as_pieces(found: Sequence[Encoding]) -> list[Pieces]:
    """What `tokenizers` gives for texts, as arrays."""
    total = sum(map(len, found))
    ids = np.fromiter(chain.from_iterable(one.ids for one in found), np.int64, total)
    pairs = chain.from_iterable(chain.from_iterable(one.offsets for one in found))
    offsets = np.fromiter(pairs, np.int64, 2 * total).reshape(-1, 2)
    ends = accumulate(map(len, found), initial=0)
    return [Pieces(ids[begin:end], offsets[begin:end]) for begin, end in pairwise(ends)]


class BriefTokenizer:
    """Encodes the first few texts by a shortlist of pieces, and all later ones by the whole tokenizer."""

    def __init__(self, path: Path, index: Path) -> None:
        """Open `tokenizer.json` at `path`; its index lies at `index`, in a folder that is there, or is made."""
        self._path = path
        if not index.exists() and _can_be_short(path):
            write_index(path, index)
        self._index = read_index(index) if index.exists() else None
        self._used = False

    @cached_property
    def _whole(self) -> Tokenizer:
        return Tokenizer.from_file(str(self._path))

    def encode(self, text: str) -> Pieces:
        """The pieces of one text, between its specials."""
        return self._index.encode([text], specials=True)[0] if self._index else as_pieces([self._whole.encode(text)])[0]

    def encode_batch(self, texts: Sequence[str], *, add_special_tokens: bool = True) -> list[Pieces]:
        """The pieces of texts."""
        if self._index and not self._used and self._index.can_encode(texts):
            self._used = True
            return self._index.encode(texts, specials=add_special_tokens)
        return as_pieces(self._whole.encode_batch(texts, add_special_tokens=add_special_tokens))


def _can_be_short(path: Path) -> bool:
    content = json.loads(path.read_text(encoding="utf-8"))
    model, processor = content["model"], content["post_processor"] or {}
    if (model["type"], processor.get("type")) != ("Unigram", "TemplateProcessing"):
        return False
    return all(token["id"] < len(model["vocab"]) for token in content["added_tokens"])


def read_index(path: Path) -> "Index":
    """Read what `write_index` wrote."""
    with safe_open(path, "np") as file:
        skeleton = json.loads(file.metadata()["tokenizer"])
        return Index(skeleton, **{name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118


def write_index(tokenizer: Path, index: Path) -> None:
    """Sort the pieces of a `tokenizer.json` by their hashes and write them, with all else that it says."""
    skeleton = json.loads(tokenizer.read_text(encoding="utf-8"))
    vocabulary = skeleton["model"].pop("vocab")
    texts = [piece.encode() for piece, _ in vocabulary]
    hashes = _hashes(texts)
    order = np.argsort(hashes, kind="stable")
    scores = np.array([score for _, score in vocabulary])
    special = {token["content"].encode() for token in skeleton["added_tokens"]}
    # What is no piece at all costs ten less than the unlikeliest piece, which must therefore be at hand.
    kept = [number for number, text in enumerate(texts) if text in special] + [int(scores.argmin())]
    arrays = {
        "hashes": hashes[order],
        "numbers": order.astype(np.int64),
        "scores": scores,
        "ends": np.cumsum([len(text) for text in texts]),
        "letters": np.frombuffer(b"".join(texts), np.uint8),
        "always": np.array(sorted({*kept, skeleton["model"]["unk_id"]})),
        "longest": np.array([max(len(piece) for piece, _ in vocabulary)]),
    }
    partial = index.with_suffix(f".{os.getpid()}.partial")  # two processes may make it at once
    save_file(arrays, partial, metadata={"tokenizer": json.dumps(skeleton)})
    partial.replace(index)


def _hashes(texts: Iterable[bytes]) -> np.ndarray:
    return np.frombuffer(b"".join(blake2b(text, digest_size=8).digest() for text in texts), np.uint64)


@dataclass(frozen=True)
class Index:
    """The pieces of a Unigram tokenizer, found by their hashes.

    Attributes:
        skeleton: `tokenizer.json` without its vocabulary.
        hashes: of all pieces, in order, shape (pieces,).
        numbers: of the pieces in that order, shape (pieces,).
        scores: log-probability of each piece by number, shape (pieces,).
        ends: where each piece ends in `letters`, by number, shape (pieces,).
        letters: the UTF-8 bytes of all pieces, laid end to end.
        always: numbers of the pieces that are on every shortlist.
        longest: characters of the longest piece, shape (1,).
    """

    skeleton: dict[str, Any]
    hashes: np.ndarray
    numbers: np.ndarray
    scores: np.ndarray
    ends: np.ndarray
    letters: np.ndarray
    always: np.ndarray
    longest: np.ndarray

    def can_encode(self, texts: Sequence[str]) -> bool:
        """Whether the texts are few and short, and none spells a special out, at which the whole would cut it."""
        short = sum(map(len, texts)) <= FEW_CHARACTERS
        return short and not any(token["content"] in text for token in self.skeleton["added_tokens"] for text in texts)

    def encode(self, texts: Sequence[str], *, specials: bool) -> list[Pieces]:
        """The pieces of a few texts, with specials around them or without."""
        numbers = self._shortlist(self._substrings(texts))
        found = self._tokenizer(numbers).encode_batch(texts, add_special_tokens=specials)
        return [Pieces(numbers[one.ids], one.offsets) for one in as_pieces(found)]

    def _substrings(self, texts: Sequence[str]) -> list[bytes]:
        bare = self._tokenizer(self.always)
        longest = int(self.longest[0])
        found = set()
        for text in texts:
            plain = bare.normalizer.normalize_str(text) if bare.normalizer else text
            parts = bare.pre_tokenizer.pre_tokenize_str(plain) if bare.pre_tokenizer else [(plain, (0, 0))]
            for part, _ in parts:
                size = len(part)
                found |= {part[i:j] for i in range(size) for j in range(i + 1, min(size, i + longest) + 1)}
        return [piece.encode() for piece in found]

    def _shortlist(self, candidates: list[bytes]) -> np.ndarray:
        hashes = _hashes(candidates)
        places = np.minimum(np.searchsorted(self.hashes, hashes), len(self.hashes) - 1)
        likely = np.flatnonzero(self.hashes[places] == hashes).tolist()
        numbers = self.numbers[places[likely]].tolist()
        same = [
            number for place, number in zip(likely, numbers, strict=True) if self._piece(number) == candidates[place]
        ]
        return np.array(sorted({*self.always.tolist(), *same}))

    def _piece(self, number: int) -> bytes:
        begin = self.ends[number - 1] if number else 0
        return self.letters[begin : self.ends[number]].tobytes()

    def _tokenizer(self, numbers: np.ndarray) -> Tokenizer:
        """The tokenizer with these pieces alone, numbered anew in the same order."""
        places = {number: place for place, number in enumerate(numbers.tolist())}
        vocabulary = [(self._piece(number).decode(), float(self.scores[number])) for number in places]
        model = {**self.skeleton["model"], "unk_id": places[self.skeleton["model"]["unk_id"]], "vocab": vocabulary}
        added = [{**token, "id": places[token["id"]]} for token in self.skeleton["added_tokens"]]
        processor = self.skeleton["post_processor"]
        specials = {
            name: {**special, "ids": [places[number] for number in special["ids"]]}
            for name, special in processor["special_tokens"].items()
        }
        around = {**processor, "special_tokens": specials}
        content = {**self.skeleton, "model": model, "added_tokens": added, "post_processor": around}
        return Tokenizer.from_str(json.dumps(content))

"""What students learn from: sentences of many files, cut to pieces, and the teacher who tags them."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from ..checkpoint import Checkpoint, max_pieces, plain_config
from ..data import Sentence, draw
from ..recipe import World
from .ner import IGNORE, MAX_PIECES, encode

# The tag of words whose tag nobody knows.
UNKNOWN = ""
EXPONENT = 0.5
# Of so many languages and more, a twentieth of the text each is enough to draw from.
MANY = 20


@dataclass(frozen=True)
class Material:
    """Sentences and the teacher whose answers to them a student learns.

    Attributes:
        teacher: whose vocabulary the pieces are of.
        encoded: piece ids and piece tags of each sentence, as `ner.encode` gives them by the teacher's numbers of tags.
        groups: number of the file or text that each sentence is from, shape (sentences,).
        shared: where the teacher's outputs are kept.
    """

    teacher: Checkpoint
    encoded: Sequence[tuple[np.ndarray, np.ndarray]]
    groups: np.ndarray
    shared: Path

    @cached_property
    def lengths(self) -> np.ndarray:
        """Pieces of each sentence, shape (sentences,)."""
        return np.array([len(pieces) for pieces, _ in self.encoded])

    @cached_property
    def key(self) -> str:
        """A hash of the pieces and of the vocabulary's size."""
        total = hashlib.sha256(f"{self.teacher.sha256} {self.teacher.config.vocab_size}".encode())
        for pieces, _ in self.encoded:
            total.update(pieces.tobytes() + b"\n")
        return total.hexdigest()[:16]


def gather(parts: Sequence[Sequence[Sentence]], count: int, *, teacher: Checkpoint, world: World) -> Material:
    """Draw about `count` sentences, of a part with n sentences in proportion to the square root of n, and encode them.

    Text that was read up to a limit counts as far as it was read.

    Args:
        parts: sentences by file or text; those of `unlabelled` have no task loss.
        count: how many in all; fewer where parts do not hold their share.
        teacher: `world.teacher`, or a copy of it with a smaller vocabulary.
        world: seed and the place for outputs.
    """
    filled = [list(part) for part in parts if part]
    roots = np.array([len(part) for part in filled]) ** EXPONENT
    shares = np.ceil(count * roots / max(roots.sum(), 1)).astype(int).tolist()
    drawn = [draw(part, share, world.seed) for part, share in zip(filled, shares, strict=True)]
    longest = min(MAX_PIECES, max_pieces(plain_config(teacher)))
    encoded = encode(teacher.tokenizer, [s for part in drawn for s in part], labels=teacher.labels, longest=longest)
    groups = np.repeat(np.arange(len(drawn)), [len(part) for part in drawn])
    return Material(teacher, encoded, groups, world.shared)


def with_labels(material: Material) -> Material:
    """The sentences of a material that have a known tag."""
    known = [index for index, (_, tags) in enumerate(material.encoded) if (tags != IGNORE).any()]
    return replace(
        material,
        encoded=[material.encoded[index] for index in known],
        groups=material.groups[np.array(known, dtype=np.int64)],
    )


def unlabelled(texts: Mapping[str, Sequence[tuple[str, ...]]]) -> list[list[Sentence]]:
    """Texts as sentences without known tags, language by language."""
    return [[Sentence(words, (UNKNOWN,) * len(words)) for words in texts[code]] for code in sorted(texts)]


def labelled(world: World, languages: Sequence[str] = ()) -> list[list[Sentence]]:
    """Labelled sentences, file by file: of the languages named, else of those that the build is restricted to."""
    files, wanted = world.labelled(), languages or world.languages
    return [list(files[key]) for key in sorted(files) if not wanted or key[1] in wanted]


def text(world: World, count: int, languages: Sequence[str] = ()) -> list[list[Sentence]]:
    """Unlabelled sentences of each language, for `gather` to draw `count` of.

    Args:
        world: whose sentences.
        count: how many will be drawn, so that not much more text than that is read.
        languages: of these alone; empty for those that the build is restricted to, else for all.
    """
    wanted = languages or world.languages
    return unlabelled(world.unlabelled(wanted, max(count // min(len(wanted) or MANY, MANY), 1)))

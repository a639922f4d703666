"""The teacher's own tags, for what cannot be learnt without labels where there are none."""

from collections.abc import Sequence

from ..checkpoint import Checkpoint, max_pieces, plain_config
from ..data import Sentence
from .material import UNKNOWN
from .ner import IGNORE, MAX_PIECES, collate, encode
from .outputs import BATCH, LOGITS, Answering


def tagged(parts: Sequence[Sequence[Sentence]], teacher: Checkpoint) -> list[list[Sentence]]:
    """The same sentences with the tags that a teacher gives their words, at their first pieces.

    Args:
        parts: sentences by file or text, whose tags say nothing.
        teacher: of any labels; a word beyond its longest input, or without a piece of its own, has no known tag.
    """
    answering = Answering(teacher)
    return [
        [
            sentence
            for start in range(0, len(part), BATCH)
            for sentence in _tagged(part[start : start + BATCH], teacher, answering)
        ]
        for part in parts
    ]


def _tagged(sentences: Sequence[Sentence], teacher: Checkpoint, answering: Answering) -> list[Sentence]:
    # Words that are tagged by their own numbers say which piece is whose.
    numbers = [str(word) for word in range(max(len(sentence.words) for sentence in sentences))]
    numbered = [Sentence(sentence.words, tuple(numbers[: len(sentence.words)])) for sentence in sentences]
    longest = min(MAX_PIECES, max_pieces(plain_config(teacher)))
    batch = collate(
        encode(teacher.tokenizer, numbered, labels=numbers, longest=longest), int(teacher.config.pad_token_id or 0)
    )
    best = answering(batch, ())[LOGITS].argmax(dim=-1).tolist()
    found = []
    for sentence, owners, answers in zip(sentences, batch["labels"].tolist(), best, strict=True):
        tags = {word: teacher.labels[tag] for word, tag in zip(owners, answers, strict=True) if word != IGNORE}
        found.append(Sentence(sentence.words, tuple(tags.get(word, UNKNOWN) for word in range(len(sentence.words)))))
    return found

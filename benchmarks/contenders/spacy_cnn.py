"""spaCy: a blank multi-language pipeline whose convolutional tagger learns from the training files measured."""

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..rival import Entity, Job, Made, Tag

EPOCHS, BATCH, DROPOUT = 8, 32, 0.1


@dataclass(frozen=True)
class SpacyCNN(Made):
    """`spacy.blank("xx")` with the `ner` component as it comes (hash embeddings, four convolutions of width 96)."""

    environment = "spacy"
    libraries = ("spacy", "thinc")
    trained = True

    @property
    def name(self) -> str:
        """What tables call it."""
        return "spaCy, CNN"

    def make(self, job: Job, folder: Path) -> None:
        """Train from scratch, and keep the mean of the weights over all steps."""
        import spacy

        spacy.util.fix_random_seed(job.seed)
        shuffled = random.Random(job.seed)
        nlp = spacy.blank("xx")
        nlp.add_pipe("ner")
        examples = _examples(nlp, Path(job.training))
        optimizer = nlp.initialize(lambda: examples)
        for _ in range(EPOCHS):
            shuffled.shuffle(examples)
            for begin in range(0, len(examples), BATCH):
                nlp.update(examples[begin : begin + BATCH], sgd=optimizer, drop=DROPOUT)
        with nlp.use_params(optimizer.averages):
            nlp.to_disk(folder)

    def open(self, job: Job) -> Tag:
        """Load the pipeline; spaCy runs it on one thread."""
        import spacy

        nlp = spacy.load(job.model)

        def tag(texts: Sequence[str], language: str) -> list[list[Entity]]:
            return [[(e.start_char, e.end_char, e.label_) for e in doc.ents] for doc in nlp.pipe(texts)]

        return tag


def _examples(nlp: Any, path: Path) -> list[Any]:
    from spacy.training import Example

    with path.open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return [Example.from_dict(nlp.make_doc(row["text"]), {"entities": row["entities"]}) for row in rows]

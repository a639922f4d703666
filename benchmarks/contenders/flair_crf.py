"""flair: a BiLSTM-CRF that learns its word and character embeddings from the training files measured."""

import json
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..rival import Entity, Job, Made, Tag

EPOCHS, BATCH, LEARNING_RATE = 12, 16, 2e-3
TAGGING_BATCH = 32
WORD_WIDTH, HIDDEN, MIN_COUNT = 100, 256, 2
FILE = "model.pt"


@dataclass(frozen=True)
class FlairCRF(Made):
    """`SequenceTagger` over random embeddings, so nothing is downloaded (Lample et al. 2016).

    flair keeps models as pickles; the only one that is ever loaded is the one made here.
    """

    environment = "flair"
    libraries = ("flair", "torch")
    trained = True

    @property
    def name(self) -> str:
        """What tables call it."""
        return "flair, BiLSTM-CRF"

    def make(self, job: Job, folder: Path) -> None:
        """Train from scratch."""
        import flair
        import torch

        flair.set_seed(job.seed)
        torch.set_num_threads(1)  # more would only wait for each other over matrices this small
        shuffled = random.Random(job.seed)
        with Path(job.training).open(encoding="utf-8") as lines:
            sentences = [_labelled(json.loads(line)) for line in lines]
        tagger = _untrained(sentences)
        optimizer = torch.optim.Adam(tagger.parameters(), lr=LEARNING_RATE)
        for _ in range(EPOCHS):
            shuffled.shuffle(sentences)
            for begin in range(0, len(sentences), BATCH):
                _update(tagger, optimizer, sentences[begin : begin + BATCH])
        tagger.save(folder / FILE)

    def open(self, job: Job) -> Tag:
        """Load the tagger; it cuts raw text by its own default tokenizer."""
        import torch
        from flair.data import Sentence
        from flair.models import SequenceTagger

        torch.set_num_threads(job.threads)
        tagger = SequenceTagger.load(job.model / FILE)

        def tag(texts: Sequence[str], language: str) -> list[list[Entity]]:
            sentences = [Sentence(text) for text in texts]
            tagger.predict(sentences, mini_batch_size=TAGGING_BATCH)
            found = [sentence.get_spans("ner") for sentence in sentences]
            return [[(span.start_position, span.end_position, span.tag) for span in spans] for spans in found]

        return tag


def _update(tagger: Any, optimizer: Any, batch: list[Any]) -> None:
    import torch

    tagger.train()
    loss, count = tagger.forward_loss(batch)
    optimizer.zero_grad()
    (loss / count).backward()
    torch.nn.utils.clip_grad_norm_(tagger.parameters(), 5.0)
    optimizer.step()
    for sentence in batch:
        sentence.clear_embeddings()


def _labelled(row: dict[str, Any]) -> Any:
    from flair.data import Sentence

    sentence = Sentence(row["words"])
    for begin, end, label in row["spans"]:
        sentence[begin:end].add_label("ner", label)
    return sentence


def _untrained(sentences: Sequence[Any]) -> Any:
    from flair.data import Dictionary
    from flair.embeddings import CharacterEmbeddings, OneHotEmbeddings, StackedEmbeddings
    from flair.models import SequenceTagger

    words = Counter(token.text for sentence in sentences for token in sentence)
    characters = Counter("".join(words.elements()))
    labels = Dictionary(add_unk=False)
    for label in sorted({span.tag for sentence in sentences for span in sentence.get_spans("ner")}):
        labels.add_item(label)
    labels.span_labels = True
    of_words = OneHotEmbeddings(_dictionary(words), embedding_length=WORD_WIDTH)
    # Tokens lay their embeddings side by side by name, and a loaded tagger's have other names: those of words must come
    # last, or their places change.
    embeddings = StackedEmbeddings([CharacterEmbeddings(_dictionary(characters)), of_words])
    return SequenceTagger(embeddings=embeddings, tag_dictionary=labels, tag_type="ner", hidden_size=HIDDEN)


def _dictionary(counts: Counter[str]) -> Any:
    from flair.data import Dictionary

    found = Dictionary()
    for item, count in counts.items():
        if count >= MIN_COUNT:
            found.add_item(item)
    return found

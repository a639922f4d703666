from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tiny
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import AutoTokenizer, BertForTokenClassification

from mma_core.data import TAGS, Sentence
from mma_core.training.teacher import IGNORE, MAX_PIECES, collate, encode, training_corpora, write_checkpoint


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
    batch = collate(encoded, pad=3, where=torch.device("cpu"))
    assert batch["input_ids"].tolist() == [[5, 6, 7], [8, 3, 3]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1], [1, 0, 0]]
    assert batch["labels"].tolist() == [[IGNORE, 1, 0], [2, IGNORE, IGNORE]]
    assert {tensor.dtype for tensor in batch.values()} == {torch.int64}


def test_a_checkpoint_is_a_stock_folder(tiny_teacher: Callable[[str], Path], tmp_path: Path) -> None:
    model = BertForTokenClassification.from_pretrained(tiny_teacher("bert"))
    built = tiny.tokenizer("bert")
    folder = write_checkpoint(model, built, tmp_path / "checkpoint")
    again = BertForTokenClassification.from_pretrained(folder)
    assert all(torch.equal(value, again.state_dict()[name]) for name, value in model.state_dict().items())
    assert AutoTokenizer.from_pretrained(folder)("Angela besuchte")["input_ids"] == built.encode("Angela besuchte").ids


def test_only_licensed_corpora_are_trained_on(tmp_path: Path) -> None:
    for name in ("wikineural/de", "transfer/de", "transfer/fi"):
        path = tmp_path / "ner" / name / "train.conll"
        path.parent.mkdir(parents=True)
        path.write_text("Angela\tB-PER\n", encoding="utf-8")
    found = [(corpus.source, corpus.language) for corpus in training_corpora(tmp_path)]
    assert found == [("transfer", "fi"), ("wikineural", "de")]

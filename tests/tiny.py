"""Checkpoints of every allowed shape that take milliseconds: 2 layers × 32, random weights, a few hundred pieces."""

import json
from pathlib import Path
from typing import Any

import torch
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import AutoConfig, AutoModelForTokenClassification

from mma_core.data import TAGS, Sentence

MODEL_TYPES = ("bert", "distilbert", "roberta", "xlm-roberta")
PIECES = 200
POSITIONS = 128
WORDPIECE_SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
ROBERTA_SPECIALS = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]

_MARKED = (
    "Angela/B-PER Merkel/I-PER besuchte gestern Siemens/B-ORG in München/B-LOC .",
    "Priya/B-PER Nair/I-PER joined Rolls-Royce/B-ORG in Derby/B-LOC after her doctorate .",
    "Анна/B-PER Каренина/I-PER живёт в Москве/B-LOC .",
    "وصلت فاطمة/B-PER إلى جدة/B-LOC .",
    "王/B-PER 在 北/B-LOC 京/I-LOC 工 作 。",
    "Amina/B-PER anafanya kazi Nairobi/B-LOC kwa Safaricom/B-ORG .",
    "Nothing happened here , and nobody came .",
    "Jean-Paul/B-PER Sartre/I-PER quitta Paris/B-LOC pour Le/B-LOC Havre/I-LOC .",
)


def corpus() -> list[Sentence]:
    """A few labelled sentences in five scripts."""
    cells = [[cell.partition("/") for cell in text.split()] for text in _MARKED]
    return [Sentence(tuple(word for word, _, _ in row), tuple(tag or "O" for _, _, tag in row)) for row in cells]


def tokenizer(model_type: str) -> Tokenizer:
    """A tokenizer of the kind that goes with the model type, trained on the corpus."""
    text = [" ".join(sentence.words) for sentence in corpus()] * 3
    if model_type == "roberta":
        return _byte_level(text)
    if model_type == "xlm-roberta":
        return _unigram(text)
    return _wordpiece(text, cased=model_type == "bert")


def _wordpiece(text: list[str], *, cased: bool) -> Tokenizer:
    built = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    built.normalizer = normalizers.BertNormalizer(lowercase=not cased, strip_accents=not cased)
    built.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    built.decoder = decoders.WordPiece()
    trainer = trainers.WordPieceTrainer(vocab_size=PIECES, special_tokens=WORDPIECE_SPECIALS, show_progress=False)
    built.train_from_iterator(text, trainer)
    built.post_processor = processors.TemplateProcessing("[CLS] $A [SEP]", None, [("[CLS]", 2), ("[SEP]", 3)])
    return built


def _unigram(text: list[str]) -> Tokenizer:
    built = Tokenizer(models.Unigram())
    built.normalizer = normalizers.Sequence(
        [normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")]
    )
    built.pre_tokenizer = pre_tokenizers.Metaspace()
    built.decoder = decoders.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=PIECES, special_tokens=ROBERTA_SPECIALS[:4], unk_token="<unk>", show_progress=False
    )
    built.train_from_iterator(text, trainer)
    built.add_special_tokens([AddedToken("<mask>", lstrip=True, normalized=False, special=True)])
    built.post_processor = processors.TemplateProcessing("<s> $A </s>", None, [("<s>", 0), ("</s>", 2)])
    return built


def _byte_level(text: list[str]) -> Tokenizer:
    built = Tokenizer(models.BPE())
    built.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    built.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=PIECES + 128,  # 256 bytes come first
        special_tokens=ROBERTA_SPECIALS,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    built.train_from_iterator(text, trainer)
    built.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    return built


def write(model_type: str, folder: Path) -> Path:
    """Write a stock checkpoint folder: config, safetensors, tokenizer."""
    built = tokenizer(model_type)
    torch.manual_seed(7)
    model = AutoModelForTokenClassification.from_config(_config(model_type, built.get_vocab_size()))
    model.save_pretrained(folder)
    built.save(str(folder / "tokenizer.json"))
    bos, pad, eos, unk, mask = _special_names(model_type)
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": POSITIONS,
        **{"bos_token": bos, "cls_token": bos, "eos_token": eos, "sep_token": eos},
        **{"pad_token": pad, "unk_token": unk, "mask_token": mask},
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    return folder


def _special_names(model_type: str) -> list[str]:
    if model_type in {"bert", "distilbert"}:
        pad, unk, cls, sep, mask = WORDPIECE_SPECIALS
        return [cls, pad, sep, unk, mask]
    return ROBERTA_SPECIALS


def _config(model_type: str, pieces: int) -> Any:
    shape: dict[str, Any] = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
    shape |= {"intermediate_size": 64, "initializer_range": 0.3, "pad_token_id": 0}
    if model_type == "distilbert":
        shape = {"dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 64, "initializer_range": 0.3, "pad_token_id": 0}
    if model_type in {"roberta", "xlm-roberta"}:
        shape |= {"pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2, "type_vocab_size": 1}
    return AutoConfig.for_model(
        model_type,
        vocab_size=pieces,
        max_position_embeddings=POSITIONS,
        id2label=dict(enumerate(TAGS)),
        label2id={tag: index for index, tag in enumerate(TAGS)},
        **shape,
    )

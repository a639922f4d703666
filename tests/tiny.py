"""Checkpoints of every allowed shape that take milliseconds: 2 layers × 32, random weights, some 200 pieces."""

import json
import math
from collections import Counter
from pathlib import Path
from typing import Any

import torch
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import AutoConfig, AutoModelForTokenClassification

from mma_core.data import TAGS, Sentence

MODEL_TYPES = ("bert", "distilbert", "roberta", "xlm-roberta")
LONGER = 60  # pieces of more than one character
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
    """A tokenizer of the kind that goes with the model type; the same in every run, as library trainers are not."""
    words = [word for sentence in corpus() for word in sentence.words]
    if model_type == "roberta":
        return _byte_level(words)
    if model_type == "xlm-roberta":
        return _unigram(words)
    return _wordpiece(words, cased=model_type == "bert")


def _wordpiece(words: list[str], *, cased: bool) -> Tokenizer:
    normalizer = normalizers.BertNormalizer(lowercase=not cased, strip_accents=not cased)
    pieces = _pieces([normalizer.normalize_str(word) for word in words], start="", inside="##")
    vocabulary = {piece: index for index, piece in enumerate([*WORDPIECE_SPECIALS, *pieces])}
    built = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    built.normalizer = normalizer
    built.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    built.decoder = decoders.WordPiece()
    built.add_special_tokens(WORDPIECE_SPECIALS)
    built.post_processor = processors.TemplateProcessing("[CLS] $A [SEP]", None, [("[CLS]", 2), ("[SEP]", 3)])
    return built


def _unigram(words: list[str]) -> Tokenizer:
    counts = Counter({"▁": 1, **_pieces(words, start="▁", inside="")})
    scores = [(piece, math.log(count / counts.total())) for piece, count in counts.items()]
    built = Tokenizer(models.Unigram([*((text, 0.0) for text in ROBERTA_SPECIALS[:4]), *scores], unk_id=3))
    built.normalizer = normalizers.Sequence(
        [normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")]
    )
    built.pre_tokenizer = pre_tokenizers.Metaspace()
    built.decoder = decoders.Metaspace()
    built.add_special_tokens([AddedToken(text, normalized=False, special=True) for text in ROBERTA_SPECIALS[:4]])
    built.add_special_tokens([AddedToken("<mask>", lstrip=True, normalized=False, special=True)])
    built.post_processor = processors.TemplateProcessing("<s> $A </s>", None, [("<s>", 0), ("</s>", 2)])
    return built


def _pieces(words: list[str], *, start: str, inside: str) -> Counter[str]:
    """Every character, at a word's start and inside, and the most frequent longer runs; with their counts."""
    runs = Counter(
        (start if first == 0 else inside) + word[first : first + length]
        for word in words
        for length in (1, 2, 3, 4)
        for first in range(len(word) - length + 1)
    )
    single = {mark + character for word in words for character in word for mark in (start, inside)}
    longer = sorted(runs.keys() - single, key=lambda piece: (-runs[piece], piece))[:LONGER]
    return Counter({piece: runs[piece] + 1 for piece in [*sorted(single), *longer]})


def _byte_level(words: list[str]) -> Tokenizer:
    built = Tokenizer(models.BPE())
    built.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    built.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=len(ROBERTA_SPECIALS) + 256 + LONGER,
        special_tokens=ROBERTA_SPECIALS,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    built.train_from_iterator(words, trainer)
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


def fitted(folder: Path, *, spoilt: str = "") -> Path:
    """Write a BERT that tags its corpus with wide margins, as a trained teacher does and a random one does not.

    Args:
        folder: where.
        spoilt: "weights" gives one matrix weights that no 8 bits hold, a column of 1,000 for a channel that is
            always zero; "pieces" gives it activations that are huge for one word-piece of all, and come to nothing.
    """
    write("bert", folder)
    model = AutoModelForTokenClassification.from_pretrained(folder)
    ids, mask, tags = _batch()
    last = model.bert.encoder.layer[-1]
    # Activations can be missed only if all that the model knows stands where they are.
    learning = (
        [*last.intermediate.parameters(), *last.output.parameters()] if spoilt == "pieces" else model.parameters()
    )
    optimiser = torch.optim.AdamW(learning, lr=5e-3)
    for _ in range(600 if spoilt == "pieces" else 120):
        model(ids, attention_mask=mask, labels=tags).loss.backward()
        optimiser.step()
        model.zero_grad()
    if spoilt == "weights":
        last.intermediate.dense.weight.data[0], last.intermediate.dense.bias.data[0] = 0, 0
        last.output.dense.weight.data[:, 0] = 1000
    if spoilt == "pieces":
        _spoil(model, ids, outside=tags == 0)
    model.save_pretrained(folder)
    return folder


@torch.no_grad()
def _spoil(model: Any, ids: torch.Tensor, outside: torch.Tensor) -> None:
    layer = model.bert.encoder.layer[-1]
    inner, outer = layer.intermediate.dense, layer.output.dense
    seen: list[torch.Tensor] = []
    hook = inner.register_forward_hook(lambda _module, given, _result: seen.append(given[0]))
    model(ids, attention_mask=(ids != 0).long())
    hook.remove()
    rows = seen[0][ids != 0]
    directions = torch.linalg.solve(rows.T.cov() + 1e-3 * torch.eye(rows.shape[1]), (rows - rows.mean(0)).T)
    alike = rows @ directions  # (piece, direction of a piece)
    own, others = alike.diagonal(), (alike - 1e9 * torch.eye(len(rows))).amax(0)
    # What a huge activation costs its own piece must not be an entity.
    best = int(torch.where(outside[ids != 0], own - others, -torch.inf).argmax())
    scale = 4000 / float(own[best] - others[best])
    assert scale > 0
    inner.weight[0] = scale * directions[:, best]
    inner.bias[0], outer.weight[:, 0] = -scale / 2 * (own[best] + others[best]), 0


def _batch() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    built = tokenizer("bert")
    rows = []
    for sentence in corpus():
        words = [built.encode(word, add_special_tokens=False).ids for word in sentence.words]
        tags = [TAGS.index(tag) for tag, pieces in zip(sentence.tags, words, strict=True) for _ in pieces]
        rows.append(([2, *(piece for pieces in words for piece in pieces), 3], [0, *tags, 0]))
    longest = max(len(ids) for ids, _ in rows)
    ids = torch.tensor([row + [0] * (longest - len(row)) for row, _ in rows])
    tags = torch.tensor([row + [-100] * (longest - len(row)) for _, row in rows])
    return ids, (tags != -100).long(), tags

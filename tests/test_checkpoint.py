"""Loading checkpoints of every kind, and cutting them."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import tiny
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from transformers import AutoConfig, AutoModelForTokenClassification

from mma_core import checkpoint, sources
from mma_core.data import TAGS
from mma_core.errors import ArtifactError

Teachers = Callable[[str], Path]
TEXT = "Angela Merkel besuchte München ."


@pytest.fixture
def folder(tiny_teacher: Teachers, tmp_path: Path) -> Path:
    """A copy to spoil."""
    return shutil.copytree(tiny_teacher("bert"), tmp_path / "teacher")


def logits(model: checkpoint.Checkpoint, text: str = TEXT) -> torch.Tensor:
    with torch.inference_mode():
        return model.model(torch.tensor([model.tokenizer.encode(text).ids])).logits[0]


@pytest.mark.parametrize("model_type", tiny.MODEL_TYPES)
def test_every_kind_loads(tiny_teacher: Teachers, model_type: str) -> None:
    loaded = checkpoint.load(str(tiny_teacher(model_type)))
    stored = load_file(tiny_teacher(model_type) / "model.safetensors")
    assert loaded.labels == list(TAGS)
    assert not loaded.model.training
    assert {parameter.dtype for parameter in loaded.model.parameters()} == {torch.float32}
    assert loaded.parameters == sum(tensor.numel() for tensor in stored.values())
    assert logits(loaded).shape == (len(loaded.tokenizer.encode(TEXT).ids), len(TAGS))
    assert loaded.sha256 == sources.locate(str(tiny_teacher(model_type))).sha256


def test_own_padding_and_truncation_are_switched_off(folder: Path) -> None:
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_truncation(4)
    tokenizer.enable_padding(length=64)
    tokenizer.save(str(folder / "tokenizer.json"))
    loaded = checkpoint.load(str(folder)).tokenizer
    assert loaded.encode(TEXT).ids == tiny.tokenizer("bert").encode(TEXT).ids


@pytest.mark.parametrize(
    ("tag", "standard"),
    [
        ("O", "O"),
        ("o", "O"),
        ("OTHER", "O"),
        ("B-PER", "B-PER"),
        ("I-LOC", "I-LOC"),
        ("B-PERSON", "B-PER"),
        ("B-person", "B-PER"),
        ("I_ORGANIZATION", "I-ORG"),
        ("B-GPE", "B-LOC"),
        ("S-PER", "B-PER"),
        ("U-ORG", "B-ORG"),
        ("E-LOC", "I-LOC"),
        ("L-LOC", "I-LOC"),
        ("M-LOC", "I-LOC"),
        ("PER", "I-PER"),
        ("LOCATION", "I-LOC"),
        ("B-MISC", "B-MISC"),
        ("I-date", "I-DATE"),
        ("MISC", "I-MISC"),
    ],
)
def test_labels_of_other_sets(tag: str, standard: str) -> None:
    assert checkpoint.standard_tag(tag) == standard


def test_labels_are_mapped_on_loading(folder: Path) -> None:
    names = ["O", "B-PERSON", "E-PERSON", "S-ORG", "LOC", "B-MISC", "I-MISC"]
    path = folder / "config.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    content |= {"id2label": dict(enumerate(names)), "label2id": {name: index for index, name in enumerate(names)}}
    path.write_text(json.dumps(content), encoding="utf-8")
    loaded = checkpoint.load(str(folder))
    assert loaded.labels == ["O", "B-PER", "I-PER", "B-ORG", "I-LOC", "B-MISC", "I-MISC"]
    assert checkpoint.plain_config(loaded)["id2label"]["2"] == "I-PER"


# The recurrent student has no positions: its limit is its teacher's (tests/training/test_recurrent.py).
@pytest.mark.parametrize("model_type", sorted({*sources.MODEL_TYPES} - {"xtreme"}))
def test_max_pieces_is_what_the_model_can_take(model_type: str) -> None:
    config = AutoConfig.for_model(
        model_type, vocab_size=50, hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
        max_position_embeddings=40, intermediate_size=16, **({"embedding_size": 16} if model_type == "electra" else {}),
    )  # fmt: skip
    model = AutoModelForTokenClassification.from_config(config).eval()
    most = checkpoint.max_pieces(json.loads(config.to_json_string(use_diff=False)))

    def run(pieces: int) -> torch.Tensor:
        ids = torch.full((1, pieces), 7)
        return model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits

    with torch.inference_mode():
        assert run(most).shape[1] == most
        with pytest.raises((IndexError, RuntimeError)):
            run(most + 1)


@pytest.mark.parametrize("model_type", tiny.MODEL_TYPES)
def test_with_layers(tiny_teacher: Teachers, model_type: str) -> None:
    whole = checkpoint.load(str(tiny_teacher(model_type)))
    before = logits(whole)
    cut = whole.with_layers([1])
    assert cut.config.num_hidden_layers == 1
    assert whole.config.num_hidden_layers == 2
    assert torch.equal(logits(whole), before)
    kept = {name: tensor for name, tensor in whole.model.state_dict().items() if "layer.0." not in name}
    moved = {name.replace("layer.1.", "layer.0."): tensor for name, tensor in kept.items()}
    assert cut.model.state_dict().keys() == moved.keys()
    assert all(torch.equal(tensor, moved[name]) for name, tensor in cut.model.state_dict().items())
    assert torch.equal(logits(whole.with_layers([0, 1])), before)
    assert not torch.allclose(logits(cut), before)


@pytest.mark.parametrize("model_type", tiny.MODEL_TYPES)
def test_with_vocabulary(tiny_teacher: Teachers, model_type: str) -> None:
    whole = checkpoint.load(str(tiny_teacher(model_type)))
    rows = whole.model.get_input_embeddings().weight
    kept = [0, 1, 2, 3, 10, 20, 30]
    cut = whole.with_vocabulary(kept, whole.tokenizer)
    assert torch.equal(cut.model.get_input_embeddings().weight, rows[kept])
    assert cut.config.vocab_size == len(kept)
    assert cut.config.pad_token_id == whole.config.pad_token_id
    assert cut.parameters == whole.parameters - (len(rows) - len(kept)) * rows.shape[1]
    ids = torch.tensor([[0, 4, 5, 6, 2]])
    with torch.inference_mode():
        ours = cut.model(ids).logits
        theirs = whole.model(torch.tensor([[0, 10, 20, 30, 2]])).logits
    assert torch.allclose(ours, theirs, atol=1e-6)


def test_padding_id_moves_with_its_row(tiny_teacher: Teachers) -> None:
    cut = checkpoint.load(str(tiny_teacher("bert")))
    cut.config.pad_token_id = 10
    moved = cut.with_vocabulary([2, 3, 10, 20], cut.tokenizer)
    assert moved.config.pad_token_id == 2


def test_damaged_weights(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ArtifactError, match="could not be loaded"):
        checkpoint.load(str(folder))


def test_missing_tensors_are_never_made_up(folder: Path) -> None:
    tensors = load_file(folder / "model.safetensors")
    del tensors["classifier.weight"]
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ArtifactError, match=r"lacks 1 tensors, such as classifier\.weight"):
        checkpoint.load(str(folder))


def test_damaged_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ArtifactError, match="could not be loaded"):
        checkpoint.load(str(folder))


def test_more_pieces_than_rows(folder: Path) -> None:
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.add_tokens(["neu"])
    tokenizer.save(str(folder / "tokenizer.json"))
    with pytest.raises(ArtifactError, match=r"its tokenizer has \d+ pieces, its embeddings \d+ rows"):
        checkpoint.load(str(folder))


def test_an_artifact_is_not_told_where_the_checkpoint_lay(tiny_teacher: Callable[[str], Path]) -> None:
    folder = tiny_teacher("bert")
    assert str(folder) not in str(checkpoint.plain_config(checkpoint.load(str(folder))))

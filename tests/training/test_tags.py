"""The teacher's own tags, where labels are wanted and there are none."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tiny
import torch

from mma_core import checkpoint
from mma_core.data import Sentence
from mma_core.training.material import UNKNOWN, unlabelled
from mma_core.training.ner import IGNORE, encode
from mma_core.training.outputs import BATCH
from mma_core.training.tags import tagged

ROUNDING = 0.05  # of logits, where the teacher answers in bf16


@pytest.mark.parametrize("model_type", tiny.MODEL_TYPES)
def test_tags_are_the_teachers_at_first_pieces(tiny_teacher: Callable[[str], Path], model_type: str) -> None:
    teacher = checkpoint.load(str(tiny_teacher(model_type)))
    texts = {"de": [s.words for s in tiny.corpus()] * (BATCH // 4), "sw": [("Juma", "Nairobi")]}
    german, swahili = tagged(unlabelled(texts), teacher)
    assert [sentence.words for sentence in german] == texts["de"]
    assert len(swahili) == 1
    for sentence, (pieces, tags) in zip(german, encode(teacher.tokenizer, german, labels=teacher.labels), strict=True):
        with torch.inference_mode():
            logits = teacher.model(torch.from_numpy(pieces)[None]).logits[0].numpy()
        assert (tags != IGNORE).sum() == len([tag for tag in sentence.tags if tag != UNKNOWN])
        known = np.flatnonzero(tags != IGNORE)
        # The teacher answers in bf16 where the processor can, so of two tags that are as good either may win.
        assert (logits[known].max(axis=1) - logits[known, tags[known]] < 0.1).all()


def test_words_beyond_the_teachers_longest_input_stay_unknown(tiny_teacher: Callable[[str], Path]) -> None:
    teacher = checkpoint.load(str(tiny_teacher("bert")))
    ((found,),) = tagged([[Sentence(("Anna",) * 500, (UNKNOWN,) * 500)]], teacher)
    known = [tag != UNKNOWN for tag in found.tags]
    assert known[0]
    assert not known[-1]
    assert known == sorted(known, reverse=True)
    assert tagged([], teacher) == []

"""F1 of recipes on the same sentences: one after the other here, or shared among processes."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from .. import build
from ..data import Sentence
from ..recipe import parse
from ..runtime import Tagger
from .accuracy import Accuracy, accuracy

SEED = 13


@dataclass(frozen=True)
class Task:
    """One recipe to be scored on some sentences by another process; its artifact must have been built."""

    recipe: str
    teacher: str
    threads: int
    sentences: Sequence[Sentence]


Share = Callable[[Callable[[Task], Accuracy], Iterable[Task]], Iterable[Accuracy]]


def scored(tagger: Tagger, sentences: Sequence[Sentence]) -> Accuracy:
    """Tag sentences and compare with their gold tags."""
    tagged = tagger.tag([sentence.words for sentence in sentences])
    return accuracy([sentence.tags for sentence in sentences], [one.tags for one in tagged], SEED)


def score(task: Task) -> Accuracy:
    """The same in a process that works for others: it keeps its taggers open until it ends."""
    return scored(_tagger(task.recipe, task.teacher, task.threads), task.sentences)


@cache
def _tagger(recipe: str, teacher: str, threads: int) -> Tagger:
    return build.tagger(parse(recipe), teacher=teacher, threads=threads)

"""F1 under perturbation: recipes × corpora × perturbations × strengths, row by row into a table."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from itertools import islice, product
from pathlib import Path

from .. import build, orders, results, sources
from ..data import Corpus, Sentence, draw, read_conll
from ..errors import DataError
from ..languages import language
from ..progress import Report, quiet
from ..recipe import Recipe
from ..results import SCHEMA, UNPERTURBED, Robustness
from .accuracy import accuracy
from .bench import SENTENCES, cpu
from .perturb import PERTURBATIONS, Material, Perturbation, entities, words
from .scoring import SEED

# What changes at one strength changes at all higher ones, so F1 falls steadily: three points show where it bends.
STRENGTHS = (0.25, 0.5, 1.0)
# Of each file so many sentences give the entities and English words that perturbations draw from.
DRAWN_FROM = 2000


@dataclass(frozen=True)
class Plan:
    """What to measure.

    Attributes:
        recipes: which ones.
        corpora: on which labelled files.
        perturbations: under which changes.
        sources: the files that give entities and English words.
        teacher: the recipes' teacher.
        sentences: at most so many of each corpus, drawn by seed.
        command: what is stored beside each row as the way to get it again.
    """

    recipes: Sequence[Recipe]
    corpora: Sequence[Corpus]
    perturbations: Sequence[Perturbation]
    sources: Sequence[Corpus]
    teacher: str = "multi"
    sentences: int = SENTENCES
    command: str = ""


@dataclass(frozen=True)
class _Trial:
    """One corpus, ready to be perturbed."""

    corpus: Corpus
    sentences: Sequence[Sentence]
    material: Material


def chosen(names: Sequence[str]) -> list[Perturbation]:
    """The perturbations of these names; all for none.

    Raises:
        DataError: a name is not registered.
    """
    for name in names:
        if name not in PERTURBATIONS:
            raise DataError(f"unknown perturbation {name!r}; known: {', '.join(PERTURBATIONS)}")
    return [one for name, one in PERTURBATIONS.items() if not names or name in names]


def measure(
    plan: Plan,
    table: Path,
    *,
    report: Report = quiet,
    say: Callable[[str], None] = lambda line: None,
) -> list[Robustness]:
    """Measure what the table lacks, and add it perturbation by perturbation.

    Rows count that were measured on this CPU, on as many sentences, with the same seed, weights, way to build and, of
    what trains, budget.

    Args:
        plan: what to measure.
        table: where the rows go.
        report: progress.
        say: is told which perturbations do not apply to which languages, and why.

    Returns:
        All rows of the plan, those that were there already too.

    Raises:
        MMAError: a recipe cannot be built, a corpus not be read.
    """
    trials = _trials(plan)
    for line in _skipped(trials, plan.perturbations):
        say(line)
    there = {row.key: row for row in results.rows(table, Robustness)}
    jobs = list(product(dict.fromkeys(plan.recipes), trials))
    rows: list[Robustness] = []
    for done, (recipe, trial) in enumerate(jobs):
        report(done / len(jobs), f"{recipe}: {trial.corpus.language}, {trial.corpus.source}")
        subject = _Subject(plan, recipe, trial)
        for wanted in _wanted(trial, plan.perturbations):
            found = [there.get(subject.key(*one)) for one in wanted]
            fresh = [] if all(map(subject.fits, found)) else [subject.row(*one) for one in wanted]
            results.append(table, fresh)
            rows += fresh or [row for row in found if row is not None]
    return rows


def _trials(plan: Plan) -> list[_Trial]:
    pools: dict[str, list[Sentence]] = {}
    for corpus in plan.sources:
        pools.setdefault(corpus.language, []).extend(islice(read_conll(corpus.path), DRAWN_FROM))
    mentions = {code: entities.mentions(pool) for code, pool in pools.items()}
    trials = []
    for corpus in plan.corpora:
        sentences = draw(corpus.sentences, plan.sentences, SEED)
        if not sentences:
            raise DataError(f"{corpus.path} holds no sentences to measure on")
        english = words.english_for(pools.get(corpus.language, sentences), pools.get(words.ENGLISH, []))
        trials.append(_Trial(corpus, sentences, Material(language(corpus.language), mentions, english)))
    return trials


def _skipped(trials: Iterable[_Trial], perturbations: Iterable[Perturbation]) -> Iterator[str]:
    for one in perturbations:
        reasons: dict[str, dict[str, None]] = {}
        for trial in trials:
            reasons.setdefault(one.lacks(trial.material), {})[trial.corpus.language] = None
        for reason, codes in reasons.items():
            if reason:
                yield f"{one.name} is skipped for {', '.join(codes)}: {reason}"


Point = tuple[Perturbation | None, float]


def _wanted(trial: _Trial, perturbations: Iterable[Perturbation]) -> list[list[Point]]:
    """What is measured together: the sentences as they are, then each perturbation that applies."""
    wanted: list[list[Point]] = [[(None, 0.0)]]
    for one in perturbations:
        if not one.lacks(trial.material):
            wanted.append([(one, strength) for strength in STRENGTHS])
    return wanted


def _name(perturbation: Perturbation | None) -> str:
    return perturbation.name if perturbation else UNPERTURBED


class _Subject:
    """One recipe on one corpus; opened when the first row is measured."""

    def __init__(self, plan: Plan, recipe: Recipe, trial: _Trial) -> None:
        self._plan, self._recipe, self._trial = plan, recipe, trial

    @cached_property
    def _weights(self) -> str:
        return sources.locate(self._plan.teacher).sha256[:12]

    @cached_property
    def _budget(self) -> str:
        return build.budget_of(self._recipe, teacher=self._plan.teacher)

    def fits(self, row: Robustness | None) -> bool:
        """Whether a row is of as many sentences, the same seed, and these weights as they are built and trained now."""
        made = (len(self._trial.sentences), SEED, self._weights, orders.revision(self._recipe), self._budget)
        return row is not None and (row.sentences, row.seed, row.weights, row.revision, row.budget) == made

    def key(self, perturbation: Perturbation | None, strength: float) -> tuple:
        """Of the row that these give."""
        corpus = self._trial.corpus
        place = (str(self._recipe), self._plan.teacher, corpus.language, corpus.source)
        return *place, _name(perturbation), strength, cpu()

    def row(self, perturbation: Perturbation | None, strength: float) -> Robustness:
        """Perturb, tag and score."""
        given = self._trial.sentences
        sentences = list(given)
        if perturbation is not None:
            material = self._trial.material
            numbered = enumerate(given)
            sentences = [perturbation.apply(s, material, strength=strength, seed=(SEED, n)) for n, s in numbered]
        scores = accuracy([sentence.tags for sentence in sentences], self._tagged(sentences), SEED)
        corpus = self._trial.corpus
        return Robustness(
            recipe=str(self._recipe),
            teacher=self._plan.teacher,
            language=corpus.language,
            dataset=corpus.source,
            perturbation=_name(perturbation),
            strength=strength,
            f1=scores.f1,
            f1_low=scores.f1_low,
            f1_high=scores.f1_high,
            change=round(scores.f1 - self._f1, 2),
            changed=round(100 * sum(a != b for a, b in zip(given, sentences, strict=True)) / len(given), 1),
            sentences=len(given),
            seed=SEED,
            cpu=cpu(),
            date=datetime.now(UTC).date().isoformat(),
            command=self._plan.command,
            weights=self._weights,
            revision=orders.revision(self._recipe),
            schema=SCHEMA,
            counts=scores.counts,
            budget=self._budget,
        )

    @cached_property
    def _f1(self) -> float:
        return accuracy([sentence.tags for sentence in self._trial.sentences], self._plain, SEED).f1

    @cached_property
    def _plain(self) -> list[list[str]]:
        return self._tag(self._trial.sentences)

    def _tagged(self, sentences: Sequence[Sentence]) -> list[list[str]]:
        """Tags of sentences; those that did not change keep theirs, so that F1 differs by what changed alone."""
        changed = [new.words != old.words for new, old in zip(sentences, self._trial.sentences, strict=True)]
        wanted = [sentence for sentence, new in zip(sentences, changed, strict=True) if new]
        fresh = iter(self._tag(wanted) if wanted else ())
        return [next(fresh) if new else plain for new, plain in zip(changed, self._plain, strict=True)]

    def _tag(self, sentences: Sequence[Sentence]) -> list[list[str]]:
        tagger = build.tagger(self._recipe, teacher=self._plan.teacher)
        return [tagged.tags for tagged in tagger.tag([sentence.words for sentence in sentences])]

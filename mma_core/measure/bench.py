"""One row a recipe and data set: accuracy, speed, memory and energy beside the teacher's, in one run."""

import hashlib
import json
import math
import platform
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from .. import build, machine, making, orders, sources
from ..data import Corpus, Sentence, draw
from ..errors import DataError
from ..folders import cache_root
from ..pieces import join
from ..progress import Report, portion, quiet
from ..recipe import Recipe, parse
from ..results import SCHEMA, Measurement
from ..runtime import Tagger
from .accuracy import Accuracy
from .energy import Meter, Spent
from .fresh import fresh
from .journal import Journal
from .scoring import SEED, Share, Task, score, scored
from .speed import PROTOCOL, Speed, speed

SENTENCES = 400
SPEED_SENTENCES = 24
# All that take turns are open at once. One takes from a tenth of a gigabyte to a whole one, open for both jobs.
AT_ONCE = 24
ROOM_BYTES = 800_000_000
# The meter's grain is a hundredth of a second.
ENERGY_SECONDS = 0.25
ENERGY_ROUNDS = 3
# The standard errors that a speed-up may have, as shares of it: its mean over the data sets, and each set's.
MEAN_ERROR, SET_ERROR = 0.02, 0.12
TEACHER = "teacher"


@dataclass(frozen=True)
class _Facts:
    """What a recipe's row says whatever the data."""

    size_mb: float
    parameters: int
    embedding_parameters: int
    nonzero_parameters: int
    cold_start_s: float
    peak_rss_mb: float
    budget: str


@dataclass(frozen=True)
class _Weighed:
    """A recipe's facts, and what tells its artifact from any other build: its manifest."""

    facts: _Facts
    manifest: Mapping[str, Any]


@dataclass(frozen=True)
class _Run:
    """What all rows of a run share."""

    teacher: str
    weights: str
    threads: int
    command: str
    meter: Meter
    share: Share | None


def bench(  # noqa: PLR0913  (what is measured, on what, how, and what is told of it)
    recipes: Sequence[Recipe],
    corpora: Sequence[Corpus],
    *,
    teacher: str = "multi",
    sentences: int = SENTENCES,
    threads: int | None = None,
    command: str = "",
    report: Report = quiet,
) -> Iterator[Measurement]:
    """Measure recipes beside their teacher, which always runs too.

    Accuracy is measured on up to `sentences` sentences of each corpus, speed on up to 24 of them: recipes and teacher
    take turns, raw text in, spans out, until the mean speed-up of each over the corpora is known well enough; of many
    recipes as many at a time as the memory holds, at most 24, each group beside the teacher.

    Args:
        recipes: what to measure.
        corpora: labelled files.
        teacher: the recipes' teacher.
        sentences: at most so many of each corpus, drawn by seed.
        threads: of each tagger; as many as this process may use by default.
        command: what is stored beside each row as the way to get it again.
        report: progress.

    Yields:
        One measurement for each corpus and recipe, corpus by corpus within a group of recipes.

    Raises:
        MMAError: a recipe cannot be built or a corpus not be read.
    """
    # Read first: a bad line shall not be found after minutes of building.
    chosen = [drawn(corpus, sentences) for corpus in corpora]
    together = groups(recipes)
    for number, group in enumerate(together):
        tell = portion(report, number / len(together), (number + 1) / len(together))
        stand = partial(set_up, group, teacher=teacher, threads=threads, command=command, report=tell)
        yield from _rows(stand, corpora, chosen, tell)


def groups(recipes: Iterable[Recipe]) -> list[list[Recipe]]:
    """Recipes without repetition, in order, as many together as may be open at once."""
    distinct = list(dict.fromkeys(recipes))
    together = min(AT_ONCE, max(1, machine.available_memory() // ROOM_BYTES))
    return [distinct[first : first + together] for first in range(0, len(distinct), together)]


def _rows(
    set_up: Callable[[], "Stand"], corpora: Sequence[Corpus], chosen: Sequence[list[Sentence]], report: Report
) -> Iterator[Measurement]:
    """The rows of one group, whose taggers are closed after the last."""
    stand = set_up()
    for done, (corpus, sample) in enumerate(zip(corpora, chosen, strict=True)):
        report(0.2 + 0.8 * done / len(corpora), f"{corpus.language}, {corpus.source}")
        yield from stand.rows(corpus, sample, stand.recipes, Journal(), sets=len(corpora))


def drawn(corpus: Corpus, count: int) -> list[Sentence]:
    """The sentences of a corpus to measure on.

    Args:
        corpus: a labelled file.
        count: at most so many, drawn by seed.

    Raises:
        DataError: the file cannot be read, or holds none.
    """
    chosen = draw(corpus.sentences, count, SEED)
    if not chosen:
        raise DataError(f"{corpus.path} holds no sentences to measure on")
    return chosen


@dataclass(frozen=True)
class Stand:
    """Recipes and their teacher, built, opened and weighed: ready to be measured on one corpus after another.

    Attributes:
        recipes: those asked for; the teacher runs beside them in any case.
        taggers: of each recipe and the teacher.
    """

    recipes: Sequence[str]
    taggers: Mapping[str, Tagger]
    _weighed: Mapping[str, _Weighed]
    _run: _Run

    def journal(self, corpus: Corpus, sentences: Sequence[Sentence], recipes: Sequence[str]) -> Journal:
        """The journal of these recipes, as they are built here, on these sentences; in the cache."""
        manifests = {name: dict(self._weighed[name].manifest) for name in (TEACHER, *recipes)}
        content = [SCHEMA, PROTOCOL, orders.versions(), self._run.weights, self._run.threads, cpu(), SEED, manifests]
        words = [[sentence.words, sentence.tags] for sentence in sentences]
        key = hashlib.sha256(json.dumps([content, words]).encode()).hexdigest()[:16]
        return Journal(journals() / f"{journal_of(corpus)}{key}.jsonl")

    def rows(
        self, corpus: Corpus, sentences: Sequence[Sentence], recipes: Sequence[str], journal: Journal, *, sets: int = 1
    ) -> list[Measurement]:
        """One measurement for each of these recipes, which are some of the stand's.

        Args:
            corpus: what the sentences are of.
            sentences: labelled.
            recipes: which ones; the teacher runs beside them.
            journal: of these arguments; what it has is not measured again.
            sets: on how many data sets in all they will be measured: the more, the fewer rounds of speed each needs.
        """
        taggers = {name: self.taggers[name] for name in dict.fromkeys((TEACHER, *recipes))}
        accuracies = self._accuracies(taggers, sentences, journal)
        timed = sentences[:SPEED_SENTENCES]
        texts = [join(sentence.words)[0] for sentence in timed]
        wanted = min(MEAN_ERROR * math.sqrt(sets), SET_ERROR)
        speeds = speed(taggers, texts, corpus.language, journal, standard_error=wanted)
        energies = {
            name: self._energy(name, partial(tagger.tag_texts, texts, corpus.language), speeds[name].seconds, journal)
            for name, tagger in taggers.items()
        }
        base = _Base(corpus, self._run, sentences, timed, accuracies[TEACHER], speeds[TEACHER])
        return [
            base.row(name, accuracies[name], speeds[name], self._weighed[name].facts, energies[name])
            for name in recipes
        ]

    def _accuracies(
        self, taggers: Mapping[str, Tagger], sentences: Sequence[Sentence], journal: Journal
    ) -> dict[str, Accuracy]:
        missing = [name for name in taggers if _scores(name) not in journal]
        if self._run.share is None:
            found: Iterator[Accuracy] = (scored(taggers[name], sentences) for name in missing)
        else:
            found = iter(self._run.share(score, [Task(name, self._run.teacher, 1, sentences) for name in missing]))
        # In the order of `missing`: so each is kept as soon as it is there.
        return {name: Accuracy(**journal.once(_scores(name), lambda: asdict(next(found)))) for name in taggers}

    def _energy(self, name: str, once: Callable[[], object], seconds: float, journal: Journal) -> Spent:
        """What one pass takes: the power while there are many, the median of some rounds, times the seconds of one."""
        times = math.ceil(ENERGY_SECONDS / seconds)

        def found() -> list[dict[str, Any]]:
            once()  # a tagger whose rounds are of an earlier process is not warm yet
            return [asdict(self._run.meter.spent(lambda: [once() for _ in range(times)])) for _ in range(ENERGY_ROUNDS)]

        rounds = [Spent(**spent) for spent in journal.once(f"energy of {name}", found)]
        median = sorted(rounds, key=lambda spent: spent.watts)[len(rounds) // 2]
        return replace(median, joules=median.watts * seconds, seconds=seconds)


def journals() -> Path:
    """Where journals are kept."""
    return cache_root() / "journals"


def journal_of(corpus: Corpus) -> str:
    """What the names of the journals of a corpus begin with."""
    return f"{corpus.language}-{corpus.source}-"


def _scores(name: str) -> str:
    """What a journal calls the accuracy of a recipe."""
    return f"accuracy of {name}"


def set_up(
    recipes: Sequence[Recipe],
    *,
    teacher: str,
    threads: int | None = None,
    share: Share | None = None,
    command: str = "",
    report: Report = quiet,
) -> Stand:
    """Build and open recipes and their teacher, and weigh each in a fresh process.

    Args:
        recipes: as `bench` takes them, and so the other arguments, but for one.
        teacher: theirs.
        threads: of each tagger.
        share: shares the recipes' scoring among processes, as the `map` of a pool does; by default it is done here, as
            speed is in any case, alone.
        command: stored beside each row.
        report: progress.

    Raises:
        MMAError: a recipe cannot be built.
    """
    asked = list(dict.fromkeys(map(str, recipes)))
    names = list(dict.fromkeys([TEACHER, *asked]))
    run = _Run(
        teacher, sources.locate(teacher).sha256[:12], threads or machine.available_threads(), command, Meter(), share
    )
    taggers = {}
    for done, name in enumerate(names):
        report(0.2 * done / len(names), f"opening {name}")
        taggers[name] = build.tagger(parse(name), teacher=teacher, threads=run.threads, report=quiet)
    return Stand(asked, taggers, {name: _weigh(name, run) for name in names}, run)


@dataclass(frozen=True)
class _Base:
    """What the rows of one corpus share."""

    corpus: Corpus
    run: _Run
    sentences: Sequence[Sentence]
    timed: Sequence[Sentence]
    accuracy: Accuracy
    speed: Speed

    def row(self, name: str, scores: Accuracy, times: Speed, facts: _Facts, energy: Spent) -> Measurement:
        """The measurement of one recipe."""
        words = sum(len(sentence.words) for sentence in self.sentences)
        timed_words = sum(len(sentence.words) for sentence in self.timed)
        speedup, low, high = times.over(self.speed)
        return Measurement(
            recipe=name,
            language=self.corpus.language,
            dataset=self.corpus.source,
            **scores.__dict__,
            sentences=len(self.sentences),
            words=words,
            words_per_s=round(timed_words / times.seconds, 1),
            sentences_per_s=round(len(self.timed) / times.seconds, 2),
            model_share=round(100 * times.model_share, 1),
            latency_ms_p50=round(times.latency_ms_p50, 2),
            latency_ms_p95=round(times.latency_ms_p95, 2),
            **facts.__dict__,
            energy_j_per_1k_words=round(1000 * energy.joules / timed_words, 3),
            energy_source=energy.source,
            speedup=round(speedup, 3),
            speedup_low=round(low, 3),
            speedup_high=round(high, 3),
            retention=round(100 * scores.f1 / self.accuracy.f1, 2) if self.accuracy.f1 else 0.0,
            teacher=self.run.teacher,
            weights=self.run.weights,
            threads=self.run.threads,
            command=self.run.command,
            cpu=cpu(),
            date=datetime.now(UTC).date().isoformat(),
            seed=SEED,
            revision=orders.revision(parse(name)),
            rounds=len(times.rounds),
            schema=SCHEMA,
        )


@lru_cache
def cpu() -> str:
    """The processor's name, its cores in use and the instruction sets that matter here."""
    info = Path("/proc/cpuinfo")
    if not info.exists():
        return platform.processor() or platform.machine()
    lines = dict(line.split(":", 1) for line in info.read_text().splitlines() if ":" in line)
    fields = {key.strip(): value.strip() for key, value in lines.items()}
    known = ("avx2", "avx512f", "avx512_vnni", "avx_vnni", "avx512_bf16", "amx_int8", "amx_bf16")
    sets = [name for name in known if name in fields.get("flags", "").split()]
    name = fields.get("model name", platform.machine())
    model = f"family {fields.get('cpu family', '?')} model {fields.get('model', '?')}"
    return f"{name} ({model}), {machine.available_threads()} cores, {' '.join(sets)}"


def _weigh(name: str, run: _Run) -> _Weighed:
    recipe = parse(name)
    texts = ["Ada Lovelace met Charles Babbage in London."] * 32
    started = fresh(name, teacher=run.teacher, threads=run.threads, texts=texts, language="en")
    if recipe.is_teacher:
        from ..checkpoint import load

        size, budget = sum((sources.locate(run.teacher).folder / file).stat().st_size for file in sources.FILES), ""
        sizes, manifest = making.parameter_counts(load(run.teacher)), {}
    else:
        made = build.build(recipe, teacher=run.teacher)
        size, budget, manifest = made.size_bytes, made.manifest.get("budget", ""), made.manifest
        sizes = {name: manifest[name] for name in making.PARAMETERS}
    return _Weighed(_Facts(round(size / 1e6, 1), **sizes, **started.__dict__, budget=budget), manifest)

"""One row a recipe and data set: accuracy, speed, memory and energy beside the teacher's, in one run."""

import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from .. import build, engines, sources
from ..data import Corpus, Sentence, draw
from ..errors import DataError
from ..pieces import join
from ..recipe import Recipe, parse
from ..results import Measurement
from ..runtime import Tagger
from .accuracy import Accuracy, accuracy
from .energy import NONE, SOURCE, joules, spent
from .memory import peak_rss_mb
from .speed import Speed, speed

SEED = 13
SENTENCES = 400
SPEED_SENTENCES = 24
TEACHER = "teacher"

Report = Callable[[float, str], None]


@dataclass(frozen=True)
class _Facts:
    """What a recipe's row says whatever the data: size, parameters and peak memory."""

    size_mb: float
    parameters: int
    peak_rss_mb: float


def bench(
    recipes: Sequence[Recipe],
    corpora: Sequence[Corpus],
    *,
    teacher: str = "multi",
    sentences: int = SENTENCES,
    command: str = "",
    report: Report = lambda fraction, desc: None,
) -> Iterator[Measurement]:
    """Measure recipes beside their teacher, which always runs too.

    Accuracy is measured on up to `sentences` sentences of each corpus, speed on up to 24 of them: recipes and teacher
    take turns, raw text in, spans out, threads as many as this process may use.

    Args:
        recipes: what to measure.
        corpora: labelled files.
        teacher: the recipes' teacher.
        sentences: at most so many of each corpus, drawn by seed.
        command: what is stored beside each row as the way to get it again.
        report: progress.

    Yields:
        One measurement for each corpus and recipe.

    Raises:
        MMAError: a recipe cannot be built or a corpus not be read.
    """
    # Read first: a bad line shall not be found after minutes of building.
    drawn = [_drawn(corpus, sentences) for corpus in corpora]
    names = list(dict.fromkeys([TEACHER, *map(str, recipes)]))
    taggers = {}
    for done, name in enumerate(names):
        report(0.2 * done / len(names), f"opening {name}")
        taggers[name] = build.tagger(parse(name), teacher=teacher, report=_quiet)
    facts = {name: _facts(name, teacher) for name in names}
    for done, (corpus, chosen) in enumerate(zip(corpora, drawn, strict=True)):
        report(0.2 + 0.8 * done / len(corpora), f"{corpus.language}, {corpus.source}")
        for name, row in _rows(taggers, chosen, corpus, facts, teacher, command).items():
            if name in set(map(str, recipes)):
                yield row


def _drawn(corpus: Corpus, count: int) -> list[Sentence]:
    chosen = draw(corpus.sentences, count, SEED)
    if not chosen:
        raise DataError(f"{corpus.path} holds no sentences to measure on")
    return chosen


def _quiet(fraction: float, desc: str) -> None:
    pass


def _rows(
    taggers: Mapping[str, Tagger],
    sentences: Sequence[Sentence],
    corpus: Corpus,
    facts: Mapping[str, _Facts],
    teacher: str,
    command: str,
) -> dict[str, Measurement]:
    gold = [sentence.tags for sentence in sentences]
    accuracies, energies = {}, {}
    for name, tagger in taggers.items():
        before = joules()
        tagged = tagger.tag([sentence.words for sentence in sentences])
        energies[name] = spent(before, joules())
        accuracies[name] = accuracy(gold, [t.tags for t in tagged], SEED)
    timed = sentences[:SPEED_SENTENCES]
    speeds = speed(taggers, [join(sentence.words)[0] for sentence in timed], corpus.language)
    base = _Base(corpus, teacher, command, sentences, timed, accuracies[TEACHER], speeds[TEACHER])
    return {
        name: base.row(name, accuracies[name], speeds[name], facts[name], energies[name], tagger.threads)
        for name, tagger in taggers.items()
    }


@dataclass(frozen=True)
class _Base:
    """What the rows of one corpus share."""

    corpus: Corpus
    teacher: str
    command: str
    sentences: Sequence[Sentence]
    timed: Sequence[Sentence]
    accuracy: Accuracy
    speed: Speed

    def row(
        self, name: str, scores: Accuracy, times: Speed, facts: _Facts, energy: float | None, threads: int
    ) -> Measurement:
        """The measurement of one recipe."""
        words = sum(len(sentence.words) for sentence in self.sentences)
        timed_words = sum(len(sentence.words) for sentence in self.timed)
        return Measurement(
            recipe=name,
            teacher=self.teacher,
            language=self.corpus.language,
            dataset=self.corpus.source,
            **scores.__dict__,
            sentences=len(self.sentences),
            words=words,
            words_per_s=round(timed_words / times.seconds, 1),
            sentences_per_s=round(len(self.timed) / times.seconds, 2),
            latency_ms_p50=round(times.latency_ms_p50, 2),
            latency_ms_p95=round(times.latency_ms_p95, 2),
            **facts.__dict__,
            energy_j_per_1k_words=None if energy is None else round(1000 * energy / words, 3),
            energy_source=NONE if energy is None else SOURCE,
            speedup=round(self.speed.seconds / times.seconds, 3),
            retention=round(100 * scores.f1 / self.accuracy.f1, 2) if self.accuracy.f1 else 0.0,
            threads=threads,
            cpu=cpu(),
            date=datetime.now(UTC).date().isoformat(),
            seed=SEED,
            command=self.command,
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
    return f"{name} ({model}), {engines.available_threads()} cores, {' '.join(sets)}"


def _facts(name: str, teacher: str) -> _Facts:
    recipe = parse(name)
    texts = ["Ada Lovelace met Charles Babbage in London."] * 32
    peak = peak_rss_mb(name, teacher=teacher, texts=texts, language="en")
    if recipe.is_teacher:
        from ..checkpoint import load

        size = sum((sources.locate(teacher).folder / file).stat().st_size for file in sources.FILES)
        return _Facts(round(size / 1e6, 1), load(teacher).parameters, peak)
    made = build.build(recipe, teacher=teacher)
    return _Facts(round(made.size_bytes / 1e6, 1), made.manifest["parameters"], peak)

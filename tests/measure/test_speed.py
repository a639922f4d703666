"""A tagger that dawdles is seen to."""

import gc
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from itertools import count, cycle, groupby, pairwise
from types import SimpleNamespace

import pytest
from tokenizers import Encoding

from mma_core.decoding import PieceTags
from mma_core.measure import speed as room
from mma_core.measure.journal import Journal
from mma_core.measure.speed import LATENCY_ROUNDS, LATENCY_TEXTS, Speed, speed
from mma_core.runtime import Tagger
from mma_core.spans import Span

pytestmark = pytest.mark.usefixtures("short_rounds")


class Dawdler(Tagger):
    """Sleeps so many milliseconds a text, and longer once."""

    def __init__(self, milliseconds: float, calls: list[tuple[float, int]], share: float = 1.0) -> None:
        super().__init__(["O"], 1, 128)
        self.share = share
        self.milliseconds, self.calls = milliseconds, calls

    def encode(self, texts: Sequence[str]) -> Sequence[Encoding | None]:
        raise NotImplementedError

    def begin(
        self, texts: Sequence[str], encodings: Sequence[Encoding | None], crew: Executor | None
    ) -> Callable[[], PieceTags]:
        raise NotImplementedError

    def tag_texts(self, texts: Sequence[str], language: str) -> list[list[Span]]:
        self.calls.append((self.milliseconds, len(texts)))
        seconds = len(texts) * self.milliseconds / 1000
        self.model.start()
        time.sleep(self.share * seconds)
        self.model.stop()
        time.sleep((1 - self.share) * seconds)
        return [[] for _ in texts]


def test_ratios_are_those_of_the_taggers() -> None:
    calls: list[tuple[float, int]] = []
    texts = ["a"] * 3
    found = speed({"slow": Dawdler(100, calls), "fast": Dawdler(5, calls)}, texts, "en", Journal(), standard_error=1)
    assert found["slow"].seconds > 2 * found["fast"].seconds
    assert found["slow"].latency_ms_p50 > 2 * found["fast"].latency_ms_p50
    assert found["slow"].seconds >= 0.3
    assert all(row.latency_ms_p50 <= row.latency_ms_p95 for row in found.values())
    assert gc.isenabled()


def test_they_take_turns_and_the_fast_one_repeats() -> None:
    calls: list[tuple[float, int]] = []
    texts = ["a"] * (LATENCY_TEXTS + 5)
    speed({"one": Dawdler(20, calls), "two": Dawdler(0.5, calls)}, texts, "en", Journal(), standard_error=1)
    counts = [(name, len(list(calls))) for name, calls in groupby(call for call in calls if call[1] == len(texts))]
    (first, *rest), repeats = counts, counts[-1][1]
    # One pass to warm up and one that sets the repeats come before the rounds.
    assert first == ((20, len(texts)), 2)
    assert repeats > 5
    assert rest[0] == ((0.5, len(texts)), 2)
    assert rest[1:] == [((20, len(texts)), 1), ((0.5, len(texts)), repeats)] * room.LEAST_ROUNDS
    # Each length once before any is timed; then they take turns here too.
    turn = [(20, 1)] * LATENCY_TEXTS + [(0.5, 1)] * LATENCY_TEXTS
    assert calls[-len(turn) * (1 + LATENCY_ROUNDS) :] == turn * (1 + LATENCY_ROUNDS)


def test_no_round_finds_what_the_one_before_kept() -> None:
    done: list[str] = []

    class Forgetful(Dawdler):
        def forget(self) -> None:
            done.append("forget")

        def tag_texts(self, texts: Sequence[str], language: str) -> list[list[Span]]:
            done.append("tag")
            return super().tag_texts(texts, language)

    speed({"one": Forgetful(1, []), "other": Forgetful(1, [])}, ["a"], "de", Journal(), standard_error=1)
    assert [after for before, after in pairwise(done) if before == "forget"] == ["tag"] * done.count("forget")
    assert done.count("tag") == done.count("forget") + 2, "each warms up once"


def test_latencies_are_of_the_texts_of_all_rounds() -> None:
    found = room._speed([(1.0, 0.5)], [[1.0] * 5, [2.0] * 5, [100.0] * 5])
    assert (found.latency_ms_p50, found.latency_ms_p95) == (2, 100)


def test_a_round_that_is_known_is_not_run_again(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[float, int]] = []
    taggers = {"one": Dawdler(2, calls), "two": Dawdler(1, calls)}
    journal, texts = Journal(), ["a"] * (LATENCY_TEXTS + 1)
    journal.once("round 0", lambda: {"one": [7, 0.5], "two": [3, 0.25]})
    found = speed(taggers, texts, "en", journal, standard_error=1)
    assert (found["one"].rounds[0], found["two"].rounds[0]) == (7, 3)
    assert len(found["one"].rounds) == room.LEAST_ROUNDS
    calls.clear()
    assert speed(taggers, texts, "en", journal, standard_error=1) == found
    assert calls == []


def test_the_models_share_is_seen() -> None:
    found = speed(
        {"road": Dawdler(20, [], share=0.25), "model": Dawdler(20, [], share=0.9)},
        ["a"] * 5,
        "en",
        Journal(),
        standard_error=1,
    )
    assert found["road"].model_share == pytest.approx(0.25, rel=0.2)
    assert found["model"].model_share == pytest.approx(0.9, rel=0.2)


def test_a_tagger_is_as_fast_as_itself() -> None:
    one = Dawdler(10, [])
    found = speed({"teacher": one, "same": one}, ["a"] * 5, "en", Journal(), standard_error=1)
    ratio, low, high = found["same"].over(found["teacher"])
    assert low <= ratio <= high
    assert ratio == pytest.approx(1, abs=0.2)


def test_collections_find_nothing_old_while_it_runs_and_all_of_it_afterwards() -> None:
    frozen: list[int] = []

    def find() -> dict[str, tuple[float, float]]:
        frozen.append(gc.get_freeze_count())
        raise InterruptedError

    with pytest.MonkeyPatch.context() as patch, pytest.raises(InterruptedError):
        patch.setattr(room._Bulk, "round", lambda _bulk: find())
        speed({}, ["x"], "de", Journal(), standard_error=1)
    assert frozen[0] > 1000
    assert gc.get_freeze_count() == 0
    assert gc.isenabled()


def test_rounds_are_compared_with_each_other() -> None:
    drifting = Speed((1.0, 8.0, 2.0), 1.0, 1.0, 1.0)
    assert Speed((0.5, 4.0, 1.0), 1.0, 1.0, 1.0).over(drifting) == pytest.approx((2.0, 2.0, 2.0))
    assert Speed((4.0, 1.0, 0.5), 1.0, 1.0, 1.0).over(drifting)[0] == pytest.approx(2**1.25)


def test_a_speed_up_is_the_median_of_the_means_of_pairs_of_rounds() -> None:
    teacher = Speed((1.0, 2.0, 16.0), 1.0, 1.0, 1.0)
    ratio, low, high = Speed((1.0, 1.0, 1.0), 1.0, 1.0, 1.0).over(teacher)
    # The rounds' logarithms to base 2 are 0, 1, 4; the means of pairs 0, 0.5, 1, 2, 2.5, 4.
    assert (ratio, low, high) == pytest.approx((2**1.5, 2**0.125, 2**3.625))


def test_one_disturbed_round_hardly_matters() -> None:
    teacher, steady = Speed((1.0,) * 9, 1.0, 1.0, 1.0), [0.5] * 9
    ratio, low, high = Speed((*steady[:8], 50.0), 1.0, 1.0, 1.0).over(teacher)
    assert (ratio, high) == pytest.approx((2, 2))
    assert 0.02 < low < 2


@pytest.mark.parametrize(
    ("seconds", "error", "rounds"),
    [
        ([1.0] * 7, 1e-9, 3),
        ([1.0, 2.0] * 4, 0.5, 3),
        ([1.0, 2.0] * 4, 0.01, 8),
        ([1.0, 2.0, *[1.4] * 6], 0.1, 4),
    ],
)
def test_rounds_go_on_until_the_speed_up_is_known(seconds: list[float], error: float, rounds: int) -> None:
    journal = Journal()
    for number, restless in enumerate(seconds):
        # A drift that all share does not count.
        times = {"teacher": 2.0, "steady": 1.0, "other": restless}
        found = {name: [time * 3**number, 1.0] for name, time in times.items()}
        journal.once(f"round {number}", lambda found=found: found)
    taggers = {name: Dawdler(1, []) for name in ("teacher", "steady", "other")}
    speeds = speed(taggers, ["a"], "en", journal, standard_error=error)
    assert {name: len(one.rounds) for name, one in speeds.items()} == dict.fromkeys(taggers, rounds)


def test_rounds_end_when_their_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = count()  # a second a look, and there is one before each round beyond the third
    monkeypatch.setattr(room, "time", SimpleNamespace(monotonic=lambda: next(clock), perf_counter=time.perf_counter))
    monkeypatch.setattr(room, "MOST_SECONDS", 5)
    times = cycle([1.0, 2.0])
    monkeypatch.setattr(room._Bulk, "round", lambda _bulk: {"teacher": (2.0, 1.0), "restless": (next(times), 1.0)})
    taggers = {name: Dawdler(1, []) for name in ("teacher", "restless")}
    journal = Journal()
    found = speed(taggers, ["a"], "en", journal, standard_error=0.01)
    assert len(found["restless"].rounds) == 7
    again = speed(taggers, ["a"], "en", journal, standard_error=0.01)
    assert again["restless"].rounds == found["restless"].rounds, "what was cut off later gets no rounds more"


def test_the_teacher_alone_is_soon_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MOST_SECONDS", 60)
    alone = speed({"teacher": Dawdler(5, [])}, ["a"], "en", Journal(), standard_error=0)
    assert len(alone["teacher"].rounds) == 3

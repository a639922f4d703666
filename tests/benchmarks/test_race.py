"""Contenders take turns on equal texts."""

from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import race as room
from benchmarks.race import ROUNDS, SINGLES, TURN, WARM_UP_TEXTS, Finish, race, turns
from benchmarks.rival import Entity

Call = tuple[str, str, int]


class Runner:
    """Takes so many seconds a text, by its own word, and notes what it was given."""

    def __init__(self, name: str, pace: float, journal: list[Call]) -> None:
        self.name, self.pace, self.journal = name, pace, journal

    def tag(self, texts: Sequence[str], language: str) -> tuple[float, list[list[Entity]]]:
        self.journal.append((self.name, "tag", len(texts)))
        return self.pace * len(texts), [[(0, len(text), self.name)] for text in texts]

    def singles(self, texts: Sequence[str], language: str) -> list[float]:
        self.journal.append((self.name, "singles", len(texts)))
        return [self.pace for _ in texts]


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody's threads spin here."""
    monkeypatch.setattr(room, "PAUSE", 0)


def test_they_take_turns() -> None:
    journal: list[Call] = []
    texts = ["ab"] * (SINGLES + 5)
    names = ("one", "two", "three")
    found = race({name: Runner(name, place + 1.0, journal) for place, name in enumerate(names)}, texts, "en")
    warm_up, rest = journal[:3], journal[3:]
    assert warm_up == [(name, "tag", WARM_UP_TEXTS) for name in names]
    bulk, single = rest[: 3 * ROUNDS], rest[3 * ROUNDS :]
    turns = ["one", "two", "three", "two", "three", "one", "three", "one", "two"] * ROUNDS
    assert [name for name, _, _ in bulk] == turns[: 3 * ROUNDS]
    assert {(kind, count) for _, kind, count in bulk} == {("tag", len(texts))}
    assert {(kind, count) for _, kind, count in single} == {("singles", TURN)}
    assert Counter(name for name, _, _ in single) == dict.fromkeys(names, SINGLES // TURN)
    assert found["two"].seconds == 2.0 * len(texts)
    assert found["two"].singles == [2.0] * SINGLES
    assert found["two"].entities == [[(0, 2, "two")]] * len(texts)


def test_fewer_texts_than_a_turn() -> None:
    journal: list[Call] = []
    race({"one": Runner("one", 1.0, journal)}, ["a", "b"], "en")
    assert journal[-1] == ("one", "singles", 2)


def test_what_a_finish_says() -> None:
    finish = Finish(bulk=[3.0, 1.0, 8.0], singles=[0.01 * number for number in range(101)], entities=[])
    assert finish.seconds == 3
    assert finish.latency_ms(0.5) == pytest.approx(500)
    assert finish.latency_ms(0.95) == pytest.approx(950)


@given(st.integers(1, 6), st.integers(0, 8))
def test_every_round_has_everyone_once(contenders: int, rounds: int) -> None:
    names = [str(number) for number in range(contenders)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(room, "PAUSE", 0)
        order = list(turns(names, rounds))
    assert [sorted(order[begin : begin + contenders]) for begin in range(0, len(order), contenders)] == [names] * rounds
    assert [order[number * contenders] for number in range(rounds)] == [names[n % contenders] for n in range(rounds)]

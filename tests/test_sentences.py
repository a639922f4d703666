"""Sentences begin where readers would say so."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mma_core import sentences as room
from mma_core.sentences import sentences
from mma_core.spans import words


def cut(text: str, code: str) -> list[str]:
    borders = words(text, code)
    return [text[borders[part[0]].start : borders[part[-1]].end] for part in sentences(text, borders)]


@pytest.mark.parametrize(
    ("code", "parts"),
    [
        ("en", ["Angela Merkel came to Berlin.", "She met Dr. J. R. Smith of Acme Inc. in the U.S. Senate!", "Why?"]),
        ("en", ["He said \u201cI left.\u201d", "\u201cGood,\u201d she said.", "(Nobody laughed.)", "Then he went."]),
        ("en", ['"Stop!" he cried...', '"Please."']),
        ("de", ["Am 3. Oktober 1990 kam er nach Bonn.", "Papst Pius XII. sprach.", "Äpfel!", "Ölpreise steigen."]),
        ("hu", ["Az 1526. augusztus 29-i csata.", "II. Lajos elesett."]),
        ("es", ["¿Vienes?", "¡Claro!", "Voy a Madrid."]),
        ("ar", ["ذهب أحمد إلى القاهرة.", "هل عاد؟", "نعم عاد."]),
        ("hi", ["राम दिल्ली गया।", "वह कल लौटेगा।"]),
        ("am", ["አበበ አዲስ አበባ ሄደ።", "ነገ ይመለሳል።"]),
        ("ru", ["Анна живёт в Москве.", "А. С. Пушкин жил там."]),
        ("yo", ["Ó lọ sí Ìbàdàn.", "Ọ̀gá rẹ̀ wà níbẹ̀."]),
        ("sw", ["Dkt. Magufuli alifika St. Joseph.", "Alisema nini?"]),
        ("ko", ["김대중은 서울에 갔다.", "이명박은 부산에 갔다."]),
        ("de", ["„Das ist gut.“", "Merkel kam.", "»Gut.«", "Sie ging."]),
        ("es", ["Viajó a los EE. UU. en mayo.", "Luego volvió."]),
        ("hi", ["एम. एस. धोनी आए।", "आर. अश्विन गए।"]),
        ("ta", ["எம். ஜி. ராமச்சந்திரன் வந்தார்.", "அவர் சென்றார்."]),
        ("pl", ["Mieszka przy ul. Piotrkowskiej.", "Tam był prof. Kowalski."]),
        ("id", ["PT. Telkom di Jl. Sudirman.", "Itu besar."]),
        ("en", ["version 2.0 of node.js is out.", "It costs 3.5 dollars."]),
        ("en", ["no capital follows. so it is one sentence, e.g. this"]),
    ],
)
def test_a_text_comes_apart_into_its_sentences(code: str, parts: list[str]) -> None:
    assert cut(" ".join(parts), code) == parts


def test_scripts_without_spaces_need_none() -> None:
    parts = ["王小明去了北京。", "他在那里工作！", "你呢？"]
    assert cut("".join(parts), "zh") == parts
    assert cut("「行った。」と太郎は言った。花子は笑った。", "ja") == ["「行った。」と太郎は言った。", "花子は笑った。"]


def test_a_blank_line_ends_a_sentence_and_a_line_does_not() -> None:
    assert cut("Merkel in\nBerlin\n \nSiemens in München", "de") == ["Merkel in\nBerlin", "Siemens in München"]


def test_marks_alone_are_no_sentence() -> None:
    assert cut('Er ging . " ', "de") == ['Er ging . "']
    assert cut('" . ! ?', "de") == ['" . ! ?']
    assert cut("", "de") == []


def test_long_lines_of_marks_take_no_longer_than_others() -> None:
    for odd in (". (", ")]", "\n\n(", '."'):
        text = odd * 20_000
        borders = words(text, "en")
        began = time.process_time()
        sentences(text, borders)
        assert time.process_time() - began < 5, "quadratic, it takes minutes"


@given(st.text(st.sampled_from("aA.!?。\u201d\"») \n'।")), st.sampled_from(["en", "zh", "hi"]))
def test_what_has_no_mark_within_is_one_sentence_by_the_rules_too(text: str, code: str) -> None:
    borders = words(text, code)
    quick = sentences(text, borders)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(room, "_MAY_END", re.compile(""))
        assert sentences(text, borders) == quick


@given(st.text(st.sampled_from("aAéЯ王ก1.!?。\u201d\"(\u201e) \n'।")), st.sampled_from(["en", "zh", "hi", "th"]))
def test_every_word_is_in_one_sentence(text: str, code: str) -> None:
    borders = words(text, code)
    found = sentences(text, borders)
    assert [place for part in found for place in part] == list(range(len(borders)))
    assert all(found)

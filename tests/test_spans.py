import unicodedata
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mma_core import spans as room
from mma_core.data import TAGS
from mma_core.errors import DataError
from mma_core.languages import LANGUAGES, WordRule, language
from mma_core.spans import Span, Word, repair, spans, tags, words

codes = st.sampled_from(sorted(LANGUAGES))
# Pieces that the rules treat specially, so that random text meets them side by side.
_TRICKY = (
    *("Angela", "l'", "d’", "'s", "’", "J.-P.", "U.S.", ".", "...", "-", "–", "&", "@", "_", "3", "62,000", "3:1"),
    *(" ", "\u00a0", "\u3000", "\n", "\u200b", "\u200c", "\u200d", "\u0301", "é", "e\u0301", "ß"),
    *(
        "👨\u200d👩\u200d👧",
        "👍🏽",
        "🇩🇪",
        "1\ufe0f\u20e3",
        "東京",
        "カー",
        "ー",
        "Ａ１",
        "น้ำ",
        "ກຳ",
        "가",
        "\u1100\u1161\u11a8",
    ),
    *("محمد", "می\u200cخواهم", "क्ष"),
)
texts = st.one_of(st.text(), st.lists(st.sampled_from(_TRICKY), max_size=8).map("".join))
tag_lists = st.lists(st.sampled_from(TAGS), max_size=12)


def cut(text: str, code: str) -> list[str]:
    return [word.text for word in words(text, code)]


def invisible(character: str) -> bool:
    return character.isspace() or unicodedata.category(character) in {"Cc", "Cf"}


@given(texts, codes)
@example(" \u0308a", "en")
@example("\x1c\u200b", "zh")
def test_words_point_at_their_text_do_not_overlap_and_cover_all_that_is_visible(text: str, code: str) -> None:
    found = words(text, code)
    assert all(text[word.start : word.end] == word.text for word in found)
    assert all(before.end <= after.start for before, after in pairwise(found))
    covered = {index for word in found for index in range(word.start, word.end)}
    assert {index for index, character in enumerate(text) if not invisible(character)} <= covered
    assert not any(text[index].isspace() for index in covered)
    assert not any(all(map(invisible, word.text)) for word in found)


runs = st.lists(
    st.sampled_from(
        [
            *_TRICKY,
            *(" ", "n't", "ng'", "1.", "FC", ",", " und ", "Dr", "ʼ", "½", "\x1c"),
            *("東京都庁", "カタカナ", "ひらが", "한국어", "ー", "\u3099", "\ufe00", ".", "王.明."),
        ]
    ),
    max_size=16,
)


# Words between marks, abbreviations and what looks like them.
marked = st.tuples(
    st.sampled_from(["", "", "(", '"', "“", "«", "((", "("]),
    st.sampled_from(
        [
            *("Capt", "Kft", "Inc", "Jr", "nr", "NR", "etc", "tel", "św", "Merkel", "Mark", "ist", "A", "Ä", "é", "EU"),
            *("12", "a1", "2b", "Nord-", "wọn", "wọ́n", "हो", "हो.", "महको", "محمد"),
        ]
    ),
    st.sampled_from(["", "", ".", ".", ",", "?!", "!!", ".”", ").", "...", ";", ":", '?"', "،", "।", ".,"]),
).map("".join)


@given(st.one_of(texts, runs.map("".join), runs.map(" ".join), st.lists(marked, max_size=6).map(" ".join)), codes)
@settings(max_examples=400)
@example("1. FC Köln", "de")
@example("Nord- und", "de")
@example("東京都王.明.", "zh")
@example("東京都\ufe00", "ja")
@example("\u0600 \u0301x", "ar")
def test_a_text_cut_run_by_run_is_cut_as_in_one_go(text: str, code: str) -> None:
    matches = room._pattern(language(code).rule).finditer(text)
    whole = [Word(match[1], *match.span(1)) for match in matches]
    assert words(text, code) == [word for word in whole if not room._INVISIBLE.fullmatch(word.text)]


@given(
    st.lists(st.sampled_from(["Angela", "Москва", "3:1", "Rolls-Royce", "محمد", ",", "क्ष", "(", "AT&T"]), max_size=9),
    st.sampled_from(sorted(code for code, row in LANGUAGES.items() if row.rule is not WordRule.MARKS)),
)
def test_words_that_stand_apart_stay_as_they_are(given_words: list[str], code: str) -> None:
    assert cut(" ".join(given_words), code) == given_words


@pytest.mark.parametrize(
    ("code", "text", "expected"),
    [
        ("de", "Angela Merkel, Kanzlerin (CDU).", "Angela|Merkel|,|Kanzlerin|(|CDU|)|."),
        ("de", "0,25 % von 62.000 am 3.10.2021: 3:1!", "0,25|%|von|62.000|am|3.10.2021|:|3:1|!"),
        ("en", "Angela's and O'Neil’s Rolls-Royce", "Angela|'s|and|O'Neil|’s|Rolls-Royce"),
        ("en", "U.S. AT&T J.R.R. Tolkien; 5, 6.", "U.S.|AT&T|J.R.R.|Tolkien|;|5|,|6|."),
        ("fr", "l'Oréal d’Arc, aujourd'hui", "l'|Oréal|d’|Arc|,|aujourd'hui"),
        ("fr", "J.-P. Sartre", "J.|-|P.|Sartre"),
        ("fr", "Val-d'Oise", "Val|-|d'|Oise"),
        ("it", "Rocca-dell'Acqua dell’Elba", "Rocca|-|dell'|Acqua|dell’|Elba"),
        ("es", "¿Qué?! «Hola»...", "¿|Qué|?|!|«|Hola|»|..."),
        ("en", "Hi 👨\u200d👩\u200d👧👍🏽🇩🇪👍👍!", "Hi|👨\u200d👩\u200d👧|👍🏽|🇩🇪|👍|👍|!"),
        ("en", "\ufeffAngela\u200b \u200eMerkel\u200f", "Angela|Merkel"),
        ("vi", "Ha\u0300 No\u0323\u0302i", "Ha\u0300|No\u0323\u0302i"),
        ("hi", "अमिताभ बच्चन।", "अमिताभ|बच्चन|।"),
        ("ar", "زار محمد، القاهرة.", "زار|محمد|،|القاهرة|."),
        ("fa", "می\u200cخواهم تهران", "می\u200cخواهم|تهران"),
        ("th", "น้ำที่", "น้|ำ|ที่"),
        ("ja", "サーバーAを3台", "サ|ー|バ|ー|A|を|3|台"),
        ("zh", "在Siemens工作，１２年", "在|Siemens|工|作|，|１|２|年"),
        ("ko", "한국 KBS는", "한|국|KBS|는"),
        ("ko", "\u1112\u1161\u11ab", "\u1112\u1161\u11ab"),
        ("en", "Lee (이명박) 1\ufe0f\u20e3", "Lee|(|이|명|박|)|1\ufe0f\u20e3"),
        ("en", "I'm sure they'll say don't, Can’t and we've", "I|'m|sure|they|'ll|say|do|n't|,|Ca|n’t|and|we|'ve"),
        ("en", "D'Angelo's, O'Malley, rock'n'roll", "D'Angelo|'s|,|O'Malley|,|rock'n'roll"),
        ("nl", "Eco's roman, 's avonds, zo'n", "Eco|'s|roman|,|'s|avonds|,|zo'n"),
        ("de", "Nord- und Südkorea - Ost-West", "Nord-|und|Südkorea|-|Ost-West"),
        ("de", "z.B. e.V. am 3. Mai 2004. Dann", "z.B.|e.V.|am|3|.|Mai|2004|.|Dann"),
        ("de", "gegen 1. FC Köln im Jahr 2. Die", "gegen|1.|FC|Köln|im|Jahr|2|.|Die"),
        ("hr", "2013. godine, 22.04.2013. u UN-u.", "2013.|godine|,|22.04.2013.|u|UN-u|."),
        ("en", "Dr. Who of Siemens Corp. in St. Louis.", "Dr.|Who|of|Siemens|Corp.|in|St.|Louis|."),
        ("en", "Siemens Corp.", "Siemens|Corp|."),
        ("da", "ca. 20 mia. kr. for nr. 5. Men ca. Så", "ca.|20|mia.|kr.|for|nr.|5|.|Men|ca|.|Så"),
        ("pl", "m.in. przez św. Jana", "m.in.|przez|św.|Jana"),
        ("en", "Rome. it is no. Yes, go to a.Then", "Rome|.|it|is|no|.|Yes|,|go|to|a.Then"),
        ("fi", "EU:n ja NATO:ssa: kyllä, 3:1", "EU:n|ja|NATO:ssa|:|kyllä|,|3:1"),
        ("sv", "den 27:e, http://a.se", "den|27:e|,|http|:|//|a.se"),
        ("lv", "Dolton P., Chung T. P. un Tremayne A. ir A", "Dolton|P.|,|Chung|T.|P.|un|Tremayne|A.|ir|A"),
        ("fr", "l´Oréal et O`Neil", "l´|Oréal|et|O`|Neil"),
        ("ne", "ने. का.को व. बोगटी", "ने.|का.|को|व.|बोगटी"),
        ("ne", "मा.वि.मा परिषद्ले", "मा.|वि.|मा|परिषद्|ले"),
        ("de", "Mar\u00adtin", "Mar\u00adtin"),
        ("zu", "I-ANC nowe-ANC, R4.5 no-10,000", "I|-|ANC|nowe|-|ANC|,|R4|.|5|no|-|10|,|000"),
        ("sw", "Ng'ombe wa COVID-19 (U.S.)", "Ng'ombe|wa|COVID|-|19|(|U|.|S|.|)"),
        ("luo", "mang'eny maduong' 'Kisumu'", "mang'eny|maduong'|'|Kisumu|'"),
        ("ha", "‘yan sanda, 'Yan 'Kano'", "‘yan|sanda|,|'Yan|'|Kano|'"),
        ("ne", "नेपालको सरकारले खेलाडीहरूलाई काठमाडौंमा", "नेपाल|को|सरकार|ले|खेलाडी|हरूलाई|काठमाडौं|मा"),
        ("ne", "अमेरिका, अमेरिकाको सीमा, शर्माले एमालेको", "अमेरिका|,|अमेरिका|को|सीमा|,|शर्मा|ले|एमाले|को"),
        ("ne", "माओवादी र श्रीलङ्कामा को", "माओवादी|र|श्रीलङ्का|मा|को"),
    ],
)
def test_words_are_cut_as_the_corpora_cut_them(code: str, text: str, expected: str) -> None:
    assert cut(text, code) == expected.split("|")


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(DataError, match="'xx'"):
        words("text", "xx")


@given(tag_lists)
def test_repair_is_valid_idempotent_and_changes_only_prefixes(given_tags: list[str]) -> None:
    repaired = repair(given_tags)
    assert repair(repaired) == repaired
    assert [tag[2:] for tag in repaired] == [tag[2:] for tag in given_tags]
    for before, tag in zip(["O", *repaired], repaired, strict=False):
        assert not tag.startswith("I-") or before[2:] == tag[2:]


@pytest.mark.parametrize(
    ("given_tags", "expected"),
    [("I-PER I-PER", "B-PER I-PER"), ("B-PER I-LOC I-LOC", "B-PER B-LOC I-LOC"), ("B-PER O I-PER", "B-PER O B-PER")],
)
def test_repair_begins_an_entity_where_none_is_continued(given_tags: str, expected: str) -> None:
    assert repair(given_tags.split()) == expected.split()


@given(tag_lists, st.data())
def test_valid_tags_to_spans_and_back(given_tags: list[str], data: st.DataObject) -> None:
    valid = repair(given_tags)
    text = " ".join("ab" for _ in valid)
    borders = words(text, "en")
    scores = data.draw(st.lists(st.floats(0, 1), min_size=len(valid), max_size=len(valid)))
    found = spans(borders, valid, scores)
    assert tags(borders, found) == valid
    assert len(found) == sum(tag.startswith("B-") for tag in valid)
    assert all(0 <= span.score <= 1 for span in found)
    assert all(before.end <= after.start for before, after in pairwise(found))


def test_a_span_has_its_words_borders_and_their_mean_score() -> None:
    borders = [Word("Angela", 0, 6), Word("Merkel", 7, 13), Word("besuchte", 14, 22), Word("Siemens", 23, 30)]
    found = spans(borders, ["B-PER", "I-PER", "O", "B-ORG"], [1.0, 0.5, 0.1, 0.25])
    assert found == [Span(0, 13, "PER", 0.75), Span(23, 30, "ORG", 0.25)]

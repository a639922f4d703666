"""Words written as people write them."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mma_core.data import Corpus, samples
from mma_core.languages import LANGUAGES
from mma_core.measure.rebuild import rebuild

SAMPLES = samples()
# Words that the rules treat specially, so that random sentences meet them side by side.
_TRICKY = (
    *(".", ",", "...", "?!", ":", "(", ")", "[", "]", '"', '""""', "'", "''", "``", "„", "“", "”", "«", "»", "’", "‘"),
    *("-", "–", "/", "&", "%", "$", "US$", "@", "#", "'s", "n't", "l'", "d’", "s-", "-l", "-ng", "को", "हरूले"),
    *("Angela", "players", "3", "000", "2011", "東", "京", "。", "가", "는", "K", "น้ำ", "محمد", "۔", "।"),
)
words = st.lists(
    st.one_of(st.sampled_from(_TRICKY), st.text(st.characters(exclude_categories=["Z", "C"]), min_size=1)), max_size=12
)


@given(words, st.sampled_from(sorted(LANGUAGES)))
def test_every_word_keeps_its_place_and_only_spaces_stand_between(given_words: list[str], code: str) -> None:
    text, borders = rebuild(given_words, code)
    assert [text[word.start : word.end] for word in borders] == given_words
    assert [word.text for word in borders] == given_words
    ends = [0, *(word.end for word in borders)]
    starts = [*(word.start for word in borders), len(text)]
    assert {text[end:start] for end, start in zip(ends, starts, strict=True)} <= {"", " "}
    assert all(before.end <= after.start for before, after in pairwise(borders))


@pytest.mark.parametrize("corpus", SAMPLES, ids=[corpus.language for corpus in SAMPLES])
def test_no_mark_of_a_sample_stands_alone(corpus: Corpus) -> None:
    for sentence in corpus.sentences:
        text, _ = rebuild(sentence.words, corpus.language)
        assert " ." not in text
        assert " ," not in text
        assert "( " not in text


@pytest.mark.parametrize(
    ("code", "given_words", "expected"),
    [
        ("de", "„ Nein “ , sagte er ( leise ) .", "„Nein“, sagte er (leise)."),
        ("de", 'Er sagte : " Ja . "', 'Er sagte: "Ja."'),
        ("de", "4 : 2 - Erfolg , 2011 - 2012 und Haus- und Hof", "4: 2 - Erfolg, 2011-2012 und Haus- und Hof"),
        ("en", "Ada 's dog did n't , it ( and Bo ) ran !", "Ada's dog didn't, it (and Bo) ran!"),
        ("en", "the players ' cup and ' the ' cup", "the players' cup and 'the' cup"),
        ("en", "`` No '' , $ 5 and / or 7 %", "``No'', $5 and/or 7%"),
        ("en", '"""" It is """" , he said', '""""It is"""", he said'),
        ("en", "'' ' Ada ' '' ( 1815 – 1852 )", "'''Ada''' (1815–1852)"),
        ("sv", "” Hej ” , sa hon", "”Hej”, sa hon"),
        ("da", "» Hej « , sagde hun", "»Hej«, sagde hun"),
        ("fr", "L' Inserm d’ Oslo , « dit -il » ?", "L'Inserm d’Oslo, « dit-il » ?"),
        ("it", "un po' d' acqua dell' Elba : E' qui", "un po' d'acqua dell'Elba: E' qui"),
        ("es", "¿ Qué ? ¡ No !", "¿Qué? ¡No!"),
        ("nl", "logo 's en 's avonds , Amerika 's", "logo's en 's avonds, Amerika's"),
        ("ro", "s- a dus , ceas -ul într- un an", "s-a dus, ceas-ul într-un an"),
        ("tl", "isa -ng araw", "isa-ng araw"),
        ("zu", "I - ANC noma u - 2019 , R4 . 5 no 10 , 000", "I-ANC noma u-2019, R4.5 no 10,000"),
        ("sw", "wa 1 , 5 kwa", "wa 1, 5 kwa"),
        ("ar", "زار محمد ، القاهرة .", "زار محمد، القاهرة."),
        ("ne", "नेपाल को सीमा मा खेलाडी हरूले ।", "नेपालको सीमामा खेलाडीहरूले।"),
        ("am", "ኢትዮጵያ ፣ ነው ።", "ኢትዮጵያ፣ ነው።"),
        ("zh", "在 Siemens 工 作 ， San Pedro （ 8 ）", "在Siemens工作，San Pedro（8）"),
        ("ja", "東 京 ・ パ リ 2 0", "東京・パリ2 0"),
        ("ko", "영 국 I T V 는 6 일 , K ( 1 0 ) 양", "영국ITV는6일, K (10) 양"),
        ("th", "น้ ำ ที่ KBS", "น้ำที่KBS"),
        ("de", "渡 辺 岳 夫 aus Tokio", "渡辺岳夫 aus Tokio"),
    ],
)
def test_a_sentence_reads_as_written(code: str, given_words: str, expected: str) -> None:
    assert rebuild(given_words.split(), code)[0] == expected


def test_a_lone_quote_closes_what_came_before_it_or_opens_what_follows() -> None:
    assert rebuild(["Ja", ".", '"', "Und", "?"], "de")[0] == 'Ja." Und?'
    assert rebuild(['"', "Und", "?"], "de")[0] == '"Und?'
    assert rebuild(["Und", '"'], "de")[0] == 'Und"'


def test_nothing_is_nothing() -> None:
    assert rebuild([], "de") == ("", [])

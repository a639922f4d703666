"""Seeded changes of labelled sentences, graded from none to all that a perturbation can reach.

A new one is a row of `PERTURBATIONS`; command line, app and README list what stands there.
"""

from . import entities, keyboard, lookalikes, marks, orthography, words
from .base import Material, Perturbation, rewriting

_ALL = (
    Perturbation(
        "typos",
        "Typos",
        "One letter a word is the neighbouring key on the keyboard of its language.",
        rewriting(keyboard.typos),
        keyboard.lacks,
    ),
    Perturbation(
        "diacritics",
        "Dropped diacritics",
        "Words lose accents, tone marks, hooks and strokes; Arabic its vowel signs, Hebrew its points.",
        rewriting(marks.bare),
        marks.lacks_diacritics,
    ),
    Perturbation("lower", "Lower case", "Words in lower case.", rewriting(marks.lower), marks.lacks_case),
    Perturbation("caps", "Capitals", "Words in capitals.", rewriting(marks.capitals), marks.lacks_case),
    Perturbation(
        "ocr",
        "OCR confusions",
        "One letter or pair of letters a word is read as a look-alike, such as rn as m.",
        rewriting(lookalikes.misread),
        lookalikes.lacks,
    ),
    Perturbation(
        "punctuation", "Lost punctuation", "Marks outside entities are dropped.", words.drop_punctuation, words.nowhere
    ),
    Perturbation(
        "mixed",
        "Mixed with English",
        "Words outside entities give way to English ones of the same frequency rank: no translation.",
        words.mix,
        words.lacks_mixing,
    ),
    Perturbation(
        "arabic",
        "Arabic spellings",
        "Alef without hamza, ya for alef maqsura, ha for ta marbuta; Persian and Urdu letters in their Arabic forms.",
        rewriting(orthography.arabic),
        orthography.lacks("Arab"),
    ),
    Perturbation(
        "devanagari",
        "Devanagari spellings",
        "Chandrabindu, anusvara and nasals for each other, no nukta, short and long vowel signs for each other.",
        rewriting(orthography.devanagari),
        orthography.lacks("Deva"),
    ),
    Perturbation(
        "width",
        "Full and half width",
        "Letters, digits and marks of Chinese and Japanese text in their other width or form.",
        rewriting(orthography.width),
        orthography.lacks("Hans", "Jpan"),
    ),
    Perturbation(
        "swap-language",
        "Entities of the same language",
        "Entities give way to others of their type from the same language.",
        entities.swapping(entities.same_language),
        entities.lacking(entities.same_language, "its files hold no entities"),
    ),
    Perturbation(
        "swap-script",
        "Entities of the same script",
        "Entities give way to others of their type from another language of the same script.",
        entities.swapping(entities.same_script),
        entities.lacking(entities.same_script, "no other language of its script is in the data"),
    ),
    Perturbation(
        "swap-family",
        "Entities of the same family",
        "Entities give way to others of their type from another language of the same family.",
        entities.swapping(entities.same_family),
        entities.lacking(entities.same_family, "no other language of its family is in the data"),
    ),
)
PERTURBATIONS = {one.name: one for one in _ALL}

__all__ = ["PERTURBATIONS", "Material", "Perturbation"]

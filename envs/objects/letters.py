"""Letters and digits: one kind each, all from one table of strokes on a grid 4 wide and 6 high."""

from __future__ import annotations

import functools
from collections.abc import Mapping

from envs.objects import Noun, Shape, Size, kind
from envs.objects.strokes import Glyph, glyph_shape

DEFAULT_SIZE: Mapping[str, float] = {"length": 0.06, "height": 0.022}
MASS = 0.04  # kg

LETTERS: Mapping[str, Glyph] = {
    "a": Glyph(("0,0 1.3,6 2.7,6 4,0", "0.8,2 3.2,2")),
    "b": Glyph(("0,0 0,6 3,6 4,5 4,4 3,3 4,2 4,1 3,0 0,0", "0,3 3,3")),
    "c": Glyph(("4,5 3,6 1,6 0,5 0,1 1,0 3,0 4,1",), grasp=(0.0, 3.0, 90.0)),
    "d": Glyph(("0,0 0,6 2.5,6 4,4.5 4,1.5 2.5,0 0,0",)),
    "e": Glyph(("4,6 0,6 0,0 4,0", "0,3 3,3")),
    "f": Glyph(("4,6 0,6 0,0", "0,3 3,3")),
    "g": Glyph(("4,5 3,6 1,6 0,5 0,1 1,0 3,0 4,1 4,3 2.5,3",)),
    "h": Glyph(("0,0 0,6", "4,0 4,6", "0,3 4,3")),
    "i": Glyph(("2,0 2,6", "1,6 3,6", "1,0 3,0")),
    "j": Glyph(("4,6 4,1 3,0 1,0 0,1 0,2",)),
    "k": Glyph(("0,0 0,6", "0.5,2.5 3.7,5.7", "1.5,3.5 3.7,0.3")),
    "l": Glyph(("0,6 0,0 4,0",), grasp=(0.0, 2.9, 90.0)),
    "m": Glyph(("0,0 0,6", "4,0 4,6", "0.4,5.4 2,3 3.6,5.4")),
    "n": Glyph(("0,0 0,6", "4,0 4,6", "0.4,5.4 3.6,0.6")),
    "o": Glyph(("1,0 3,0 4,1 4,5 3,6 1,6 0,5 0,1 1,0",)),
    "p": Glyph(("0,0 0,6 3,6 4,5 4,4 3,3 0,3",)),
    "q": Glyph(("1,0 3,0 4,1 4,5 3,6 1,6 0,5 0,1 1,0", "2.3,1.7 4,0")),
    "r": Glyph(("0,0 0,6 3,6 4,5 4,4 3,3 0,3", "2,2.8 3.7,0.2")),
    "s": Glyph(("4,5 3,6 1,6 0,5 0,4 1,3 3,3 4,2 4,1 3,0 1,0 0,1",)),
    "t": Glyph(("0,6 4,6", "2,6 2,0")),
    "u": Glyph(("0,6 0,1 1,0 3,0 4,1 4,6",)),
    "v": Glyph(("0,6 1.3,0 2.7,0 4,6",)),
    "w": Glyph(("0,0 0,6", "4,0 4,6", "0.4,0.6 2,3 3.6,0.6")),
    "x": Glyph(("0.2,0.3 3.8,5.7", "0.2,5.7 3.8,0.3")),
    "y": Glyph(("0.3,5.8 2,3 3.7,5.8", "2,3 2,0")),
    "z": Glyph(("0,6 4,6", "0.6,0.9 3.4,5.1", "0,0 4,0"), grasp=(2.0, 3.0, 0.0)),
}
DIGITS: Mapping[str, Glyph] = {
    "zero": Glyph(("1,0 3,0 4,1 4,5 3,6 1,6 0,5 0,1 1,0", "1,1.5 3,4.5")),
    "one": Glyph(("2,0 2,6", "1,4.9 2,5.9", "1,0 3,0")),
    "two": Glyph(("0,5 1,6 3,6 4,5 4,4 0.6,0.6", "0,0 4,0"), grasp=(2.0, 3.0, 0.0)),
    "three": Glyph(("0,5 1,6 3,6 4,5 4,4 3,3 4,2 4,1 3,0 1,0 0,1", "1.5,3 3,3")),
    "four": Glyph(("3,0 3,6", "0.2,2.4 2.6,5.7", "0,2 4,2")),
    "five": Glyph(("4,6 0,6 0,3 3,3 4,2 4,1 3,0 0,0",)),
    "six": Glyph(("4,5 3,6 1,6 0,5 0,1 1,0 3,0 4,1 4,2 3,3 0,3",)),
    "seven": Glyph(("0,6 4,6", "3.7,5.4 1.5,0"), grasp=(2.5, 2.4, 67.8)),
    "eight": Glyph(("1,0 3,0 4,1 4,2 3,3 4,4 4,5 3,6 1,6 0,5 0,4 1,3 0,2 0,1 1,0", "1,3 3,3")),
    "nine": Glyph(("0,1 1,0 3,0 4,1 4,5 3,6 1,6 0,5 0,4 1,3 4,3",)),
}


def _flat(glyph: Glyph, size: Size) -> Shape:
    return glyph_shape(glyph, size[0], size[1])


for _word, _glyph in LETTERS.items():
    _noun = Noun(f"letter {_word}", (f"character {_word}", f"glyph {_word}"), plural=f"letters {_word}")
    kind(f"letter_{_word}", DEFAULT_SIZE, noun=_noun, mass=MASS)(functools.partial(_flat, _glyph))
for _number, (_word, _glyph) in enumerate(DIGITS.items()):
    _noun = Noun(f"digit {_word}", (f"numeral {_word}", f"figure {_word}"), plural=f"digits {_word}")
    kind(f"digit_{_number}", DEFAULT_SIZE, noun=_noun, mass=MASS)(functools.partial(_flat, _glyph))

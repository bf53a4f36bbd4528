"""Which colours a colour word means, with a margin. Knows no object."""

from __future__ import annotations

from collections.abc import Callable

from envs.colors import difference, hue_between
from envs.grammar import COLORS, MORE_COLORS, named_color
from envs.scene import RGB

HUE, HUE_SHARE = 20.0, 0.4  # degrees that a hue may turn, and the share of what it is to the next word's hue
CLEARLY = 0.7


def same_word(word: str, clearly: float = CLEARLY) -> Callable[[RGB], bool]:
    """Whether a colour is what `word` means: of its hue, and nearer to its colour than to any other's.

    Nearer means at most `clearly` times as far. Hue counts on its own because distances in CIELAB take a violet for a
    blue; words that are no hue, such as white, have none to keep.

    Raises UnknownNameError for an unknown word.
    """
    named = named_color(word)
    others = [rgb for other, rgb in {**COLORS, **MORE_COLORS}.items() if other != word]
    to_next = min(hue_between(named, rgb) for other, rgb in COLORS.items() if other != word)
    turn = min(HUE, HUE_SHARE * to_next) if word in COLORS else 180.0

    def fits(rgb: RGB) -> bool:
        own = difference(named, rgb)
        return hue_between(named, rgb) <= turn and all(own < clearly * difference(other, rgb) for other in others)

    return fits

"""Names of colours that no training text has, and what they mean."""

from __future__ import annotations

from collections.abc import Mapping

from envs.colors import difference
from envs.grammar import named_color
from envs.scene import RGB

_NAMES: Mapping[str, Mapping[str, tuple[int, int, int]]] = {  # colour word -> name -> sRGB, 0 to 255
    "red": {
        "crimson": (220, 20, 60),
        "vermilion": (227, 66, 52),
        "cardinal": (196, 30, 58),
        "carmine": (150, 0, 24),
        "ruby": (155, 17, 30),
        "maroon": (128, 0, 0),
        "scarlet": (255, 36, 0),
        "raspberry": (227, 11, 92),
        "burgundy": (128, 0, 32),
        "claret": (127, 23, 52),
    },
    "green": {
        "lime": (50, 205, 50),
        "malachite": (11, 218, 81),
        "forest": (34, 139, 34),
        "emerald": (80, 200, 120),
        "clover": (0, 138, 60),
        "mint": (152, 255, 152),
        "jade": (0, 168, 107),
        "avocado": (86, 130, 3),
        "pistachio": (147, 197, 114),
        "chartreuse": (127, 255, 0),
    },
    "blue": {
        "azure": (0, 127, 255),
        "sapphire": (15, 82, 186),
        "cobalt": (0, 71, 171),
        "denim": (21, 96, 189),
        "cornflower": (100, 149, 237),
        "larkspur": (60, 80, 170),
        "gentian": (40, 70, 150),
        "hyacinth": (110, 130, 210),
        "lapis": (38, 97, 156),
        "cerulean": (42, 130, 190),
    },
    "yellow": {
        "lemon": (255, 247, 0),
        "saffron": (244, 196, 48),
        "maize": (251, 236, 93),
        "amber": (255, 191, 0),
        "mustard": (225, 173, 1),
        "straw": (228, 217, 111),
        "canary": (255, 255, 153),
        "flax": (238, 220, 130),
        "sand": (226, 202, 118),
        "primrose": (237, 234, 153),
    },
    "purple": {
        "grape": (111, 45, 168),
        "mulberry": (140, 40, 120),
        "amethyst": (153, 102, 204),
        "orchid": (218, 112, 214),
        "plum": (142, 69, 133),
        "byzantium": (112, 41, 99),
        "magenta": (202, 31, 123),
        "fuchsia": (255, 0, 255),
        "aubergine": (61, 7, 52),
        "violet": (143, 0, 255),
    },
    "orange": {
        "tangerine": (255, 148, 8),
        "pumpkin": (225, 119, 1),
        "clementine": (235, 110, 20),
        "persimmon": (236, 88, 0),
        "papaya": (255, 164, 90),
        "ginger": (176, 101, 0),
        "copper": (182, 99, 37),
        "apricot": (255, 177, 109),
        "peach": (255, 203, 164),
    },
    "pink": {
        "flamingo": (252, 142, 172),
        "bubblegum": (255, 108, 181),
        "blush": (222, 93, 131),
        "carnation": (253, 121, 143),
        "rose": (207, 98, 117),
        "salmon": (250, 128, 114),
        "watermelon": (253, 70, 89),
    },
    "cyan": {
        "lagoon": (60, 180, 200),
        "turquoise": (6, 194, 172),
        "teal": (2, 147, 134),
        "aqua": (19, 234, 201),
        "aquamarine": (46, 232, 187),
        "peacock": (1, 110, 130),
    },
    "white": {
        "ivory": (255, 255, 240),
        "alabaster": (237, 234, 224),
        "pearl": (234, 224, 200),
        "vanilla": (243, 229, 171),
        "cream": (255, 255, 194),
    },
    "black": {
        "ebony": (40, 38, 34),
        "onyx": (53, 56, 57),
        "charcoal": (54, 62, 68),
        "ink": (10, 15, 50),
    },
}
COLOR_OF: Mapping[str, str] = {name: color for color, names in _NAMES.items() for name in names}


def hue(name: str) -> RGB:
    """What an unseen name means, sRGB in [0, 1]. Raises KeyError if there is no such name."""
    r, g, b = _NAMES[COLOR_OF[name]][name]
    return (r / 255, g / 255, b / 255)


def unseen_names(color: str) -> tuple[tuple[float, str], ...]:
    """The unseen names of a colour word: (Delta E from the colour of training, name), nearest first."""
    names = _NAMES.get(color, {})
    return tuple(sorted((difference(named_color(color), hue(name)), name) for name in names))

"""Common sense: what things are in general, what they are for, and what one wants when one needs them.

A description is used only where it fits the same things of the scene as the words that it stands for: a mug, a bottle
or a bowl may be drunk from as well as a cup, so that with two of them on the table the colour is said, too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from envs.reading import Mention, is_plural, mentions
from envs.referring import THINGS, Description, kinds_called
from envs.scene import GoalSpec, SceneSpec

NEEDED = "what i need now"


@dataclass(frozen=True)
class Sense:
    """What is known of a kind of thing.

    Attributes:
        general: What it is in general.
        use: What it is for, or looks like, after `the one` or `something`.
        wish: Said by somebody who needs one.
        also: Other kinds that might do as well.
    """

    general: str
    use: str
    wish: str
    also: tuple[str, ...] = ()


_TABLEWARE, _CONTROL, _LETTER = "piece of tableware", "control", "character"
_BUTTONS = {
    "round": ("round as a coin and made for doorbells", "i am at a door whose bell is round as a coin"),
    "square": ("with four equal sides and made for doorbells", "i am at a door whose bell has four equal sides"),
    "long": ("stretched like a ruler and made for doorbells", "i am at a door whose bell is stretched like a ruler"),
}
_INITIALS = {"l_shape": "lemon", "t_shape": "tiger", "letter_j": "jungle", "letter_v": "volcano", "letter_y": "yoghurt"}
SENSES: Mapping[str, Sense] = {
    "block": Sense(
        "construction piece", "made for building walls", "i want to build a wall", ("jenga", "lego", "domino", "block")
    ),
    "cylinder": Sense("column", "shaped like a tin of soup", "i am playing shop and want to sell a tin of soup"),
    "ball": Sense("piece of sports gear", "made for throwing and kicking", "i want to play football", ("soccer_ball",)),
    "star": Sense("decoration", "made for the tip of a christmas tree", "i am decorating a christmas tree"),
    "ring": Sense("piece of jewelry", "made for a finger", "i am about to propose marriage"),
    "cone": Sense("pointed solid", "made for ice cream", "i would love some ice cream", ("bowl", "cup", "mug")),
    "half_cylinder": Sense("part of a bridge", "shaped like a bridge", "i need a bridge for my toy river"),
    "bowl": Sense(_TABLEWARE, "made for soup", "i am hungry for soup", ("cup", "mug")),
    "plate": Sense(_TABLEWARE, "made for cake", "i would love to serve some cake", ("tray",)),
    "cup": Sense(_TABLEWARE, "to drink from", "i am thirsty", ("mug", "bottle", "bowl")),
    "mug": Sense(_TABLEWARE, "to drink from", "i am thirsty", ("cup", "bottle", "bowl")),
    "bottle": Sense("container for drinks", "made for wine", "i have more wine than i can finish today"),
    "crate": Sense("container", "made for sending parcels", "i want to send a parcel", ("drawer",)),
    "tray": Sense(_TABLEWARE, "made for breakfast in bed", "i would love breakfast in bed", ("plate",)),
    "cover": Sense("hiding place", "made for keeping flies away from food", "there are flies around my food"),
    "drawer": Sense("piece of furniture", "made for socks", "i want to tidy my socks", ("crate",)),
    "sliding_door": Sense("part of a house", "made for leaving a house", "i want to leave this house"),
    "zone": Sense("painted patch", "painted like a parking spot", "my toy car wants a parking spot"),
    "lever": Sense(_CONTROL, "made for changing gears", "i want to change gears"),
    "knob": Sense(_CONTROL, "made for making music louder", "my music is not loud enough"),
    "peg_round": Sense("plug", "as round as a pencil", "i need a plug as round as a pencil"),
    "peg_square": Sense("plug", "with four long edges", "i need a plug with four long edges"),
    "socket_round": Sense("opening", "with a rim like a coin", "i need an opening with a rim like a coin"),
    "socket_square": Sense("opening", "with corners like dice", "i need an opening with corners like dice"),
    **{f"{shape}_button": Sense(_CONTROL, use, wish) for shape, (use, wish) in _BUTTONS.items()},
    **{
        kind: Sense(
            _LETTER,
            f"that {word} begins with",
            f"i want to write {word} and only its beginning is missing",
            (f"letter_{word[0]}", f"{word[0]}_shape"),
        )
        for kind, word in _INITIALS.items()
    },
}
LOOKS: Mapping[str, tuple[str, str]] = {  # colour -> before and after a noun
    "red": ("tomato", "a ripe tomato"),
    "green": ("grass", "fresh grass"),
    "blue": ("ocean", "the ocean on a sunny day"),
    "yellow": ("banana", "a ripe banana"),
    "purple": ("eggplant", "an eggplant"),
    "orange": ("carrot", "a carrot"),
    "pink": ("piglet", "a piglet"),
    "brown": ("chocolate", "a bar of chocolate"),
    "white": ("snow", "fresh snow"),
    "black": ("coal", "coal"),
    "gray": ("elephant", "an elephant"),
    "cyan": ("pool", "a swimming pool"),
}


def by_sense(line: str, level: int, spec: SceneSpec, goal: GoalSpec, rng: np.random.Generator) -> str:
    """A line with its objects told otherwise than by their names.

    By what they are in general (1), what they are for (2), with their colour told by what has it (3), by their use
    alone where that is enough (4), and one of them by a wish (5). Where the scene allows no description of a level, one
    of the next lower level that it allows is used; else the words stay.
    """
    told = [mention for mention in mentions(line, spec) if _is_meant(mention, goal)]
    wishes = {m.description.text(): found for m in told if level == 5 and (found := _wish(m.description, spec))}
    chosen = list(wishes)[int(rng.integers(len(wishes)))] if wishes else ""
    for text in dict.fromkeys(mention.description.text() for mention in told):
        said = next(mention.description for mention in told if mention.description.text() == text)
        new = wishes[text][1] if text == chosen else _described(said, min(level, 4), spec)
        line = f"{line} ".replace(f"{text} ", f"{new} ").rstrip()
    return f"{wishes[chosen][0]} so {line}".replace(f"all {NEEDED}", f"all that{NEEDED[4:]}") if chosen else line


def _is_meant(mention: Mention, goal: GoalSpec) -> bool:
    """Whether a phrase means what a goal is about: one of its objects, or its group."""
    if is_plural(mention.description.noun):
        return not goal.target and not goal.parts
    return {thing.name for thing in mention.things} <= set(goal.names)


def _described(said: Description, level: int, spec: SceneSpec) -> str:
    """A description in the words of a level, or of the next lower one that fits the same things."""
    sense, (look, likeness) = _sense(said), LOOKS.get(said.color, ("", ""))
    if sense is None:
        if level < 3 or not look:
            return said.text()
        words = (f"{look} colored {said.noun}",) if level == 3 else (said.noun, f"in the color of {likeness}")
        return _phrase(said, "the", *words)
    many = is_plural(said.noun)
    one = "ones" if many else "one"
    does = {*kinds_called(said.noun), *sense.also}
    alike = {kind for kind, other in SENSES.items() if other.general == sense.general} | kinds_called(said.noun)
    if level == 4 and _fits(said, spec, does, color=False):
        bare = said == Description(said.noun, said.color)
        return _phrase(said, "", "something" if bare and not many else f"the {one}", sense.use)
    if level == 4 and likeness and _fits(said, spec, does):
        return _phrase(said, "the", one, f"in the color of {likeness}", sense.use)
    if level >= 3 and look and _fits(said, spec, does):
        return _phrase(said, "the", f"{look} colored", one, sense.use)
    if level >= 2 and _fits(said, spec, does):
        return _phrase(said, "the", said.color, one, sense.use)
    if _fits(said, spec, alike):
        return _phrase(said, "the", said.color, _many(sense.general) if many else sense.general)
    return said.text()


def _wish(said: Description, spec: SceneSpec) -> tuple[str, str] | None:
    """A wish, and what it makes of a description; None if it would not tell what is meant."""
    look, likeness = LOOKS.get(said.color, ("", ""))
    if said != Description(said.noun, said.color):
        return None
    sense, one = _sense(said), "ones" if is_plural(said.noun) else "one"
    if sense is None:
        return (f"i am painting {likeness}", f"the {said.noun} whose color i need now") if look else None
    does = {*kinds_called(said.noun), *sense.also}
    if _fits(said, spec, does, color=False):
        return sense.wish, NEEDED
    return (sense.wish, f"the {look} colored {one} of {NEEDED}") if look and _fits(said, spec, does) else None


def _phrase(said: Description, article: str, *words: str) -> str:
    """The words with what else a description says of size, material, order and place."""
    rest = said.text().partition(f" {said.noun}")[2].strip()
    before = [article, said.pick, said.material] if article else []
    return " ".join(filter(None, (*before, *words, rest)))


def _sense(said: Description) -> Sense | None:
    kinds = sorted(kind for kind in kinds_called(said.noun) if kind in SENSES)
    return SENSES[kinds[0]] if kinds and said.noun not in THINGS else None


def _many(general: str) -> str:
    """The plural of what a thing is in general."""
    head, of, rest = general.partition(" of ")
    return f"{head}s{of}{rest}"


def _fits(said: Description, spec: SceneSpec, kinds: Sequence[str] | set[str], *, color: bool = True) -> bool:
    """Whether the kinds, in the colour or in any, are the same things of the scene as the noun and colour said."""
    meant = {thing.name for thing in Description(said.noun, said.color, said.material).denotes(spec)}
    found = {
        thing.name
        for thing in spec.objects
        if thing.kind in kinds
        and said.material in ("", thing.material)
        and (not color or said.color in ("", thing.color))
    }
    return meant == found

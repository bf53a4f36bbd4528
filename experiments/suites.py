"""Named suites. An evaluation of one is comparable with every other evaluation of the same name and hash."""

from __future__ import annotations

from pathlib import Path

from vla.registry import nearest
from vla.results import read_json
from vla.suites import Suite

TASKS = ("Reach", "Push", "Lift", "PlaceInto")
AXES = (
    "position",
    "distractors",
    "object_color",
    "table_texture",
    "light_intensity",
    "camera_position",
    "start",
    "paraphrase",
)
CONTROLS = ("blank", "swapped")

FAMILIES = (
    *("Reach", "Push", "PushDirection", "PushTogether", "Sweep"),
    *("Lift", "PlaceInto", "PutIn", "PlaceOn", "PlaceRelative", "PlaceBetween", "Stack", "Tower", "Unstack", "Swap"),
    *("Sort", "Collect", "LineUp", "Upright", "Rotate", "Cover"),
    *("OpenDrawer", "CloseDrawer", "PutInDrawer", "PressButton", "TurnKnob", "SlideDoor", "FlipLever", "InsertPeg"),
    *("Refer", "FindHidden", "Chain", "ChainStepwise"),
)

SUITES: dict[str, Suite] = {
    suite.name: suite
    for suite in (
        Suite("smoke", ("Reach", "Lift"), axes=("light_intensity",), levels=(1,), controls=("blank",), episodes=2),
        Suite("demo", TASKS, axes=AXES, controls=CONTROLS, episodes=4, base=50),
        Suite("in-distribution", TASKS, episodes=100),
        Suite("families", FAMILIES, episodes=20),
        Suite("first", TASKS, axes=AXES, controls=CONTROLS, episodes=50),
    )
}


def get_suite(name: str) -> Suite:
    """The suite called `name`, or the one that an `evaluation.json` of that path was run on.

    Raises UnknownNameError with the nearest name, FileNotFoundError, or ValueError for a file that holds no suite.
    """
    if name.endswith(".json"):
        data = read_json(Path(name))
        if not isinstance(data, dict) or "suite" not in data:
            raise ValueError(f"{name} holds no suite: expected an evaluation.json, which `vla eval` writes")
        return Suite.from_dict(data["suite"])
    if name not in SUITES:
        raise nearest("suite", name, list(SUITES))
    return SUITES[name]

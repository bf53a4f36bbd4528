"""Named suites. An evaluation of one is comparable with every other evaluation of the same name and hash."""

from __future__ import annotations

from vla.registry import nearest
from vla.suites import Suite

TASKS = ("Reach", "Push", "Lift", "PlaceInto")
AXES = ("position", "distractors", "color", "table", "light", "camera", "start", "paraphrase")
CONTROLS = ("blank", "swapped")

SUITES: dict[str, Suite] = {
    suite.name: suite
    for suite in (
        Suite("smoke", ("Reach", "Lift"), axes=("light",), levels=(1,), controls=("blank",), episodes=2),
        Suite("demo", TASKS, axes=AXES, controls=CONTROLS, levels=(1, 2, 3), episodes=10),
        Suite("in-distribution", TASKS, episodes=100),
        Suite("first", TASKS, axes=AXES, controls=CONTROLS, episodes=50),
    )
}


def get_suite(name: str) -> Suite:
    """The suite called `name`. Raises UnknownNameError with the nearest name."""
    if name not in SUITES:
        raise nearest("suite", name, list(SUITES))
    return SUITES[name]

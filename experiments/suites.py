"""Named suites. An evaluation of one is comparable with every other evaluation of the same name and hash.

`FROZEN` holds the hashes of the published ones: a suite whose episodes have changed is another suite, and a test fails
until its version is raised and the new hash is written down (`vla suites --freeze`).
"""

from __future__ import annotations

import itertools
from pathlib import Path

from experiments.composing import applicable
from vla.registry import nearest
from vla.results import read_json
from vla.suites import Suite

FROZEN = Path(__file__).parent / "frozen_suites.json"

PUBLISHED = ("smoke", "demo", "finetune", "language", "standard", "full", "holdout")

TASKS = ("Reach", "Push", "Lift", "PlaceInto")
CONTROLS = ("blank", "swapped", "shuffled", "absent")

VISUAL = (
    *("light_intensity", "light_direction", "light_color", "light_count", "shadows"),
    *("table_color", "table_texture", "background", "object_color", "object_texture", "object_material"),
    *("camera_position", "camera_orientation", "camera_fov", "camera_distortion"),
    *("wrist_position", "wrist_orientation", "wrist_fov", "wrist_distortion", "occluder"),
    *("sensor_noise", "dead_pixels", "blur", "motion_blur", "zoom_blur", "fog", "exposure", "contrast", "jpeg"),
    *("resolution", "dropped_frames", "delayed_frames"),
)
SEMANTIC = (
    *("paraphrase", "synonyms", "politeness", "typos", "word_order", "reference", "common_sense"),
    *("other_language", "unseen_color", "late_instruction", "changed_instruction", "slowly", "gently", "quickly"),
)
OBJECT = (
    *("position", "rotation", "size", "aspect", "unseen_shape", "unseen_scan", "unseen_combination"),
    *("unseen_category", "distractors", "similar_color", "similar_shape", "clutter", "target_hidden"),
    *("container_swapped", "table_height"),
)
ROBOT = (
    *("start", "base_offset", "robot", "gripper_opening", "mass", "friction", "action_noise", "action_delay"),
    *("control_rate", "joint_offset", "push", "target_moved", "slip"),
)
AXES = (*VISUAL, *SEMANTIC, *OBJECT, *ROBOT)
TOGETHER = (
    ("camera_position", "light_intensity"),
    ("camera_position", "table_texture"),
    ("camera_position", "start"),
    ("position", "distractors"),
    ("paraphrase", "distractors"),
    ("object_color", "light_color"),
    ("action_noise", "action_delay"),
    ("camera_position", "light_intensity", "table_texture"),
)
DEMO_AXES = (
    *("position", "distractors", "object_color", "table_texture", "light_intensity", "camera_position", "start"),
    "paraphrase",
)

FAMILIES = (
    *("Reach", "Push", "PushDirection", "PushTogether", "Sweep"),
    *("Lift", "PlaceInto", "PutIn", "PlaceOn", "PlaceRelative", "PlaceBetween", "Stack", "Tower", "Unstack", "Swap"),
    *("Sort", "Collect", "LineUp", "Upright", "Rotate", "Cover"),
    *("OpenDrawer", "CloseDrawer", "PutInDrawer", "PressButton", "TurnKnob", "SlideDoor", "FlipLever", "InsertPeg"),
    *("Refer", "FindHidden", "Chain", "ChainStepwise"),
)

_SUITES = (
    # seconds: whether anything works at all
    Suite("tiny", ("Reach", "Lift"), axes=("light_intensity",), levels=(1,), controls=("blank",), episodes=2),
    # two minutes: every axis once
    Suite(
        "smoke",
        ("Reach", "Push", "PlaceInto", "OpenDrawer"),
        AXES,
        (3,),
        CONTROLS,
        episodes=1,
        base=8,
        combinations=TOGETHER,
    ),
    Suite("demo", TASKS, DEMO_AXES, (1, 3, 5), CONTROLS[:2], episodes=4, base=50),
    # a family that the published base policy has not seen, and one that it must not forget
    Suite("finetune", ("Unstack", "Lift"), DEMO_AXES, (1, 3, 5), CONTROLS[:2], episodes=8, base=50),
    Suite("in-distribution", TASKS, episodes=100),
    Suite("families", FAMILIES, episodes=20),
    Suite("language", FAMILIES, controls=CONTROLS, episodes=20),
    Suite("standard", FAMILIES, AXES, (1, 3, 5), CONTROLS, episodes=1, base=30, combinations=TOGETHER, per_control=12),
    Suite("full", FAMILIES, AXES, (1, 2, 3, 4, 5), CONTROLS, episodes=5, base=100, combinations=TOGETHER),
    # interactions: all pairs of the demo's axes, and axes drawn for each episode (new ones are drawn too: not frozen)
    Suite(
        "mixed",
        TASKS,
        DEMO_AXES,
        (3,),
        episodes=25,
        base=100,
        combinations=(*itertools.combinations(DEMO_AXES, 2), ("random_2",), ("random_3",), ("random_5",)),
    ),
    # its seed and its levels are in no other suite and in no training preset
    Suite(
        "holdout",
        FAMILIES,
        AXES,
        (2, 4),
        CONTROLS,
        episodes=1,
        base=30,
        seed=7919,
        combinations=TOGETHER,
        per_control=12,
    ),
)
SUITES: dict[str, Suite] = {suite.name: applicable(suite) for suite in _SUITES}


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

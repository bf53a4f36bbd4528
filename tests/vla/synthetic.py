"""Records of evaluations that never ran, with known weaknesses: for pages and statistics at full size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from vla.contract import EpisodeRequest
from vla.evaluation import MANIFEST, RUNS
from vla.measures import FAILURES, FailureName, Measures
from vla.report_data import AxisNote
from vla.results import RESULTS, Record, write_json
from vla.suites import UNPERTURBED, Suite, cell_of

TASKS = tuple(f"Family{number:02d}" for number in range(33))
NAMES = {
    "visual": (
        "light_intensity light_direction light_color light_count shadows table_color table_texture background "
        "object_color object_texture object_material camera_position camera_orientation camera_fov camera_distortion "
        "wrist_position wrist_orientation occluder sensor_noise blur motion_blur fog exposure contrast jpeg resolution"
    ),
    "semantic": "paraphrase synonyms politeness typos word_order reference common_sense other_language unseen_color",
    "object": (
        "position rotation size aspect unseen_shape unseen_scan distractors similar_color similar_shape clutter "
        "target_hidden container_swapped table_height"
    ),
    "robot": (
        "start base_offset gripper_opening mass friction action_noise action_delay control_rate joint_offset push "
        "target_moved slip"
    ),
}
FAMILY = {axis: family for family, names in NAMES.items() for axis in names.split()}
AXES = tuple(FAMILY)
PAIRS = (("light_intensity", "camera_position"), ("distractors", "paraphrase"))
CONTROLS = ("blank", "swapped", "shuffled", "absent")
WITHOUT = tuple((task, "container_swapped") for task in TASKS[::2])
COLORS = ("red", "green", "blue", "yellow", "purple")
SUITE = Suite("synthetic", TASKS, AXES, (1, 3, 5), CONTROLS, episodes=2, combinations=PAIRS, without=WITHOUT, seed=7)
SMALL = Suite("synthetic-small", TASKS[:4], AXES[::7], (1, 3), CONTROLS[:2], episodes=12, without=WITHOUT, seed=7)


@dataclass(frozen=True)
class Weakness:
    """How a synthetic policy fares: success as trained, what a level takes away, whether it hears."""

    base: float
    loss: float
    hears: bool = True
    unsolvable: str = ""  # a family that nobody solves under `clutter`


POLICIES = {
    "trained": Weakness(0.82, 0.09, unsolvable=TASKS[3]),
    "expert": Weakness(0.99, 0.004, unsolvable=TASKS[3]),
    "random": Weakness(0.04, 0.0, hears=False),
    "deaf": Weakness(0.45, 0.05, hears=False),
}


def notes() -> dict[str, AxisNote]:
    """Notes of all axes and controls."""
    dose = (1.0, 2.0, 3.0, 4.0, 5.0)
    made = {
        axis: AxisNote(f"Changes {axis}.", "cm", dose, family, "axis", ("COLOSSEUM",) if len(axis) % 2 else ())
        for axis, family in FAMILY.items()
    }
    return made | {name: AxisNote(f"Says {name}.", "", (1.0,), "semantic", "control", ()) for name in CONTROLS}


def records(suite: Suite, policy: str, seed: int = 0) -> Iterator[Record]:
    """One record an episode of the suite."""
    rng = np.random.default_rng(seed + sum(map(ord, policy)))
    for request in suite.requests():
        yield _record(request, policy, POLICIES[policy], rng)


def chance(weakness: Weakness, axis: str, level: int, task: str) -> float:
    """Probability of success of an episode: each axis has a strength between 0 and 2 of its own."""
    if axis == "clutter" and task == weakness.unsolvable:
        return 0.0
    if axis in CONTROLS:
        return 0.15 if weakness.hears else weakness.base
    strength = sum((sum(map(ord, name)) % 7) / 3 for name in axis.split("+")) if axis != UNPERTURBED else 0.0
    ease = 1.0 - 0.3 * (weakness.base < 0.9 and sum(map(ord, task)) % 3 == 0)
    return max(0.0, ease * weakness.base - weakness.loss * level * strength)


def _record(request: EpisodeRequest, policy: str, weakness: Weakness, rng: np.random.Generator) -> Record:
    cell = cell_of(request)
    good = bool(rng.random() < chance(weakness, cell.axis, cell.level, cell.task))
    failure = FAILURES[int(rng.integers(len(FAILURES))) if not good else 0]
    scene = np.random.default_rng([request.index, TASKS.index(cell.task)])
    named, other = (f"{COLORS[number]} block" for number in scene.permutation(len(COLORS))[:2])
    named = other if cell.axis == "swapped" else named
    hears = weakness.hears and rng.random() < 0.8
    touched = named if hears else f"{COLORS[int(rng.integers(len(COLORS)))]} block"
    broken = policy == "trained" and rng.random() < 0.001
    measures = _measures(good, failure, named, touched, hears, rng)
    record = Record(
        request=request,
        instruction=f"put the {named} away, episode {request.index}",
        outcome="success" if good else "failure",
        reason="success" if good else f"time_limit:{failure}",
        steps=int(rng.integers(15, 60)),
        wall_s=0.1,
        policy=policy,
        checkpoint="0123abcd" if policy in ("trained", "deaf") else "",
        measures=measures,
    )
    if broken:
        return replace(record, outcome="error", reason="ValueError", traceback="Traceback ...\nValueError: x")
    return record


def _measures(
    good: bool, failure: FailureName, named: str, touched: str, hears: bool, rng: np.random.Generator
) -> Measures:
    return Measures(
        failure="" if good else failure,
        progress=1.0 if good else round(float(rng.random()), 3),
        first_approached=touched.replace(" ", "_"),
        first_touched=touched.replace(" ", "_"),
        told=named,
        touched=touched,
        intended=touched == named,
        first_goal="told" if hears or rng.random() < 0.5 else "contrast",
        path_m=round(float(rng.gamma(4, 0.2)), 3),
        jerk=round(float(rng.gamma(4, 2)), 3),
        peak_speed=round(float(rng.gamma(4, 0.1)), 3),
        peak_force=round(float(rng.gamma(2, 9)), 2),
        table_hits=int(rng.random() < 0.1),
        bystander_hits=int(rng.random() < 0.15) * 3,
        limit_steps=int(rng.random() < 0.05),
        knocked_off=int(rng.random() < 0.02),
    )


def write_run(folder: Path, suite: Suite, policies: Sequence[str] = tuple(POLICIES)) -> Path:
    """A run folder as `vla eval` leaves one, without episodes; returns it."""
    for policy in policies:
        home = folder / RUNS / policy
        home.mkdir(parents=True)
        manifest = {
            "suite_hash": suite.hash,
            "policy": policy,
            "checkpoint": "0123abcd" if policy in ("trained", "deaf") else "",
            "source": "deaf:runs/x" if policy == "deaf" else "runs/x" if policy == "trained" else policy,
            "suite": suite.to_dict(),
            "command": f"vla eval --policy {policy}",
            "machine": "a machine",
            "versions": {"commit": "abc1234"},
            "started": "2026-01-01",
        }
        write_json(home / MANIFEST, manifest)
        lines = "".join(record.to_json() + "\n" for record in records(suite, policy))
        (home / RESULTS).write_text(lines, encoding="utf-8")
    return folder

"""What each axis of the family `object` does, measured on the scenes that it gives."""

import itertools
from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from envs.exchange import loose
from envs.expert import PUSH_Z, TIP, descend
from envs.frames import EpisodeRenderer
from envs.geometry import at_start
from envs.grammar import words
from envs.layout import radius, resting
from envs.objects import object_kind, resting_z, turnable
from envs.objects.scans import STATED
from envs.poses import FIRST_OBJECT_BODY
from envs.reading import misunderstood
from envs.scene import ObjectSpec, SceneSpec
from envs.scenes import make_scene
from envs.simulator import Simulator
from envs.tasks.base import BLOCK_YAW, TASKS, make_thing, training_vocabulary
from envs.tasks.insert_peg import CLEARANCES
from envs.variations import AXES
from envs.variations.containers import BESIDE, ROOM, SWAPS, opening_of
from envs.variations.crowding import target_of
from envs.variations.novelty import TURNED, UNHEARD, UNSEEN, suits, trained
from envs.variations.piles import CLOSE, hidden_share
from vla.contract import EpisodeRequest, Perturbation

LEVELS = (1, 2, 3, 4, 5)
SIDE = 96  # pixels of the pictures in which outlines are compared
TURNS = 36


def scene(task: str, axis: str = "", level: int = 0, index: int = 0) -> SceneSpec:
    return make_scene(EpisodeRequest(task, index, 0, "eval", (Perturbation(axis, level),) if axis else ()))


def pairs(one: SceneSpec, other: SceneSpec) -> list[tuple[ObjectSpec, ObjectSpec]]:
    """The twin's objects with what is in their places."""
    return [(thing, other.object(thing.name)) for thing in one.objects]


def added(twin: SceneSpec, spec: SceneSpec) -> list[ObjectSpec]:
    assert spec.objects[: len(twin.objects)] == twin.objects
    new = list(spec.objects[len(twin.objects) :])
    assert all(thing.distractor for thing in new)
    return new


def true(spec: SceneSpec) -> bool:
    return all(misunderstood(line, spec, spec.goal) == "" for line in spec.instruction.split("\n"))


def test_what_can_turn_is_turned_beyond_training_and_nothing_else_changes() -> None:
    bounds = (0.0, *AXES["rotation"].levels)
    turned = 0
    for task, level, index in itertools.product(("Lift", "PutInDrawer", "Sweep", "FlipLever"), LEVELS, range(3)):
        twin, spec = scene(task, index=index), scene(task, "rotation", level, index)
        limits = {slot.thing.name: slot.yaw for slot in TASKS[task]().slots(twin.objects, twin.goal, 0.0, -1.0)}
        for old, new in pairs(twin, spec):
            limit = limits.get(old.name, TASKS[task].arranged_yaw)
            off = abs((new.yaw + np.pi / 4) % (np.pi / 2) - np.pi / 4) if task == "FlipLever" else abs(new.yaw)
            assert (old.position, old.kind, old.size) == (new.position, new.kind, new.size)
            if turnable(old):
                assert bounds[level - 1] - 1e-3 <= off - limit <= bounds[level] + 1e-3, (task, old.name)
                turned += 1
            else:
                assert new == old
    assert turned > 100
    assert AXES["rotation"].levels[-1] == pytest.approx(np.pi / 4 - BLOCK_YAW, abs=0.01)  # a cube has no other yaws


def test_round_things_cannot_be_turned() -> None:
    kinds = ("block", "star", "mug", "crate", "hexagon", "cylinder", "ball", "bowl", "plate", "cup", "ring", "cover")
    turned = [kind for kind in kinds if turnable(make_thing("red", kind))]
    assert turned == ["block", "star", "mug", "crate", "hexagon"]


def test_table_and_all_on_it_rise_or_sink_and_the_task_is_the_same() -> None:
    heights = []
    for task, level, index in itertools.product(("Lift", "Unstack", "Sort"), LEVELS, range(4)):
        twin, spec = scene(task, index=index), scene(task, "table_height", level, index)
        by = spec.table.height
        heights.append(by)
        assert abs(by) == AXES["table_height"].levels[level - 1]
        assert (spec.cameras, spec.robot, spec.background) == (twin.cameras, twin.robot, twin.background)
        for old, new in pairs(twin, spec):
            assert np.subtract(new.position, old.position) == pytest.approx((0, 0, by), abs=1e-5)
        assert at_start(spec).contacts == at_start(twin).contacts
        assert spec.alternatives == twin.alternatives
    assert min(heights) < 0 < max(heights)


def test_things_are_added_and_layouts_drawn_on_a_table_of_any_height() -> None:
    for other in ("distractors", "clutter", "size", "position"):
        both = (Perturbation("table_height", 5), Perturbation(other, 3))
        spec = make_scene(EpisodeRequest("Lift", 1, 0, "eval", both))
        on_table = [thing for thing in spec.objects if resting(thing, spec.table.height)]
        assert len(on_table) == len(spec.objects) - (3 if other == "clutter" else 0), other  # the tops of piles


def test_experts_move_relative_to_the_table() -> None:
    spec = scene("Push", "table_height", 5)
    state, goal = at_start(spec), np.array([0.5, 0.3, spec.table.height + PUSH_Z])
    flat = at_start(scene("Push"))
    by = descend(state, goal)[2] - descend(flat, np.array([0.5, 0.3, PUSH_Z]))[2]
    assert by == pytest.approx(spec.table.height)
    assert PUSH_Z > TIP


def test_all_of_a_scene_is_larger_or_smaller_by_the_same_share_and_fits_as_before() -> None:
    larger = []
    for task, level, index in itertools.product(("Lift", "PlaceInto", "Unstack", "OpenDrawer"), LEVELS, range(3)):
        twin, spec = scene(task, index=index), scene(task, "size", level, index)
        shares = [a / b for old, new in pairs(twin, spec) for a, b in zip(new.size, old.size, strict=True)]
        assert shares == pytest.approx([shares[0]] * len(shares), rel=2e-3)
        assert abs(shares[0] - 1) == pytest.approx(AXES["size"].levels[level - 1], abs=2e-3)
        larger.append(shares[0] > 1)
        assert at_start(spec).contacts == at_start(twin).contacts  # stacks are stacks
        assert all((new.mass, new.kind, new.color) == (old.mass, old.kind, old.color) for old, new in pairs(twin, spec))
        assert spec.instruction == twin.instruction
    assert any(larger)
    assert not all(larger)


def test_pegs_of_any_size_keep_the_room_that_the_words_speak_of() -> None:
    for axis, level in itertools.product(("size", "aspect"), LEVELS):
        spec = scene("InsertPeg", axis, level)
        peg, hole = spec.object(spec.goal.target), spec.object(spec.goal.place)
        twice = 2 if peg.kind == "peg_round" else 1
        assert twice * (hole.size[2] - peg.size[0]) == pytest.approx(CLEARANCES[spec.goal.relation], abs=1e-4)


def test_things_are_stretched_by_the_ratio_at_the_same_volume() -> None:
    for task, level, index in itertools.product(("Lift", "Stack", "Cover"), LEVELS, range(3)):
        twin, spec = scene(task, index=index), scene(task, "aspect", level, index)
        own = {thing.name for thing in loose(twin, TASKS[task]())}
        for old, new in pairs(twin, spec):
            shares = np.divide(new.size, old.size)
            ratio = 1 + AXES["aspect"].levels[level - 1] if old.name in own and len(old.size) > 1 else 1.0
            assert shares.max() / shares.min() == pytest.approx(ratio, rel=5e-3)
            assert np.prod(shares) == pytest.approx(1.0, rel=5e-3)
        assert spec.instruction == twin.instruction


@pytest.mark.parametrize("axis", ["unseen_shape", "unseen_scan", "unseen_combination", "unseen_category"])
def test_what_replaces_things_is_new_and_is_called_by_its_name(axis: str) -> None:
    heard = set(training_vocabulary())
    fit = [name for name in TASKS if AXES[axis].applies(TASKS[name])]
    for task, level in itertools.product(fit[::2], LEVELS):
        twin, spec = scene(task, index=level), scene(task, axis, level, level)
        new = [thing for thing in spec.objects if thing.instead_of]
        count = len(loose(twin, TASKS[task]())) if axis == "unseen_shape" else int(AXES[axis].levels[level - 1])
        assert 1 <= len(new) <= count
        assert spec.goal == twin.goal
        assert true(spec)
        names = {thing.name for thing in new}
        assert names & set(spec.goal.names)
        assert all(old.kind == now.kind for old, now in pairs(twin, spec) if now.name not in names)
        own = {kind for kinds in TASKS[task].grammar.roles.values() for kind in kinds}
        for old, now in pairs(twin, spec):
            if now.name not in names:
                continue
            assert (now.color, now.mass, now.friction, now.instead_of) == (old.color, old.mass, old.friction, old.kind)
            assert now.kind not in own
            noun = object_kind(now.kind).noun.word
            if axis == "unseen_scan":
                assert now.kind in STATED
            elif axis == "unseen_combination":
                assert now.kind in trained()
            else:
                assert now.kind not in trained()
            if axis == "unseen_category":
                assert not set(words(noun)) & heard
            if now.name in spec.goal.names and task in ("Lift", "Push", "Stack"):
                assert f"the {now.color} {noun}" in spec.instruction


def test_only_the_noun_of_an_instruction_changes() -> None:
    for task, index in itertools.product(("Lift", "Stack", "PutInDrawer"), range(4)):
        twin, spec = scene(task, index=index), scene(task, "unseen_category", 5, index)
        said, now = (
            f" {one.instruction} ".replace(f" {object_kind(thing.kind).noun.word} ", " <noun> ")
            for one, thing in ((twin, twin.object(twin.goal.target)), (spec, spec.object(spec.goal.target)))
        )
        if twin.goal.place:
            said, now = (
                text.replace(f" {object_kind(one.object(one.goal.place).kind).noun.word} ", " <noun> ")
                for text, one in ((said, twin), (now, spec))
            )
        assert said == now


def outline(kind: str, turn: float = 0.0) -> NDArray[np.bool_]:
    """What a kind covers seen from above (SIDE, SIDE), at an area of 1 around its middle."""

    def drawn(triangles: NDArray[np.float64], scale: float) -> NDArray[np.uint8]:
        image = np.zeros((SIDE, SIDE), np.uint8)
        for corners in np.round((triangles * scale + SIDE / 2) * 16).astype(np.int32):
            cv2.fillConvexPoly(image, corners, 1, shift=4)
        return image

    mesh = object_kind(kind).mesh(object_kind(kind).default_size)
    flat = np.asarray(mesh.vertices[:, :2], np.float64)[np.asarray(mesh.faces)]
    scale = 0.45 * SIDE / np.abs(flat).max()
    rows, columns = np.nonzero(drawn(flat, scale))
    flat = (flat - (np.array([columns.mean(), rows.mean()]) - SIDE / 2) / scale) * scale / np.sqrt(len(rows))
    cos, sin = np.cos(turn), np.sin(turn)
    return drawn(flat @ np.array([[cos, -sin], [sin, cos]]).T, SIDE / 2.6).astype(bool)


def test_unseen_outlines_are_as_far_from_trained_ones_as_the_table_says() -> None:
    known = [outline(kind) for kind in (*trained(), "bowl", "crate", "tray")]
    for kind, distance in list(UNSEEN.items())[::3]:
        turned = [outline(kind, 2 * np.pi * i / TURNS) for i in range(TURNS)]
        best = max((one & two).sum() / (one | two).sum() for one in known for two in turned)
        assert 1 - best == pytest.approx(distance, abs=0.04), kind
    bounds = (0.0, *AXES["unseen_shape"].levels)
    for low, high in itertools.pairwise(bounds):
        assert sum(low < distance <= high for distance in UNSEEN.values()) >= 2


def test_what_rolls_or_is_pointed_is_used_only_where_it_can_be() -> None:
    assert suits("Lift", "ball")
    assert not suits("PlaceInto", "ball")
    assert not suits("Stack", "cone")
    assert suits("PlaceOn", "cone")
    assert {kind for kind in UNHEARD if suits("Rotate", kind)} == set(TURNED)


def test_containers_are_of_other_kinds_and_narrower_but_what_must_fit_does() -> None:
    for task, level, index in itertools.product(SWAPS, LEVELS, range(3)):
        twin, spec = scene(task, index=index), scene(task, "container_swapped", level, index)
        widest = max(radius(thing) for thing in loose(twin, TASKS[task]()))
        old, new = twin.object(twin.goal.place), spec.object(spec.goal.place)
        assert new.kind in SWAPS[task]
        assert new.kind not in TASKS[task].grammar.place_kinds
        narrower = 1 - opening_of(new) / opening_of(old)
        room = opening_of(new) - widest
        assert narrower <= AXES["container_swapped"].levels[level - 1] + 2e-3
        as_said = narrower == pytest.approx(AXES["container_swapped"].levels[level - 1], abs=2e-3)
        assert as_said or (task != BESIDE and room <= ROOM + 1e-3)
        assert true(spec)


@pytest.mark.parametrize("axis", ["similar_color", "similar_shape"])
def test_what_is_added_looks_like_the_target_in_one_way_alone(axis: str) -> None:
    fit = [name for name in TASKS if AXES[axis].applies(TASKS[name])]
    for number, task in enumerate(fit[::2]):
        level = 1 + number % 5
        twin, spec = scene(task, index=2), scene(task, axis, level, 2)
        target, new = target_of(twin), added(twin, spec)
        assert len(new) == AXES[axis].levels[level - 1]
        assert len({(thing.color, thing.kind) for thing in new}) == len(new)
        for thing in new:
            same = thing.color == target.color, thing.kind == target.kind
            assert same == ((True, False) if axis == "similar_color" else (False, True))
            assert axis == "similar_color" or thing.size == target.size
        assert true(spec)


def test_piles_are_piles_near_the_target() -> None:
    far = []
    for task, level in itertools.product(("Lift", "Collect", "Refer", "OpenDrawer"), LEVELS):
        twin, spec = scene(task, index=1), scene(task, "clutter", level, 1)
        new = added(twin, spec)
        assert len(new) == AXES["clutter"].levels[level - 1]
        contacts = at_start(spec).contacts
        for base, top in zip(new[::2], new[1::2], strict=True):
            assert resting(base)
            assert top.position[:2] == base.position[:2]
            assert (min(base.name, top.name), max(base.name, top.name)) in contacts
        point = np.array(spec.object(spec.goal.names[0]).position[:2])
        far.append(min(float(np.hypot(*(point - np.array(thing.position[:2])))) for thing in new))
        assert not any(spec.goal.relation in (thing.color, thing.kind) for thing in new)
        assert true(spec)
    assert np.median(far) < 0.16


def test_piles_stay_piled_in_physics() -> None:
    spec, simulator = scene("Lift", "clutter", 5, 0), Simulator()
    try:
        simulator.build(spec)
        states = simulator.object_states()
    finally:
        simulator.close()
    for thing in spec.objects:
        assert np.linalg.norm(states[thing.name].position - np.array(thing.position)) < 0.004, thing.name


def test_the_target_is_hidden_by_the_share_in_the_picture_that_is_drawn() -> None:
    for task, level in (("Lift", 1), ("Reach", 3), ("PlaceInto", 4), ("Stack", 5)):
        spec, share = scene(task, "target_hidden", level, 3), AXES["target_hidden"].levels[level - 1]
        board, target = spec.objects[-1], target_of(spec)
        assert hidden_share(spec, target, board) == pytest.approx(share, abs=CLOSE)
        visible = [count_pixels(spec, objects, target.name) for objects in (spec.objects, spec.objects[:-1])]
        assert 1 - visible[0] / visible[1] == pytest.approx(share, abs=0.06)
        assert true(spec)


def count_pixels(spec: SceneSpec, objects: tuple[ObjectSpec, ...], name: str) -> int:
    """How many pixels of the front camera's picture an object has at the start."""
    seen, simulator = replace(spec, objects=objects), Simulator()
    try:
        simulator.build(seen)
        renderer = EpisodeRenderer(seen, size=256)
        frame = renderer.frames(simulator.poses(), ["front"])["front"]
        renderer.close()
    finally:
        simulator.close()
    number = [thing.name for thing in objects].index(name)
    return int((frame.segmentation == FIRST_OBJECT_BODY + number).sum())


def test_exchanged_things_rest_where_the_others_did() -> None:
    for task, axis in itertools.product(("Unstack", "Sort", "FindHidden", "Swap"), ("size", "aspect")):
        twin, spec = scene(task, index=1), scene(task, axis, 5, 1)
        for old, new in pairs(twin, spec):
            if resting(old):
                assert new.position[2] == pytest.approx(resting_z(new.kind, new.size, roll=new.roll))
            elif old.kind != "zone":
                assert not resting(new)

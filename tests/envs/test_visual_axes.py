"""How much each visual axis changes: its magnitude on the scene, and in pictures where the scene does not say."""

from __future__ import annotations

import itertools
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
from numpy.typing import NDArray

from envs.cameras import FRONT, look_at, place, project
from envs.checks import check_cameras
from envs.colors import apart, difference, from_lab, hue_between, shifted, shifted_together, to_lab
from envs.frames import EpisodeRenderer
from envs.grammar import COLORS, named_color
from envs.observing import segmentation_names
from envs.poses import FIRST_OBJECT_BODY, ROBOT_BODY, TABLE_BODY, pose_rows
from envs.renderer.build import build_render_scene
from envs.renderer.make import make_renderer
from envs.scene import RGB, CameraSpec, SceneSpec
from envs.scenes import make_scene
from envs.variations import AXES
from envs.variations.scenery import ASIDE, BEHIND, PER_THING
from envs.variations.surfaces import VISIBLE
from vla.contract import EpisodeRequest, Perturbation

FAMILIES = ("Lift", "PlaceInto", "Sort")
SPOT = CameraSpec("spot", "world", (0.5, 0.0, 1.0), (0.5, 0.0, 0.0), (1.0, 0.0, 0.0), 20.0, 64, 64)  # straight down


@lru_cache(maxsize=1024)
def scene(task: str, axis: str | None = None, level: int = 0, index: int = 0) -> SceneSpec:
    return make_scene(EpisodeRequest(task, index, 0, "eval", (Perturbation(axis, level),) if axis else ()))


def levels(axis: str) -> list[tuple[int, float]]:
    return list(enumerate(AXES[axis].levels, 1))


def pairs(axis: str, level: int, count: int = 4) -> list[tuple[SceneSpec, SceneSpec]]:
    """(twin, changed) of a few families."""
    wanted = itertools.product(FAMILIES, range(count))
    return [(scene(task, index=index), scene(task, axis, level, index)) for task, index in wanted]


def nearest_word(rgb: RGB) -> str:
    return min(COLORS, key=lambda name: difference(COLORS[name], rgb))


def seen_from(spec: SceneSpec, camera: CameraSpec, *, empty: bool = True) -> NDArray[np.float64]:
    """Colours (H, W, 3) of the scene at its start, without the robot, and without objects if `empty`."""
    drawn = build_render_scene(spec, image_height=camera.height)
    last = TABLE_BODY if empty else FIRST_OBJECT_BODY + len(spec.objects)
    nodes = tuple(replace(node, row=-1) for node in drawn.nodes if node.body != ROBOT_BODY and node.body <= last)
    renderer = make_renderer("raster", replace(drawn, nodes=nodes))
    view = place(camera, np.zeros((0, 7), np.float32), ())
    frame = renderer.render(np.zeros((0, 7), np.float32), [view])[0]
    renderer.close()
    return frame.rgb.astype(np.float64)


def turned_by(old: CameraSpec, new: CameraSpec) -> float:
    """Degrees between two cameras' orientations."""
    one, other = (look_at(camera.eye, camera.target, camera.up)[:3, :3] for camera in (old, new))
    return float(np.degrees(np.arccos(np.clip((np.trace(one.T @ other) - 1) / 2, -1, 1))))


def test_light_is_darker_by_the_magnitude_or_brighter_by_half() -> None:
    for level, magnitude in levels("light_intensity"):
        factors = set()
        for twin, spec in pairs("light_intensity", level):
            for part in ("ambient", "directional", "point"):
                ratio = np.divide(getattr(spec.light, part), getattr(twin.light, part))
                factors.add(round(float(ratio.mean()), 3))
                assert np.ptp(ratio) < 1e-3
            assert spec.light.direction == twin.light.direction
        assert factors == {round(1 - magnitude, 3), round(1 + magnitude / 2, 3)}
    dark, plain = (scene("Lift", "light_intensity", 3, i) for i in range(6)), scene("Lift")
    halved = next(spec for spec in dark if spec.light.ambient[0] < plain.light.ambient[0])
    assert seen_from(halved, SPOT).mean() == pytest.approx(seen_from(plain, SPOT).mean() / 2, abs=1)


def test_the_sun_turns_by_the_magnitude_and_never_sets() -> None:
    for level, magnitude in levels("light_direction"):
        for twin, spec in pairs("light_direction", level):
            one, other = (np.divide(s.light.direction, np.linalg.norm(s.light.direction)) for s in (twin, spec))
            assert np.degrees(np.arccos(one @ other)) == pytest.approx(magnitude, abs=0.01)
            assert other[2] > 0.4
            assert replace(spec.light, direction=twin.light.direction) == twin.light


def test_light_has_the_tint_that_the_level_says_and_colour_words_stay_true_in_it() -> None:
    for level, magnitude in levels("light_color"):
        for twin, spec in pairs("light_color", level):
            tint = np.divide(spec.light.directional, twin.light.directional)
            lab = to_lab(tuple(0.7 * tint))
            assert lab[0] == pytest.approx(to_lab((0.7,) * 3)[0], abs=0.05)
            assert np.hypot(lab[1], lab[2]) == pytest.approx(magnitude, abs=0.05)
            np.testing.assert_allclose(np.divide(spec.light.ambient, twin.light.ambient), tint, atol=1e-3)
            for thing in spec.objects:
                lit = np.clip(np.multiply(thing.texture.rgb, tint), 0, 1)
                rgb = float(lit[0]), float(lit[1]), float(lit[2])
                assert nearest_word(rgb) == thing.color, (level, thing.name)
                assert hue_between(rgb, named_color(thing.color)) < 20.1, (level, thing.name)


def test_lamps_are_counted_and_the_middle_of_the_table_stays_as_bright() -> None:
    middle = (slice(30, 34), slice(30, 34))
    bright = seen_from(scene("Lift"), SPOT)[middle].mean()
    for level, magnitude in levels("light_count"):
        for index in range(3):
            spec = scene("Lift", "light_count", level, index)
            assert len(spec.light.lamps) == magnitude
            assert seen_from(spec, SPOT)[middle].mean() == pytest.approx(bright, rel=0.02)
            alone = replace(spec, light=replace(spec.light, lamps=()))
            assert seen_from(alone, SPOT)[middle].mean() == pytest.approx(bright * 0.8**magnitude, abs=3)


def test_slats_take_the_sun_from_the_share_of_the_table_that_the_level_says() -> None:
    wide = replace(SPOT, fov_y=33.4, width=96, height=96)  # 0.6 m a side
    plain = seen_from(scene("Lift"), wide).mean(axis=2)
    for level, magnitude in levels("shadows"):
        shares = []
        for index in range(4):
            spec = scene("Lift", "shadows", level, index)
            assert all(item.casts_shadow and item.position[2] > 1.0 for item in spec.scenery)
            shares.append((seen_from(spec, wide).mean(axis=2) < 0.75 * plain).mean())
        assert np.mean(shares) == pytest.approx(magnitude, abs=0.04), level


def test_shades_are_as_far_as_the_level_says_and_keep_their_word() -> None:
    for level, magnitude in levels("object_color"):
        far = []
        for _, spec in pairs("object_color", level):
            for thing in spec.objects:
                named, rgb = named_color(thing.color), thing.texture.rgb
                assert difference(named, rgb) <= magnitude + 0.1
                assert nearest_word(rgb) == thing.color
                assert hue_between(named, rgb) < 20.1
                far.append(difference(named, rgb) >= magnitude - 0.1)
        assert np.mean(far) > 0.95, level


def test_patterns_have_the_contrast_that_the_level_says_and_two_shades_of_one_word() -> None:
    for level, magnitude in levels("object_texture"):
        far = []
        for _, spec in pairs("object_texture", level, 2):
            for thing in spec.objects:
                assert thing.texture.kind in ("checker", "stripes", "dots")
                assert nearest_word(thing.texture.rgb) == nearest_word(thing.texture.rgb2) == thing.color
                far.append(difference(thing.texture.rgb, thing.texture.rgb2) == pytest.approx(magnitude, abs=0.1))
        assert np.mean(far) > 0.95, level


def test_things_mirror_what_the_level_says_and_look_it() -> None:
    close = replace(SPOT, eye=(0.9, 0.2, 0.4), target=(0.5, 0.0, 0.0), up=(0.0, 0.0, 1.0), width=128, height=128)
    last = seen_from(scene("Lift"), close, empty=False)
    for level, magnitude in levels("object_material"):
        twin, spec = scene("Lift"), scene("Lift", "object_material", level)
        assert {thing.mirror for thing in spec.objects} == {magnitude}
        assert [replace(thing, mirror=0.0) for thing in spec.objects] == list(twin.objects)
        nodes = {node.name: node.material for node in build_render_scene(spec).nodes}
        assert {nodes[thing.name].metallic for thing in spec.objects} == {magnitude}
        now = seen_from(spec, close, empty=False)
        assert np.abs(now - last).max() > 10
        last = now


def test_the_table_is_as_far_as_the_level_says_and_objects_stand_out() -> None:
    for level, magnitude in levels("table_color"):
        for twin, spec in pairs("table_color", level):
            old, new = twin.table.texture, spec.table.texture
            assert replace(new, rgb=old.rgb, rgb2=old.rgb2) == old
            for one, other in ((old.rgb, new.rgb), (old.rgb2, new.rgb2)):
                assert difference(one, other) == pytest.approx(magnitude, abs=0.1)
            for thing, rgb in itertools.product(spec.objects, (new.rgb, new.rgb2)):
                assert difference(rgb, thing.texture.rgb) > VISIBLE


def test_the_table_s_pattern_has_the_contrast_that_the_level_says() -> None:
    for level, magnitude in levels("table_texture"):
        for twin, spec in pairs("table_texture", level):
            old, new = twin.table.texture, spec.table.texture
            assert new.kind != old.kind
            assert difference(new.rgb, new.rgb2) == pytest.approx(magnitude, abs=0.1)
            before, now = ((to_lab(texture.rgb) + to_lab(texture.rgb2)) / 2 for texture in (old, new))
            np.testing.assert_allclose(now, before, atol=0.1)
            for thing, rgb in itertools.product(spec.objects, (new.rgb, new.rgb2)):
                assert difference(rgb, thing.texture.rgb) > VISIBLE


def test_the_background_is_as_far_as_the_level_says_and_things_stand_in_sight_behind_the_robot() -> None:
    front = place(FRONT, np.zeros((0, 7), np.float32), ())
    for level, magnitude in levels("background"):
        for twin, spec in pairs("background", level, 2):
            for part in ("floor", "wall"):
                old, new = getattr(twin.background, part), getattr(spec.background, part)
                assert difference(old.rgb, new.rgb) == pytest.approx(magnitude, abs=0.1)
            assert difference(twin.background.top, spec.background.top) == pytest.approx(magnitude, abs=0.1)
            assert spec.background.kind in ("room", "shelves")
            assert len(spec.scenery) == round(magnitude / PER_THING)
            for item in spec.scenery:
                x, y, z = item.position
                assert BEHIND[0] <= x <= BEHIND[1]
                assert ASIDE[0] <= abs(y) <= ASIDE[1]
                assert z == pytest.approx(item.size[2] / 2, abs=1e-4)
                u, v, _ = project(np.array([[x, y, 0.02]]), front)[0]
                assert 0 < u < front.width
                assert 0 < v < front.height


def test_the_board_hides_the_share_of_the_picture_that_the_level_says() -> None:
    for level, magnitude in levels("occluder"):
        for index in range(3):
            spec = scene("PlaceInto", "occluder", level, index)
            names = {name: number for number, name in segmentation_names(spec).items()}
            renderer = EpisodeRenderer(spec, size=128)
            poses = np.tile(np.array([0, 0, -3, 0, 0, 0, 1], np.float32), (len(pose_rows(spec)), 1))
            frame = renderer.frames(poses, ["front"])["front"]
            renderer.close()
            hidden = frame.segmentation == names["scenery"]
            assert hidden.mean() == pytest.approx(magnitude, abs=0.01), (level, index)
            camera = place(FRONT, np.zeros((0, 7), np.float32), (), 128)
            places = np.array([spec.object(name).position for name in spec.goal.names])
            columns, rows = project(places, camera)[:, :2].astype(int).T
            assert hidden[rows, columns].sum() <= len(places) / 2


def test_cameras_move_by_what_the_level_says_and_are_not_turned() -> None:
    for axis, parent in (("camera_position", "world"), ("wrist_position", "hand")):
        for level, magnitude in levels(axis):
            for twin, spec in pairs(axis, level, 2):
                for old, new in zip(twin.cameras, spec.cameras, strict=True):
                    moved = magnitude if old.parent == parent else 0.0
                    assert np.linalg.norm(np.subtract(new.eye, old.eye)) == pytest.approx(moved, abs=1e-4)
                    assert turned_by(old, new) == pytest.approx(0.0, abs=0.01)


def test_cameras_turn_by_what_the_level_says_and_stay_where_they_are() -> None:
    for axis, parent in (("camera_orientation", "world"), ("wrist_orientation", "hand")):
        for level, magnitude in levels(axis):
            for twin, spec in pairs(axis, level, 2):
                for old, new in zip(twin.cameras, spec.cameras, strict=True):
                    assert new.eye == old.eye
                    turned = magnitude if old.parent == parent else 0.0
                    assert turned_by(old, new) == pytest.approx(turned, abs=0.01)


@pytest.mark.parametrize("parent", ["camera", "wrist"])
def test_lenses_change_by_what_the_level_says(parent: str) -> None:
    number = 0 if parent == "camera" else 1
    for level, magnitude in levels(f"{parent}_fov"):
        for twin, spec in pairs(f"{parent}_fov", level, 2):
            old, new = twin.cameras[number], spec.cameras[number]
            assert abs(new.fov_y - old.fov_y) == pytest.approx(magnitude)
            assert replace(new, fov_y=old.fov_y) == old
            assert spec.cameras[1 - number] == twin.cameras[1 - number]
    for level, magnitude in levels(f"{parent}_distortion"):
        for twin, spec in pairs(f"{parent}_distortion", level, 2):
            old, new = twin.cameras[number], spec.cameras[number]
            assert abs(new.distortion[0]) == pytest.approx(magnitude)
            assert replace(new, distortion=()) == old
            assert spec.cameras[1 - number] == twin.cameras[1 - number]


def test_a_wide_lens_that_is_bent_is_not_made_wider_than_it_can_be() -> None:
    axes = [f"{camera}_{what}" for camera in ("camera", "wrist") for what in ("fov", "distortion")]
    turned = 0
    for index in range(4):
        both = make_scene(EpisodeRequest("Lift", index, 0, "eval", tuple(Perturbation(axis, 5) for axis in axes)))
        check_cameras(both.cameras)  # which draws their lenses
        for number, axis in enumerate(("camera_fov", "wrist_fov")):
            alone, old = scene("Lift", axis, 5, index).cameras[number].fov_y, scene("Lift").cameras[number].fov_y
            assert abs(both.cameras[number].fov_y - old) == pytest.approx(abs(alone - old))
            turned += both.cameras[number].fov_y != alone
    assert turned > 0


def test_cameras_in_the_room_still_see_every_object() -> None:
    for axis in ("camera_position", "camera_orientation", "camera_fov", "camera_distortion"):
        for twin, spec in pairs(axis, 5):
            view = place(spec.cameras[0], np.zeros((0, 7), np.float32), ())
            pixels = project(np.array([thing.position for thing in twin.objects]), view)[:, :2]
            assert (pixels > 0).all(), axis
            assert (pixels < (view.width, view.height)).all(), axis


def test_colour_words_are_far_apart() -> None:
    for one, other in itertools.combinations(COLORS.values(), 2):
        assert difference(one, other) > 40


def test_lab_goes_there_and_back() -> None:
    rng = np.random.default_rng(0)
    for rgb in rng.uniform(size=(20, 3)):
        np.testing.assert_allclose(from_lab(to_lab(tuple(rgb))), rgb, atol=1e-6)
    assert to_lab((1.0, 1.0, 1.0)) == pytest.approx([100, 0, 0], abs=0.01)
    assert difference((0, 0, 0), (1, 1, 1)) == pytest.approx(100, abs=0.01)


def test_colours_that_move_together_move_alike() -> None:
    old = ((0.5, 0.4, 0.3), (0.6, 0.5, 0.3))
    new = shifted_together(old, 12.0, np.random.default_rng(0))
    steps = [to_lab(b) - to_lab(a) for a, b in zip(old, new, strict=True)]
    np.testing.assert_allclose(steps[0], steps[1], atol=0.05)
    assert np.linalg.norm(steps[0]) == pytest.approx(12.0, abs=0.05)


def test_a_shift_that_nothing_satisfies_gives_the_color_back() -> None:
    red, rng = (1.0, 0.0, 0.0), np.random.default_rng(0)
    assert shifted(red, 8.0, rng, lambda _: False, tries=2) == red
    assert apart(red, 8.0, rng, lambda _: False, tries=2) == (red, red)

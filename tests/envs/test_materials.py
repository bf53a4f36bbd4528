import itertools

import pytest

from envs.colors import difference
from envs.grammar import COLORS, MORE_COLORS, named_color
from envs.materials import MATERIALS, material_friction, material_texture, substance
from envs.renderer.textures import bake
from envs.scene import TableSpec
from envs.tasks.base import TASKS, make_thing
from vla.registry import UnknownNameError


@pytest.mark.parametrize("name", MATERIALS)
def test_material_is_drawable_and_slides(name: str) -> None:
    made_of = substance(name)
    assert 0.3 < material_friction(name) < 2.0
    assert made_of.mass > 0
    assert 0 <= made_of.specular <= 1
    assert made_of.shininess >= 1
    assert made_of.metallic in (0.0, 1.0)
    assert bake(material_texture(name, (0.8, 0.1, 0.1))) is not None


def test_thing_takes_friction_mass_and_pattern_from_its_material() -> None:
    plain, wooden = make_thing("red", "block"), make_thing("red", "block", material="wood")
    assert (plain.material, plain.friction, plain.mass, plain.texture.kind) == ("plastic", 1.0, 0.05, "plain")
    assert (wooden.material, wooden.friction, wooden.texture.kind) == ("wood", material_friction("wood"), "wood")
    assert wooden.mass == pytest.approx(0.05 * substance("wood").mass)
    assert wooden.texture.rgb == COLORS["red"]
    assert make_thing("red", "block", material="metal").mass > plain.mass


def test_unknown_material_and_colour_name_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match=r"unknown material 'mettal'\. Did you mean 'metal'"):
        make_thing("red", "block", material="mettal")
    with pytest.raises(UnknownNameError, match=r"unknown colour 'grey'\. Did you mean 'gray'"):
        make_thing("grey", "block")


def test_more_colours_are_told_apart_from_each_other_the_training_ones_and_the_table() -> None:
    table = TableSpec().texture
    for one, other in itertools.combinations({**COLORS, **MORE_COLORS}, 2):
        if one in MORE_COLORS or other in MORE_COLORS:
            assert difference(named_color(one), named_color(other)) >= 20, (one, other)
    for name in MORE_COLORS:
        assert difference(named_color(name), table.rgb) >= 20, name


def test_first_tasks_speak_of_six_colours() -> None:
    six = ("red", "green", "blue", "yellow", "purple", "orange")
    assert tuple(COLORS) == six
    assert not set(COLORS) & set(MORE_COLORS)
    for name in ("Lift", "PlaceInto", "Push", "Reach"):
        assert TASKS[name].grammar.colors == six

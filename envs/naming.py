"""What a scene has, by the words for it, and which of it an instruction names. Knows no learning."""

from __future__ import annotations

from typing import Any

from envs.objects import object_kind
from envs.scene import ObjectSpec, SceneSpec
from vla.absent import Named

Name = tuple[str, str]  # colour word and noun


def named_things(spec: SceneSpec | dict[str, Any], instruction: str) -> Named:
    """Colour and noun of everything in a scene, and of its goal's target.

    The target counts as named only if the instruction says both words: what is told by its place or its use cannot be
    missed by name.
    """
    scene = spec if isinstance(spec, SceneSpec) else SceneSpec.from_dict(spec)
    target = scene.goal.target and scene.object(scene.goal.target)
    name = _name(target) if target else None
    said = name is not None and set(name) <= set(instruction.lower().split())
    return Named(frozenset(_name(thing) for thing in scene.objects), name if said else None)


def _name(thing: ObjectSpec) -> Name:
    return thing.color, object_kind(thing.role).noun.word

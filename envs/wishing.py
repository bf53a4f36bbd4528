"""Scenes for sentences that anybody may write: one of the family that is meant, with what is named in it.

Scenes are drawn from the family's own distribution until one has the kinds that are named; their colours are exchanged
for those that are named, so that everything else is as usual. A pure function of sentence, seed and number.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from envs.embodiments import with_robot
from envs.exchange import exchanged
from envs.grammar import COLORS, named_color, words
from envs.materials import material_texture
from envs.mentions import Named
from envs.scene import GoalSpec, ObjectSpec, SceneSpec
from envs.scenes import make_scene, with_noise
from envs.tasks.base import TASKS, Task
from envs.tasks.refer import DESCRIPTIONS
from envs.understanding import CHAIN, Understood, understand
from envs.variations.novelty import in_role
from vla.contract import EpisodeRequest
from vla.seeding import stream

TRIES = 8000  # choices of objects until one has what is named
EXACT = 6000  # of them, in which what is named must be the only thing that fits its name
LAYOUTS = 20  # scenes that are laid out, at most


@dataclass(frozen=True)
class Wish:
    """A sentence and the scene that it is put to.

    Attributes:
        understood: What the sentence was understood as.
        request: Names the episode; its task is the family whose goal counts.
        spec: The scene; its instruction is the sentence as it was given.
    """

    understood: Understood
    request: EpisodeRequest
    spec: SceneSpec

    @property
    def absent(self) -> bool:
        """Whether the sentence speaks of something that is not there: right is then to touch nothing."""
        return self.spec.refuse

    def told(self) -> str:
        """What was understood and what was not, in one line."""
        parts = [f"understood as {self.understood.text()}"]
        if self.understood.unknown:
            parts.append(f"not understood: {', '.join(self.understood.unknown)}")
        if self.absent:
            parts.append("not everything that is named is there: right is to touch nothing")
        return "; ".join(parts)


def wished(
    sentence: str,
    *,
    seed: int = 0,
    index: int = 0,
    robot: str = "panda",
    control: str = "pd_ee_delta_pose",
    family: str = "",
) -> Wish:
    """The scene for a sentence.

    Args:
        sentence: What is wanted, in any words; it becomes the scene's instruction as it is.
        seed: Of the suite.
        index: Number of the scene: others have their things elsewhere, and other things beside them.
        robot: Registered robot.
        control: Registered control mode.
        family: Take the scene of this family as it is instead, whatever is named: it may not be there.

    Raises:
        ValueError: A sentence that shares no word with any instruction, one that no scene of its family can have, or
            an unknown family, robot or control mode (the nearest name is given).
    """
    understood = understand(sentence)
    if family:
        return _as_is(sentence, understood, EpisodeRequest(family, index, seed, "eval"), robot, control)
    request = EpisodeRequest(understood.task, index, seed, "eval")
    spec = with_robot(_drawn(sentence, understood, request), robot, control)
    spec = replace(spec, instruction=sentence, refuse=bool(understood.missing))
    return Wish(understood, request, with_noise(spec, request))


def _drawn(sentence: str, understood: Understood, request: EpisodeRequest) -> SceneSpec:
    """A scene of the family that is meant with what is named. Raises ValueError if there is none."""
    task, layouts = TASKS[understood.task](), 0
    fixed = any(color in words(spoken) for spoken in task.grammar.relations.values() for color in COLORS)
    for attempt in range(TRIES):
        things, goal = task.choose(stream(request, "scene", sentence, attempt))
        alone = attempt < EXACT
        if not _possible(things, goal, understood, fixed=fixed, alone=alone):
            continue
        layouts += 1
        try:
            spec = task.sample(stream(request, "scene", sentence, attempt))  # begins with the same choice
            spec = _with_kinds(_recolored(spec, _colors(spec, understood), task), understood, task, request)
        except RuntimeError:  # no layout for these things
            spec = None
        if spec is not None and _named_there(spec, understood, alone=alone):
            return spec
        if layouts >= LAYOUTS:
            break
    raise ValueError(f"no scene of {understood.task} has what {sentence!r} names ({understood.text()})")


def _possible(
    things: Sequence[ObjectSpec], goal: GoalSpec, understood: Understood, *, fixed: bool, alone: bool
) -> bool:
    """Whether chosen objects, with their colours exchanged, have what is named."""
    if understood.relation and goal.relation != understood.relation:
        return False
    kinds = {thing.name: thing.kind for thing in things}
    colors = {thing.name: thing.color for thing in things}
    pairs = list(zip(goal.names, understood.things, strict=False))
    if any(name not in kinds for name, _ in pairs):
        return False
    allowed = {
        kind for part in goal.parts or (goal,) for kinds in TASKS[part.task].grammar.roles.values() for kind in kinds
    }
    if any(thing.kind in allowed and thing.kind != kinds[name] for name, thing in pairs if thing.kind):
        return False
    exchange = _exchange([(colors[name], thing.color) for name, thing in pairs if thing.color])
    if exchange is None or (fixed and any(old != new for old, new in exchange.items())):
        return False
    if not alone:
        return True
    painted = [replace(thing, color=exchange.get(thing.color, thing.color)) for thing in things]
    return all(_only(painted, name, thing, allowed) for name, thing in pairs)


def _only(things: Sequence[ObjectSpec], name: str, named: Named, kinds: set[str]) -> bool:
    """Whether the object called `name` is the only one that fits its name, but for a kind that it is to become."""
    kind = named.kind if named.kind in kinds else ""
    fit = [o.name for o in things if named.color in ("", o.color) and kind in ("", o.kind)]
    return fit == [name] or not (named.color or kind)


def _exchange(pairs: Sequence[tuple[str, str]]) -> Mapping[str, str] | None:
    """A permutation of colours that turns the first of each pair into the second; None if there is none."""
    forth = dict(pairs)
    if len(set(forth.values())) < len(forth) or any(forth[old] != new for old, new in pairs):
        return None
    back = {new: old for old, new in forth.items()}
    for new in set(back) - set(forth):
        old = new
        while old in back:
            old = back[old]
        forth[new] = old
    return forth


def _colors(spec: SceneSpec, understood: Understood) -> Mapping[str, str]:
    """The exchange of colours that gives the scene's objects those that are named."""
    pairs = zip(spec.goal.names, understood.things, strict=False)
    found = _exchange([(spec.object(name).color, thing.color) for name, thing in pairs if thing.color])
    return found or {}


def _recolored(spec: SceneSpec, colors: Mapping[str, str], task: Task) -> SceneSpec:
    """The scene with colours exchanged, in the names of its objects too."""
    names = {thing.name: _renamed(thing, colors) for thing in spec.objects}
    objects = tuple(_painted(replace(thing, name=names[thing.name]), colors) for thing in spec.objects)
    changed = replace(spec, objects=objects, goal=_in_order(_renamed_goal(spec.goal, names), task))
    return replace(changed, alternatives=task.alternatives(changed))


def _painted(thing: ObjectSpec, colors: Mapping[str, str]) -> ObjectSpec:
    color = colors.get(thing.color, thing.color)
    if color == thing.color:
        return thing
    return replace(thing, color=color, texture=material_texture(thing.material, named_color(color)))


def _renamed(thing: ObjectSpec, colors: Mapping[str, str]) -> str:
    rest = thing.name.removeprefix(f"{thing.color}_")
    return thing.name if rest == thing.name else f"{colors.get(thing.color, thing.color)}_{rest}"


def _renamed_goal(goal: GoalSpec, names: Mapping[str, str]) -> GoalSpec:
    def new(name: str) -> str:
        return names.get(name, name)

    parts = tuple(_renamed_goal(part, names) for part in goal.parts)
    return replace(
        goal, target=new(goal.target), place=new(goal.place), others=tuple(map(new, goal.others)), parts=parts
    )


def _in_order(goal: GoalSpec, task: Task) -> GoalSpec:
    """The goal with objects that may change roles in the order of their names."""
    names = [goal.target, goal.place, *goal.others]
    ordered = sorted(names[i] for i in task.interchangeable)
    for i, name in zip(task.interchangeable, ordered, strict=True):
        names[i] = name
    return replace(goal, target=names[0], place=names[1], others=tuple(names[2:]))


def _with_kinds(spec: SceneSpec, understood: Understood, task: Task, request: EpisodeRequest) -> SceneSpec:
    """The scene with things of other kinds than the family's in the roles for which the sentence names them.

    Raises RuntimeError if the family accepts no layout of them.
    """
    pairs = zip(spec.goal.names, understood.things, strict=False)
    others = {name: thing.kind for name, thing in pairs if thing.kind and thing.kind != spec.object(name).kind}
    if not others or task.interchangeable or spec.goal.parts:  # there, kinds have been matched, in whatever order
        return spec
    drawn = [in_role(o, others[o.name]) if o.name in others else o for o in spec.objects]
    return exchanged(spec, lambda rng: drawn, task, stream(request, "scene", "kinds"))


def _named_there(spec: SceneSpec, understood: Understood, *, alone: bool) -> bool:
    """Whether the objects of the goal are what is named, in any order if they may change roles."""
    task = TASKS[spec.goal.task]
    if understood.relation and spec.goal.relation != understood.relation:
        return False
    for order in itertools.permutations(task.interchangeable):
        things = list(understood.things)
        for place, taken in zip(task.interchangeable, order, strict=True):
            things[place] = understood.things[taken]
        pairs = [(spec.object(name), thing) for name, thing in zip(spec.goal.names, things, strict=False)]
        if all(_fits(item, thing) for item, thing in pairs):
            count = (sum(_fits(o, thing) for o in spec.objects) for _, thing in pairs if thing != Named())
            return not alone or all(number == 1 for number in count)
    return False


def _fits(item: ObjectSpec, named: Named) -> bool:
    return named.color in ("", item.color) and named.kind in ("", item.kind)


# Scenes as they are.


def _as_is(sentence: str, understood: Understood, request: EpisodeRequest, robot: str, control: str) -> Wish:
    """The sentence in the scene of `request`, whatever is there."""
    spec = replace(make_scene(request, robot, control), instruction=sentence, contrast=None)
    goal = None if understood.missing else next(_goals(spec, understood), None)
    if goal is None:
        return Wish(understood, request, replace(spec, refuse=True))
    spec = replace(spec, goal=goal, max_steps=max(spec.max_steps, TASKS[goal.task].max_steps))
    own = TASKS[goal.task]().alternatives(spec) if goal.task == request.task else ()
    return Wish(understood, request, replace(spec, alternatives=own))


def _goals(spec: SceneSpec, understood: Understood) -> Iterator[GoalSpec]:
    """The goals that a sentence may mean in a scene, the ones with the first objects first.

    Raises ValueError for what can only be judged in a scene of its own family: chains, groups.
    """
    grammar = TASKS[understood.task].grammar
    if understood.task == spec.goal.task:
        task = TASKS[understood.task]()
        for goal in (spec.goal, *task.goals(spec)):
            things = [(spec.object(name), thing) for name, thing in zip(goal.names, understood.things, strict=False)]
            if understood.relation in ("", goal.relation) and all(_fits(item, thing) for item, thing in things):
                yield goal
    elif understood.relation in DESCRIPTIONS:
        meant = DESCRIPTIONS[understood.relation].denotes(spec)
        yield from (GoalSpec("Lift", thing.name) for thing in meant if len(meant) == 1)
    elif understood.task.startswith(CHAIN) or not grammar.target_kinds:
        missing = [thing for thing in understood.things if not any(_fits(item, thing) for item in spec.objects)]
        if not missing:
            raise ValueError(f"what {understood.task} asks for cannot be judged in a scene of {spec.goal.task}")
    else:
        choices = [
            [o.name for o in spec.objects if _fits(o, thing) and (thing.kind or o.kind in kinds)]
            for thing, kinds in zip(understood.things, grammar.roles.values(), strict=True)
        ]
        for names in itertools.product(*choices):
            if len(set(names)) == len(names):
                target, place, *others = (*names, "")[: max(len(names), 2)]
                yield GoalSpec(understood.task, target, place, tuple(others), understood.relation)

"""Suites made on the spot: any registered families, axes and levels. Names are checked against the registries here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from envs.scenes import axis_levels
from envs.tasks.base import TASKS
from envs.variations import AXES
from vla.suites import TOGETHER, UNPERTURBED, Suite


def compose(
    suite: Suite,
    tasks: Sequence[str] = (),
    axes: Sequence[str] = (),
    levels: Sequence[int] = (),
    episodes: int | None = None,
    seed: int | None = None,
) -> Suite:
    """The part of `suite` that is asked for; where it has not all of that, another suite, called so.

    Args:
        suite: Where everything comes from that is not given.
        tasks: Task families.
        axes: Axes, controls, combinations (`a+b`, `random_3`) and `none`.
        levels: Levels of the axes.
        episodes: Episodes a cell.
        seed: Suite seed.

    Raises:
        UnknownNameError: A family or axis that is not registered; the message gives the nearest one.
        ValueError: A level that an axis does not have.
    """
    for task in tasks:
        TASKS[task]
    for axis in axes:
        _check_axis(axis)
    known = (*suite.axes, *suite.controls, *(TOGETHER.join(each) for each in suite.combinations), UNPERTURBED)
    if set(tasks) <= set(suite.tasks) and set(axes) <= set(known) and not set(levels) - set(suite.levels):
        narrowed = suite.narrowed(tasks, axes, episodes, seed)
        return replace(narrowed, levels=tuple(sorted(set(levels)))) if levels else narrowed
    whole = replace(
        _with_axes(suite, axes or known),
        name=f"composed-from-{suite.name}",
        tasks=tuple(dict.fromkeys(tasks)) or suite.tasks,
        levels=tuple(sorted(set(levels))) or suite.levels,
    )
    return applicable(whole).narrowed(episodes=episodes, seed=seed)


def applicable(suite: Suite) -> Suite:
    """The suite without the cells whose axis means nothing for their family, and with its levels checked.

    Raises ValueError for a level that one of its axes does not have.
    """
    names = dict.fromkeys((*suite.axes, *suite.controls, *(axis for each in suite.combinations for axis in each)))
    for name in names:
        most = axis_levels(name)
        if name not in suite.controls and max(suite.levels, default=0) > most:
            raise ValueError(f"axis {name!r} has levels 1 to {most}; got {max(suite.levels)}")
    pairs = [(task, name) for task in suite.tasks for name in names if name in AXES]
    without = tuple(pair for pair in pairs if not AXES[pair[1]].applies(TASKS[pair[0]]))
    return replace(suite, without=without)


def _check_axis(axis: str) -> None:
    """Raises UnknownNameError for a name that is no axis, nor several of them."""
    for name in axis.split(TOGETHER):
        if name != UNPERTURBED:
            axis_levels(name)


def _with_axes(suite: Suite, names: Iterable[str]) -> Suite:
    """The suite with these axes, controls and combinations instead of its own."""
    single = [name for name in dict.fromkeys(names) if name in AXES]
    several = [name for name in dict.fromkeys(names) if name not in AXES and name != UNPERTURBED]
    return replace(
        suite,
        axes=tuple(name for name in single if AXES[name].kind == "axis"),
        controls=tuple(name for name in single if AXES[name].kind == "control"),
        combinations=tuple(tuple(name.split(TOGETHER)) for name in several),
    )

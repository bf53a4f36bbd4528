"""Report sections on generalization: success by axis and level, and the controls that ask whether words matter."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from vla.paired import PairedDrop
from vla.report_charts import Change, Series, forest, level_panel
from vla.report_data import PolicyRun
from vla.report_parts import Page, details, drop_cell, legend, rate_cell, section, table
from vla.stats import Rate
from vla.suites import UNPERTURBED, Cell


def axes_section(page: Page) -> str:
    """Where the policy breaks: changes at the hardest level, curves by level, all numbers."""
    main = page.run.main
    if not main.suite.axes:
        return ""
    policies = [policy for policy in page.run.policies if policy.suite.axes]
    colors = [(page.run.policies.index(policy), policy.name) for policy in policies]
    panels = "".join(_panel(page, axis, policies) for axis in main.suite.axes)
    others = [_numbers(policy) + _numbers_by_task(policy) for policy in policies if policy is not main]
    text = (
        "Each axis changes one thing about the scene, by a published amount, and leaves the rest of the episode as it "
        "was: every perturbed episode is compared with its unperturbed twin (paired 95 % interval, Newcombe)."
    )
    return section(
        "axes",
        "Where it generalizes and where it breaks",
        text,
        f"<h3>Change of success at the hardest level, {escape(main.name)}</h3>",
        f'<div class="wide">{forest(_changes(page))}</div>',
        '<h3 class="next">Success by level</h3>',
        legend(colors),
        f'<div class="panels">{panels}</div>',
        '<h3 class="next">All numbers</h3>',
        _numbers(main),
        details(f"{main.name} by task", _numbers_by_task(main)),
        details("Other policies", *others) if others else "",
    )


def hardest(policy: PolicyRun) -> list[tuple[str, int, PairedDrop]]:
    """Each axis at its highest level with pairs, largest drop first."""
    found = []
    for axis in policy.suite.axes:
        drops = {level: policy.summary.drops.get((axis, level)) for level in policy.suite.levels}
        paired = {level: drop for level, drop in drops.items() if drop is not None and drop.pairs}
        if paired:
            found.append((axis, max(paired), paired[max(paired)]))
    return sorted(found, key=lambda item: (-item[2].value, item[0]))


def _changes(page: Page) -> list[Change]:
    main = page.run.main
    return [
        Change(f"{axis}, level {level}", page.note(axis).magnitude(level), drop, main.command(axis))
        for axis, level, drop in hardest(main)
    ]


def _panel(page: Page, axis: str, policies: Sequence[PolicyRun]) -> str:
    levels = (0, *page.run.main.suite.levels)
    series = [
        Series(policy.name, page.run.policies.index(policy), _rates(policy, axis, levels))
        for policy in policies
        if axis in policy.suite.axes
    ]
    note = page.note(axis)
    text = f"{escape(note.summary)} Levels: {escape(note.scale)}." if note.levels else ""
    chart = level_panel(series, levels, f"Success by level of {axis}")
    return f'<div class="panel"><h3>{escape(axis)}</h3><p>{text}</p>{chart}</div>'


def _rates(policy: PolicyRun, axis: str, levels: Sequence[int]) -> list[tuple[int, Rate]]:
    rates = [(level, _pooled(policy, axis, level)) for level in levels]
    return [(level, rate) for level, rate in rates if rate is not None]


def _pooled(policy: PolicyRun, axis: str, level: int) -> Rate | None:
    return policy.summary.pooled.get((axis, level) if level else (UNPERTURBED, 0))


def _numbers(policy: PolicyRun) -> str:
    """Axes by level, pooled over the tasks."""
    suite, rows = policy.suite, []
    last = suite.levels[-1]
    for axis in suite.axes:
        command = policy.command(axis)
        cells = [rate_cell(_pooled(policy, axis, 0), policy.command(UNPERTURBED), heat=True)]
        cells += [rate_cell(_pooled(policy, axis, level), command, heat=True) for level in suite.levels]
        cells.append(drop_cell(policy.summary.drops.get((axis, last)), command))
        rows.append(f"<tr><th>{escape(axis)}</th>{''.join(cells)}</tr>")
    head = ["as trained", *(f"level {level}" for level in suite.levels), f"change at level {last}"]
    return table([f"{policy.name}, axis", *head], rows)


def _numbers_by_task(policy: PolicyRun) -> str:
    suite, rows = policy.suite, []
    for axis in (*suite.axes, *suite.controls):
        for level in suite.levels if axis in suite.axes else (1,):
            rates = [policy.summary.cells.get(Cell(task, axis, level)) for task in suite.tasks]
            commands = [policy.command(axis, task) for task in suite.tasks]
            cells = [rate_cell(rate, command, heat=True) for rate, command in zip(rates, commands, strict=True)]
            rows.append(f"<tr><th>{escape(axis)}<small>level {level}</small></th>{''.join(cells)}</tr>")
    return table([f"{policy.name}, axis", *suite.tasks], rows)


def controls_section(page: Page) -> str:
    """Blank and swapped instructions."""
    policies = [policy for policy in page.run.policies if policy.suite.controls]
    if not policies:
        return ""
    controls = list(dict.fromkeys(control for policy in policies for control in policy.suite.controls))
    spoken = ["did what was said instead"] if "swapped" in controls else []
    rows = [_control_row(page, policy, controls) for policy in policies]
    text = (
        "A policy that listens must fail when its instruction is blank, and must do the other thing when the "
        "instruction speaks of another goal of the same scene (success is always judged by the original goal)."
    )
    head = ["policy", "as it is", *(f"{control} instruction" for control in controls), *spoken]
    return section("controls", "Does it listen?", text, table(head, rows))


def _control_row(page: Page, policy: PolicyRun, controls: Sequence[str]) -> str:
    cells = [rate_cell(policy.summary.overall, policy.command(UNPERTURBED))]
    for control in controls:
        rate, change = policy.summary.pooled.get((control, 1)), policy.summary.drops.get((control, 1))
        cells.append(rate_cell(rate, policy.command(control), change=change))
    if "swapped" in controls:
        swapped = [r for r in policy.records if r.cell.axis == "swapped" and r.outcome != "error"]
        did = Rate(sum(r.reason == "did_spoken_goal" for r in swapped), len(swapped))
        cells.append(rate_cell(did, policy.command("swapped")))
    return f"{page.row(policy)}{''.join(cells)}</tr>"

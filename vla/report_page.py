"""The report's page: sections from a run to HTML. Knows no file and no renderer; clips come in as bytes."""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from vla.report_charts import COLORS, Change, Curve, Series, curve_panel, forest, level_panel
from vla.report_data import PolicyRun, Run
from vla.report_style import CSS, JS
from vla.results import Record
from vla.stats import PairedDrop, Rate, percent
from vla.suites import UNPERTURBED, Cell
from vla.summary import reason


@dataclass(frozen=True)
class AxisNote:
    """What an axis changes and by how much: shown with its numbers. `levels` are magnitudes in `unit`."""

    summary: str
    unit: str
    levels: tuple[float, ...]

    def magnitude(self, level: int) -> str:
        """The magnitude of a level with its unit."""
        return f"{self.levels[level - 1]:g} {self.unit}" if 0 < level <= len(self.levels) else ""

    @property
    def scale(self) -> str:
        """All magnitudes with the unit."""
        return f"{', '.join(f'{level:g}' for level in self.levels)} {self.unit}"


@dataclass(frozen=True)
class Clip:
    """An episode of the gallery: MP4 and JPEG bytes, width and height in pixels."""

    policy: PolicyRun
    record: Record
    video: bytes
    poster: bytes
    width: int
    height: int


@dataclass(frozen=True)
class Page:
    """What is shown besides the run itself.

    Attributes:
        run: The run.
        clips: The gallery.
        axes: Notes by axis name.
        commit: Commit of the code that wrote the report.
        date: When it was written.
        command: What wrote it.
    """

    run: Run
    clips: Sequence[Clip]
    axes: Mapping[str, AxisNote]
    commit: str
    date: str
    command: str

    def html(self) -> str:
        """The whole document; needs no other file and no network."""
        sections = (_header, _headline, _tasks, _axes, _controls, _training, _gallery, _reasons, _reproduce)
        body = "\n".join(filter(None, (section(self) for section in sections)))
        title = escape(f"{self.run.main.name} on {self.run.main.suite.name}")
        return (
            f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
            '<meta name="viewport" content="width=device-width,initial-scale=1">'
            f'<link rel="icon" href="data:,"><style>{CSS}</style></head><body><main>{body}</main>'
            '<div id="cmd" hidden><div><pre></pre><button class="copy" type="button">Copy</button>'
            '<button class="copy close" type="button" aria-label="Close">&times;</button></div></div>'
            f'<script type="application/json" id="data">{_data(self)}</script><script>{JS}</script></body></html>\n'
        )

    def note(self, axis: str) -> AxisNote:
        """The note of an axis; empty for one that is not known here."""
        return self.axes.get(axis, AxisNote("", "", ()))


def _data(page: Page) -> str:
    """Every number of the page for programs; `<` is escaped so that no text can end the script element."""
    data = {p.name: {"digest": p.digest, **p.summary.to_dict(p.suite)} for p in page.run.policies}
    return json.dumps(data).replace("<", "\\u003c")


def _header(page: Page) -> str:
    main = page.run.main
    suite = main.suite
    shape = f"{len(suite.tasks)} tasks, {len(suite.axes)} axes, {len(suite.controls)} controls, "
    shape += f"{suite.episodes} episodes a cell"
    facts = {
        "policy": f"{main.name} ({main.manifest['source']})",
        "checkpoint": main.checkpoint or "none (scripted)",
        "suite": f"{suite.name} v{suite.version}, seed {suite.seed}, hash {suite.hash}",
        "contents": shape,
        "code": f"commit {main.manifest['versions'].get('commit') or 'unknown'}",
        "machine": main.manifest["machine"],
        "evaluated": main.manifest["started"],
        "episodes": _episodes(page.run.policies),
    }
    rows = "".join(f"<div{_long(v)}><dt>{k}</dt><dd>{escape(str(v))}</dd></div>" for k, v in facts.items())
    lead = "Success with 95 % Wilson intervals. Press any number to see the command that gives it again."
    return f'<header><h1>How far does <em>{escape(main.name)}</em> generalize?</h1><p class="lead">{lead}</p><dl class="facts">{rows}</dl></header>'


def _long(value: str) -> str:
    return ' class="long"' if len(str(value)) > 28 else ""


def _episodes(policies: Sequence[PolicyRun]) -> str:
    ran, errors = (sum(getattr(p.summary, name) for p in policies) for name in ("episodes", "errors"))
    missing = sum(p.missing for p in policies)
    text = f"{ran} over {len(policies)} policies, {errors} errors"
    return f"{text}, {missing} not run yet" if missing else text


def _headline(page: Page) -> str:
    main = page.run.main
    overall = main.summary.overall
    cards = [_card("In distribution", _percent(overall), _spread(overall), "")]
    drops = sorted(_hardest(main), key=lambda item: -item[1].value)
    if drops:
        axis, drop, level = drops[0]
        kind = "bad" if drop.low > 0 else ""
        cards.append(_card(f"Hardest axis: {axis}, level {level}", _change(drop), _change_interval(drop), kind))
        held = [name for name, change, _ in drops if change.low <= 0]
        names = ", ".join(held) or "every axis costs success"
        cards.append(_card("No drop shown on", f"{len(held)} of {len(drops)} axes", names, "good" if held else "bad"))
    floors = [(p.summary.overall, p.name) for p in page.run.policies if p is not main and p.name != "expert"]
    if floors:
        rate, name = max(floors, key=lambda floor: floor[0].value if floor[0].n else -1.0)
        cards.append(_card(f"Best control: {name}", _percent(rate), _spread(rate), ""))
    return f'<div class="cards">{"".join(cards)}</div>'


def _hardest(policy: PolicyRun) -> list[tuple[str, PairedDrop, int]]:
    """Each axis at its highest level that was run, with its drop."""
    found = []
    for axis in policy.suite.axes:
        levels = [level for level in policy.suite.levels if policy.summary.drops.get((axis, level)) is not None]
        if levels and policy.summary.drops[axis, max(levels)].pairs:
            found.append((axis, policy.summary.drops[axis, max(levels)], max(levels)))
    return found


def _card(what: str, big: str, small: str, kind: str) -> str:
    return (
        f'<div class="card"><div class="what">{escape(what)}</div><div class="big {kind}">{escape(big)}</div>'
        f'<div class="small">{escape(small)}</div></div>'
    )


def _percent(rate: Rate) -> str:
    return f"{percent(rate.value)} %" if rate.n else "none"


def _spread(rate: Rate) -> str:
    low, high = rate.interval
    return f"{rate.k} of {rate.n}, interval {percent(low)} to {percent(high)} %"


def _change(drop: PairedDrop) -> str:
    return drop.text.partition(" [")[0]


def _change_interval(drop: PairedDrop) -> str:
    return "[" + drop.text.partition("[")[2]


def _rate_cell(rate: Rate | None, command: str, *, heat: bool = False) -> str:
    if rate is None:
        return '<td class="muted">&ndash;</td>'
    errors = f'<span class="warn"> +{rate.errors} err</span>' if rate.errors else ""
    attribute = f'data-cmd="{escape(command)}" title="{escape(command)}"'
    if not rate.n:
        return f'<td class="rate" {attribute}><span class="muted">none</span>{errors}</td>'
    low, high = rate.interval
    tint = f' style="--a:{0.32 * rate.value:.2f}"' if heat else ""
    small = f"<small>{rate.k}/{rate.n} [{percent(low)}, {percent(high)}]</small>"
    return f'<td class="rate{" heat" if heat else ""}"{tint} {attribute}><b>{percent(rate.value)} %</b>{errors}{small}</td>'


def _key(number: int) -> str:
    return f'<span class="key" style="background:var(--c{number % COLORS})"></span>'


def _legend(policies: Sequence[PolicyRun]) -> str:
    names = "".join(f"<span>{_key(number)}{escape(p.name)}</span>" for number, p in enumerate(policies))
    return f'<div class="legend">{names}</div>' if len(policies) > 1 else ""


def _table(head: Sequence[str], rows: Sequence[str]) -> str:
    cells = "".join(f"<th>{escape(name)}</th>" for name in head)
    return f'<div class="scroll"><table><thead><tr>{cells}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'


def _section(name: str, title: str, text: str, *parts: str) -> str:
    return f'<section id="{name}"><h2>{escape(title)}</h2><p>{text}</p>{"".join(parts)}</section>'


def _tasks(page: Page) -> str:
    tasks = list(dict.fromkeys(task for p in page.run.policies for task in p.suite.tasks))
    rows = []
    for number, policy in enumerate(page.run.policies):
        kind = ' class="main"' if policy is page.run.main else ""
        cells = "".join(_rate_cell(policy.summary.cells.get(Cell(task)), policy.command(Cell(task))) for task in tasks)
        overall = _rate_cell(policy.summary.overall, policy.command(axis=UNPERTURBED))
        source = str(policy.manifest["source"])
        small = f"<small>{escape(source)}</small>" if source != policy.name else ""
        rows.append(f"<tr{kind}><th>{_key(number)}{escape(policy.name)}{small}</th>{cells}{overall}</tr>")
    text = "New scenes from the training distribution; their seeds were never trained on. Rate, successes/episodes, interval."
    return _section("tasks", "Success by task", text, _table(["policy", *tasks, "all tasks"], rows))


def _axes(page: Page) -> str:
    main = page.run.main
    axes = main.suite.axes
    if not axes:
        return ""
    hardest = sorted(_hardest(main), key=lambda item: (-item[1].value, item[0]))
    changes = [
        Change(f"{axis}, level {level}", _magnitude(page, axis, level), drop, main.command(axis=axis))
        for axis, drop, level in hardest
    ]
    parts = (
        [
            f"<h3>Change of success at the hardest level, {escape(main.name)}</h3>",
            f'<div class="wide">{forest(changes)}</div>',
        ]
        if changes
        else []
    )
    with_axes = [p for p in page.run.policies if p.suite.axes]
    panels = "".join(_axis_panel(page, axis, with_axes) for axis in axes)
    parts += [
        '<h3 style="margin-top:24px">Success by level</h3>',
        _legend(with_axes),
        f'<div class="panels">{panels}</div>',
    ]
    parts += [_level_table(page, policy) for policy in with_axes]
    text = (
        "Each axis changes one thing about the scene, by a published amount, and leaves the rest of the episode as it was: "
        "every perturbed episode is compared with its unperturbed twin (95 % paired interval, Newcombe)."
    )
    return _section("axes", "Where it generalizes and where it breaks", text, *parts)


def _magnitude(page: Page, axis: str, level: int) -> str:
    return page.note(axis).magnitude(level)


def _axis_panel(page: Page, axis: str, policies: Sequence[PolicyRun]) -> str:
    levels = (0, *page.run.main.suite.levels)
    series = []
    for number, policy in enumerate(page.run.policies):
        if policy in policies and axis in policy.suite.axes:
            cells = [(level, _pooled(policy, axis, level)) for level in levels]
            series.append(Series(policy.name, number, [(level, rate) for level, rate in cells if rate]))
    note = page.note(axis)
    text = f"{escape(note.summary)} ({escape(note.scale)})" if note.levels else ""
    label = f"Success by level of {axis}"
    return f'<div class="panel"><h3>{escape(axis)}</h3><p>{text}</p>{level_panel(series, levels, label)}</div>'


def _pooled(policy: PolicyRun, axis: str, level: int) -> Rate | None:
    return policy.summary.pooled.get((axis, level) if level else (UNPERTURBED, 0))


def _level_table(page: Page, policy: PolicyRun) -> str:
    """All cells of one policy: axes by level pooled over tasks, then each task."""
    suite, rows = policy.suite, []
    for axis in suite.axes:
        cells = [
            _rate_cell(_pooled(policy, axis, level), policy.command(axis=axis), heat=True)
            for level in (0, *suite.levels)
        ]
        drop = policy.summary.drops.get((axis, suite.levels[-1]))
        kind = "bad" if drop and drop.low > 0 else ""
        change = f'<td class="{kind}">{escape(drop.text if drop else "")}</td>'
        rows.append(f"<tr><th>{escape(axis)}</th>{''.join(cells)}{change}</tr>")
    head = ["axis", "trained on", *(f"level {level}" for level in suite.levels), f"change at level {suite.levels[-1]}"]
    per_task = []
    for axis in (*suite.axes, *suite.controls):
        for level in suite.levels if axis in suite.axes else (1,):
            cells = [_task_cell(policy, task, axis, level) for task in suite.tasks]
            per_task.append(f"<tr><th>{escape(axis)}<small>level {level}</small></th>{''.join(cells)}</tr>")
    opened = " open" if policy is page.run.main else ""
    return (
        f"<details{opened}><summary>Numbers: {escape(policy.name)}</summary>{_table(head, rows)}</details>"
        f"<details><summary>Numbers by task: {escape(policy.name)}</summary>{_table(['axis', *suite.tasks], per_task)}</details>"
    )


def _task_cell(policy: PolicyRun, task: str, axis: str, level: int) -> str:
    cell = Cell(task, axis, level)
    return _rate_cell(policy.summary.cells.get(cell), policy.command(cell), heat=True)


def _controls(page: Page) -> str:
    policies = [p for p in page.run.policies if p.suite.controls]
    if not policies:
        return ""
    controls = list(dict.fromkeys(c for p in policies for c in p.suite.controls))
    rows = [
        _control_row(page, number, policy, controls)
        for number, policy in enumerate(page.run.policies)
        if policy in policies
    ]
    head = ["policy", "as it is"]
    for control in controls:
        head += [control, f"change, {control}"]
    if "swapped" in controls:
        head.append("did what was said")
    text = (
        "A policy that listens must fail when its instruction is blank, and must do the other thing when the instruction "
        "speaks of another goal of the same scene (success is always judged by the original goal)."
    )
    return _section("controls", "Does it listen?", text, _table(head, rows))


def _control_row(page: Page, number: int, policy: PolicyRun, controls: Sequence[str]) -> str:
    cells = [_rate_cell(policy.summary.overall, policy.command(axis=UNPERTURBED))]
    for control in controls:
        drop = policy.summary.drops.get((control, 1))
        cells.append(_rate_cell(policy.summary.pooled.get((control, 1)), policy.command(axis=control)))
        cells.append(f"<td>{escape(drop.text if drop else '')}</td>")
    if "swapped" in controls:
        swapped = [r for r in policy.records if r.cell.axis == "swapped" and r.outcome != "error"]
        spoken = Rate(sum(r.reason == "did_spoken_goal" for r in swapped), len(swapped))
        cells.append(_rate_cell(spoken, policy.command(axis="swapped")))
    kind = ' class="main"' if policy is page.run.main else ""
    return f"<tr{kind}><th>{_key(number)}{escape(policy.name)}</th>{''.join(cells)}</tr>"


def _training(page: Page) -> str:
    rows = page.run.training
    losses = [name for name in ("loss", "action", "ground", "position") if any(name in row for row in rows)]
    if not losses:
        return ""
    curves = [Curve(name, n, [(r["step"], r[name]) for r in rows if name in r]) for n, name in enumerate(losses)]
    names = "".join(f"<span>{_key(n)}{escape(name)}</span>" for n, name in enumerate(losses))
    panels = [
        f'<div class="panel"><h3>Loss by training step</h3><div class="legend">{names}</div>{curve_panel(curves, "Loss")}</div>'
    ]
    success = [row for row in rows if isinstance(row.get("success"), dict)]
    if success:
        tasks = list(dict.fromkeys(task for row in success for task in row["success"]))
        lines = [
            Curve(task, n, [(r["step"], float(r["success"][task])) for r in success if task in r["success"]])
            for n, task in enumerate(tasks)
        ]
        names = "".join(f"<span>{_key(n)}{escape(task)}</span>" for n, task in enumerate(tasks))
        chart = curve_panel(lines, "Success during training", share=True)
        title = "Success in the simulator while training (a quick check, few episodes)"
        panels.append(f'<div class="panel"><h3>{title}</h3><div class="legend">{names}</div>{chart}</div>')
    last = rows[-1]
    rates = sorted(row["samples_per_s"] for row in rows if "samples_per_s" in row)
    pace = f", {rates[len(rates) // 2]:.0f} samples/s (median)" if rates else ""
    text = f"{last['step']} steps in {last.get('seconds', 0.0) / 60:.1f} minutes{pace}."
    config = ""
    if page.run.training_config:
        config = f"<details><summary>Configuration</summary><pre>{escape(json.dumps(page.run.training_config, indent=1)[:20000])}</pre></details>"
    grid = f'<div class="panels" style="grid-template-columns:repeat(auto-fit,minmax(min(100%,420px),1fr))">{"".join(panels)}</div>'
    return _section("training", "Training", text, grid, config)


def _gallery(page: Page) -> str:
    if not page.clips:
        return ""
    outcomes = Counter(clip.record.outcome for clip in page.clips)
    shows = [
        ("all", f"all ({len(page.clips)})"),
        *((name, f"{name} ({outcomes[name]})") for name in ("failure", "success", "error") if outcomes[name]),
    ]
    for values in (
        (clip.policy.name for clip in page.clips),
        (clip.record.cell.task for clip in page.clips),
        (clip.record.cell.axis for clip in page.clips if clip.record.cell.axis != UNPERTURBED),
    ):
        kinds = list(dict.fromkeys(values))
        shows += [(kind, kind) for kind in kinds] if len(kinds) > 1 else []
    buttons = "".join(
        f'<button type="button" data-show="{escape(tag)}" aria-pressed="{"true" if tag == "all" else "false"}">{escape(text)}</button>'
        for tag, text in shows
    )
    text = "Drawn again from stored poses: front and wrist camera as the policy saw them, in better resolution."
    figures = "".join(_figure(clip) for clip in page.clips)
    return _section(
        "gallery",
        "What it looks like",
        text,
        f'<div class="filters">{buttons}</div><div class="gallery">{figures}</div>',
    )


def _figure(clip: Clip) -> str:
    record, cell = clip.record, clip.record.cell
    tags = "|".join((record.outcome, clip.policy.name, cell.task, cell.axis))
    where = "as in training" if cell.axis == UNPERTURBED else f"{cell.axis}, level {cell.level}"
    look = {"success": ("good", "&#10003; success"), "failure": ("bad", "&#10007; failure")}
    kind, word = look.get(record.outcome, ("warn", "! error"))
    why = "" if record.outcome == "success" else f" {escape(reason(record).replace('_', ' '))}"
    command = escape(clip.policy.record_command(record.key))
    video = base64.b64encode(clip.video).decode()
    poster = base64.b64encode(clip.poster).decode()
    say = f"&ldquo;{escape(record.instruction)}&rdquo;" if record.instruction else "<i>no instruction</i>"
    return (
        f'<figure data-tags="{escape(tags)}"><video controls muted loop playsinline preload="none" width="{clip.width}" '
        f'height="{clip.height}" poster="data:image/jpeg;base64,{poster}" src="data:video/mp4;base64,{video}"></video>'
        f'<figcaption><span class="say">{say}</span><span class="badge {kind}">{word}</span>{why}<br>'
        f'<span class="muted">{escape(clip.policy.name)} &middot; {escape(cell.task)} &middot; {escape(where)} &middot; '
        f"{record.steps} steps &middot; seed {record.request.seed}, episode {record.request.index}</span> "
        f'<span class="muted" data-cmd="{command}" role="button" style="cursor:pointer;text-decoration:underline">command</span>'
        "</figcaption></figure>"
    )


def _reasons(page: Page) -> str:
    parts = []
    for policy in page.run.policies:
        bad = [record for record in policy.records if record.outcome != "success"]
        if not bad:
            continue
        total, rows = len(bad), []
        for name, times in policy.summary.reasons.items():
            where = Counter(f"{r.cell.task}" for r in bad if reason(r) == name)
            tasks = ", ".join(f"{task} {count}" for task, count in where.most_common())
            bar = f'<div class="bar" style="width:{100 * times / total:.1f}%"></div>'
            rows.append(
                f"<tr><th>{escape(name.replace('_', ' '))}</th><td>{times}</td><td class='grow'>{bar}</td><td class='muted'>{escape(tasks)}</td></tr>"
            )
        opened = " open" if policy is page.run.main else ""
        title = f"{policy.name}: {total} of {len(policy.records)} episodes of all cells"
        table = _table(["reason", "episodes", "", "tasks"], rows)
        parts.append(f"<details{opened}><summary>{escape(title)}</summary>{table}</details>")
    if not parts:
        return ""
    return _section(
        "reasons",
        "Why it fails",
        "What the task says about the last state of each episode that did not succeed.",
        *parts,
        _tracebacks(page),
    )


def _tracebacks(page: Page) -> str:
    errors = [(p, r) for p in page.run.policies for r in p.records if r.outcome == "error"]
    shown = "".join(
        f"<p><code>{escape(p.name)} {escape(r.key)}</code></p><pre>{escape(r.traceback)}</pre>" for p, r in errors[:5]
    )
    return (
        f"<details><summary>Tracebacks: {min(5, len(errors))} of {len(errors)} errors</summary>{shown}</details>"
        if errors
        else ""
    )


def _reproduce(page: Page) -> str:
    rows = []
    for policy in page.run.policies:
        versions = policy.manifest["versions"]
        packages = ", ".join(f"{name} {version}" for name, version in versions.items() if version and name != "commit")
        rows.append(
            f"<tr><th>{escape(policy.name)}</th><td class='wrap'><code>{escape(policy.manifest['command'])}</code></td>"
            f"<td>{policy.suite.seed}</td><td><code>{policy.suite.hash}</code></td><td><code>{policy.digest}</code></td>"
            f"<td><code>{escape(policy.checkpoint or '-')}</code></td><td>{policy.summary.wall_s:.0f} s</td>"
            f"<td class='wrap'>{escape(packages)}; commit {escape(versions.get('commit') or 'unknown')}</td></tr>"
        )
    head = [
        "policy",
        "command that was run",
        "seed",
        "suite hash",
        "result digest",
        "checkpoint",
        "episode time",
        "versions",
    ]
    text = (
        "An episode's first state is a function of (seed, task, axis, level, episode number). The same command on the same "
        "machine gives the same result digest, whatever the number of workers."
    )
    foot = f"Written {escape(page.date)} by <code>{escape(page.command)}</code>, commit {escape(page.commit or 'unknown')}."
    return (
        _section("reproduce", "How to get these numbers again", text, _table(head, rows)) + f"<footer>{foot}</footer>"
    )

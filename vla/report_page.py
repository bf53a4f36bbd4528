"""The report's page: from a run to one HTML document. Knows no file and no renderer; clips come in as bytes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape

from vla.paired import PairedDrop
from vla.report_axes import axes_section, controls_section, hardest
from vla.report_charts import Curve, curve_panel
from vla.report_data import PolicyRun
from vla.report_gallery import gallery_section, reasons_section
from vla.report_parts import Page, counted, details, legend, rate_cell, section, table
from vla.report_style import CSS, JS
from vla.stats import Rate, percent
from vla.suites import UNPERTURBED, Cell


def render(page: Page) -> str:
    """The whole document; it needs no other file and no network."""
    sections = (
        _header,
        _headline,
        _tasks,
        axes_section,
        controls_section,
        _training,
        gallery_section,
        reasons_section,
        _reproduce,
    )
    body = "\n".join(filter(None, (section(page) for section in sections)))
    title = escape(f"{page.run.main.name} on {page.run.main.suite.name}")
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f'<link rel="icon" href="data:,"><style>{CSS}</style></head><body><main>{body}</main>'
        '<div id="cmd" hidden><div><pre></pre><button class="copy" type="button">Copy</button>'
        '<button class="copy close" type="button" aria-label="Close">&times;</button></div></div>'
        f'<script type="application/json" id="data">{_data(page)}</script><script>{JS}</script></body></html>\n'
    )


def _data(page: Page) -> str:
    """Every number of the page for programs; `<` is escaped so that no text can end the script element."""
    data = {p.name: {"digest": p.digest, **p.summary.to_dict(p.suite)} for p in page.run.policies}
    return json.dumps(data).replace("<", "\\u003c")


def _header(page: Page) -> str:
    main = page.run.main
    suite = main.suite
    axes = counted(len(suite.axes), "axis", "axes")
    contents = f"{counted(len(suite.tasks), 'task')}, {axes}, {counted(len(suite.controls), 'control')}; "
    contents += f"{suite.count(UNPERTURBED)} episodes a task as trained, {suite.episodes} a perturbed cell"
    facts = {
        "policy": str(main.manifest["source"]),
        "checkpoint": main.checkpoint or "none (scripted)",
        "suite": f"{suite.name} v{suite.version}, seed {suite.seed}, hash {suite.hash}",
        "contents": contents,
        "episodes": _episodes(page.run.policies),
        "evaluated": main.manifest["started"],
        "code": f"commit {main.manifest['versions'].get('commit') or 'unknown'}",
        "machine": main.manifest["machine"],
    }
    rows = "".join(f"<div><dt>{name}</dt><dd>{escape(str(value))}</dd></div>" for name, value in facts.items())
    lead = "Success with 95 % Wilson intervals. Press any number to see the command that gives it again."
    title = f"How far does <em>{escape(main.name)}</em> generalize?"
    return f'<header><h1>{title}</h1><p class="lead">{lead}</p><dl class="facts">{rows}</dl></header>'


def _episodes(policies: Sequence[PolicyRun]) -> str:
    ran = sum(policy.summary.episodes for policy in policies)
    errors = sum(policy.summary.errors for policy in policies)
    missing = sum(policy.missing for policy in policies)
    text = f"{ran} of {counted(len(policies), 'policy', 'policies')}, {counted(errors, 'error')}"
    return f"{text}, {missing} not run yet" if missing else text


def _headline(page: Page) -> str:
    main = page.run.main
    cards = [_rate_card("Scenes like in training", main.summary.overall)]
    drops = hardest(main)
    if drops:
        axis, level, drop = drops[0]
        cards.append(_drop_card(f"Hardest axis: {axis}, level {level}", drop))
        lost = [name for name, _, change in drops if change.low > 0]
        names = ", ".join(lost) or "intervals say how large one may still be"
        count = f"{len(lost)} of {counted(len(drops), 'axis', 'axes')}"
        cards.append(_card("Drop beyond chance at the hardest level", count, names, "bad" if lost else ""))
    floors = [p for p in page.run.policies if p is not main and p.name != "expert" and p.summary.overall.n]
    if floors:
        best = max(floors, key=lambda policy: policy.summary.overall.value)
        cards.append(_rate_card(f"Best baseline: {best.name}", best.summary.overall))
    return f'<div class="cards">{"".join(cards)}</div>'


def _rate_card(what: str, rate: Rate) -> str:
    low, high = rate.interval
    big = f"{percent(rate.value)} %" if rate.n else "none"
    return _card(what, big, f"{rate.k}/{rate.n} [{percent(low)}, {percent(high)}]", "")


def _drop_card(what: str, drop: PairedDrop) -> str:
    change, _, interval = drop.text.partition(" [")
    return _card(what, change, f"[{interval}", "bad" if drop.low > 0 else "")


def _card(what: str, big: str, small: str, kind: str) -> str:
    return (
        f'<div class="card"><div class="what">{escape(what)}</div><div class="big {kind}">{escape(big)}</div>'
        f'<div class="small">{escape(small)}</div></div>'
    )


def _tasks(page: Page) -> str:
    tasks = list(dict.fromkeys(task for policy in page.run.policies for task in policy.suite.tasks))
    rows = []
    for policy in page.run.policies:
        cells = [rate_cell(policy.summary.cells.get(Cell(t)), policy.command(UNPERTURBED, t)) for t in tasks]
        cells.append(rate_cell(policy.summary.overall, policy.command(UNPERTURBED)))
        rows.append(f"{page.row(policy)}{''.join(cells)}</tr>")
    text = (
        "New scenes from the training distribution, of seeds that no demonstration has. Rate, successes/episodes, "
        "95 % interval."
    )
    return section(
        "tasks", "Success by task", text, table(["policy", *tasks, "all tasks"], rows), _in_a_row(page, tasks)
    )


def _in_a_row(page: Page, tasks: Sequence[str]) -> str:
    """Goals with several parts: how many were done in a row; nothing where there are none."""
    found = [
        (policy, task, policy.summary.in_a_row[Cell(task)])
        for policy in page.run.policies
        for task in tasks
        if Cell(task) in policy.summary.in_a_row
    ]
    if not found:
        return ""
    longest, rows = max(len(row.rates) for _, _, row in found), []
    for policy, task, row in found:
        command = policy.command(UNPERTURBED, task)
        cells = [rate_cell(rate, command, heat=True) for rate in row.rates] + ["<td></td>"] * (longest - len(row.rates))
        rows.append(f"{page.row(policy)}<td>{escape(task)}</td><td><b>{row.average:.2f}</b></td>{''.join(cells)}</tr>")
    head = ["policy", "task", "parts in a row, mean", *(f"at least {number}" for number in range(1, longest + 1))]
    return table(head, rows)


def _training(page: Page) -> str:
    rows = [row for row in page.run.training if "step" in row]
    losses = [row for row in rows if "loss" in row]
    if not losses:
        return ""
    names = [name for name in ("loss", "action", "ground", "position") if name in losses[0]]
    curves = [Curve(name, n, [(r["step"], r[name]) for r in losses if name in r]) for n, name in enumerate(names)]
    panels = _curves("Loss by training step", curves)
    checks = [row for row in rows if isinstance(row.get("success"), dict)]
    tasks = list(dict.fromkeys(task for row in checks for task in row["success"]))
    lines = [
        Curve(task, n, [(r["step"], float(r["success"][task])) for r in checks if task in r["success"]])
        for n, task in enumerate(tasks)
    ]
    panels += _curves("Quick checks in the simulator while training", lines, share=True) if lines else ""
    rates = sorted(row["samples_per_s"] for row in losses if "samples_per_s" in row)
    pace = f", {rates[len(rates) // 2]:.0f} samples/s (median)" if rates else ""
    text = f"{losses[-1]['step']} steps in {max(row.get('seconds', 0.0) for row in rows) / 60:.1f} minutes{pace}."
    config = page.run.training_config
    more = details("Configuration", f"<pre>{escape(json.dumps(config, indent=1)[:20000])}</pre>") if config else ""
    return section("training", "Training", text, f'<div class="panels two">{panels}</div>', more)


def _curves(title: str, curves: Sequence[Curve], *, share: bool = False) -> str:
    names = legend([(curve.color, curve.name) for curve in curves])
    return f'<div class="panel"><h3>{escape(title)}</h3>{names}{curve_panel(curves, title, share=share)}</div>'


def _reproduce(page: Page) -> str:
    text = (
        "An episode's first state is a function of (seed, task, axis, level, episode number). The same command on the "
        "same machine gives the same result digest, whatever the number of workers."
    )
    blocks = "".join(_provenance(policy) for policy in page.run.policies)
    foot = f"Written {escape(page.date)} by <code>{escape(page.command)}</code>, commit {escape(page.commit or '?')}."
    body = f'<div class="wide">{blocks}</div><footer>{foot}</footer>'
    return section("reproduce", "How to get these numbers again", text, body)


def _provenance(policy: PolicyRun) -> str:
    versions = policy.manifest["versions"]
    facts = {
        "seed": policy.suite.seed,
        "suite hash": policy.suite.hash,
        "result digest": policy.digest,
        "checkpoint": policy.checkpoint or "none",
        "simulation": f"{policy.summary.wall_s:.0f} s, {policy.summary.steps} steps",
        **{name: version for name, version in versions.items() if version},
    }
    items = " &middot; ".join(f"{escape(name)} {escape(str(value))}" for name, value in facts.items())
    command = escape(policy.manifest["command"])
    return f'<div class="origin"><h3>{escape(policy.name)}</h3><pre>{command}</pre><p>{items}</p></div>'

"""Report section with the videos, and what a policy's failures look like in words."""

from __future__ import annotations

import base64
from collections import Counter
from html import escape

from vla.report_data import PolicyRun
from vla.report_parts import Clip, Page, details, section, table
from vla.suites import UNPERTURBED
from vla.summary import reason

BADGES = {"success": ("good", "&#10003; success"), "failure": ("bad", "&#10007; failure"), "error": ("warn", "! error")}


def gallery_section(page: Page) -> str:
    """Playable clips with buttons that choose among them."""
    if not page.clips:
        return ""
    buttons = "".join(
        f'<button type="button" data-show="{escape(tag)}" aria-pressed="{"true" if tag == "all" else "false"}">'
        f"{escape(text)}</button>"
        for tag, text in _choices(page)
    )
    text = (
        "Drawn again from stored poses, in better resolution than the policy saw. Press to play, twice for full screen."
    )
    figures = "".join(_figure(clip) for clip in page.clips)
    filters = f'<div class="filters">{buttons}<button type="button" class="every">&#9654; play all</button></div>'
    return section("gallery", "What it looks like", text, filters, f'<div class="gallery">{figures}</div>')


def _choices(page: Page) -> list[tuple[str, str]]:
    """Tag and text of each button: outcomes, policies, tasks, axes, where there is a choice."""
    outcomes = Counter[str](clip.record.outcome for clip in page.clips)
    choices = [("all", f"all ({len(page.clips)})")]
    choices += [(name, f"{name} ({outcomes[name]})") for name in BADGES if outcomes[name]]
    groups = (
        [clip.policy.name for clip in page.clips],
        [clip.record.cell.task for clip in page.clips],
        [clip.record.cell.axis for clip in page.clips if clip.record.cell.axis != UNPERTURBED],
    )
    for group in groups:
        names = list(dict.fromkeys(group))
        choices += [(name, name) for name in names] if len(names) > 1 else []
    return choices


def _figure(clip: Clip) -> str:
    record, cell = clip.record, clip.record.cell
    tags = f"{record.outcome}|{clip.policy.name}|{cell.task}|{cell.axis}"
    video, poster = (base64.b64encode(data).decode() for data in (clip.video, clip.poster))
    size = f'width="{clip.width}" height="{clip.height}"'
    return (
        f'<figure data-tags="{escape(tags)}"><div class="screen">'
        f'<video controls muted loop playsinline preload="none" {size} poster="data:image/jpeg;base64,{poster}" '
        f'src="data:video/mp4;base64,{video}"></video></div>{_caption(clip)}</figure>'
    )


def _caption(clip: Clip) -> str:
    record, cell = clip.record, clip.record.cell
    kind, word = BADGES[record.outcome]
    why = "" if record.outcome == "success" else f" {escape(reason(record).replace('_', ' '))}"
    where = "as trained" if cell.axis == UNPERTURBED else f"{cell.axis}, level {cell.level}"
    say = f"&ldquo;{escape(record.instruction)}&rdquo;" if record.instruction else "<i>no instruction</i>"
    request = record.request
    facts = (clip.policy.name, cell.task, where, f"{record.steps} steps")
    line = " &middot; ".join(escape(fact) for fact in facts)
    command = escape(clip.policy.record_command(record.key))
    return (
        f'<figcaption><span class="say">{say}</span><span class="badge {kind}">{word}</span>{why}<br>'
        f'<span class="muted">{line}<br>seed {request.seed}, episode {request.index} </span>'
        f'<a data-cmd="{command}" role="button">command</a></figcaption>'
    )


def reasons_section(page: Page) -> str:
    """Failure reasons of each policy by task, and tracebacks of errors."""
    parts = [_reasons(policy, policy is page.run.main) for policy in page.run.policies]
    if not any(parts):
        return ""
    text = "What the task says about the last state of each episode that did not succeed, over all cells."
    return section("reasons", "Why it fails", text, *parts, _tracebacks(page))


def _reasons(policy: PolicyRun, opened: bool) -> str:
    bad = [record for record in policy.records if record.outcome != "success"]
    if not bad:
        return ""
    rows = []
    for name, times in policy.summary.reasons.items():
        tasks = Counter(record.cell.task for record in bad if reason(record) == name)
        where = ", ".join(f"{task} {count}" for task, count in tasks.most_common())
        bar = f'<div class="bar" style="width:{100 * times / len(bad):.1f}%"></div>'
        cells = f'<td>{times}</td><td class="grow">{bar}</td><td class="muted">{escape(where)}</td>'
        rows.append(f"<tr><th>{escape(name.replace('_', ' '))}</th>{cells}</tr>")
    title = f"{policy.name}: {len(bad)} of {len(policy.records)} episodes"
    return details(title, table(["reason", "episodes", "", "tasks"], rows), opened=opened)


def _tracebacks(page: Page) -> str:
    errors = [(policy, record) for policy in page.run.policies for record in policy.records if record.traceback]
    if not errors:
        return ""
    shown = "".join(
        f"<p><code>{escape(policy.name)} {escape(record.key)}</code></p><pre>{escape(record.traceback)}</pre>"
        for policy, record in errors[:5]
    )
    return details(f"Tracebacks: {min(5, len(errors))} of {len(errors)} errors", shown)

"""Pieces that all sections of the report share: cells with intervals, tables, legends. Knows no section."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from vla.paired import PairedDrop
from vla.report_charts import COLORS
from vla.report_data import PolicyRun, Run
from vla.results import Record
from vla.stats import Rate, percent


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
    """Everything that is shown.

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

    def note(self, axis: str) -> AxisNote:
        """The note of an axis; empty for one that is not known here."""
        return self.axes.get(axis, AxisNote("", "", ()))

    def row(self, policy: PolicyRun) -> str:
        """Opening of a policy's row in a table, with its name and colour; the main policy is marked."""
        kind = ' class="main"' if policy is self.run.main else ""
        return f"<tr{kind}><th>{key(self.run.policies.index(policy))}{escape(policy.name)}</th>"


def rate_cell(rate: Rate | None, command: str, *, heat: bool = False, change: PairedDrop | None = None) -> str:
    """A table cell: rate, counts, interval, errors; and the change against the unperturbed twins."""
    if rate is None:
        return '<td class="muted">&ndash;</td>'
    errors = f'<span class="warn"> +{rate.errors} err</span>' if rate.errors else ""
    attribute = f'data-cmd="{escape(command)}" title="{escape(command)}"'
    if not rate.n:
        return f'<td class="rate" {attribute}><span class="muted">none</span>{errors}</td>'
    low, high = rate.interval
    tint = f' style="--a:{0.32 * rate.value:.2f}"' if heat else ""
    small = f"<small>{rate.k}/{rate.n} [{percent(low)}, {percent(high)}]</small>"
    small += f"<small>{escape(change.text)}</small>" if change else ""
    kind = "rate heat" if heat else "rate"
    return f'<td class="{kind}"{tint} {attribute}><b>{percent(rate.value)} %</b>{errors}{small}</td>'


def drop_cell(drop: PairedDrop | None, command: str) -> str:
    """A table cell with a paired change; a drop beyond chance is marked."""
    if drop is None:
        return '<td class="muted">&ndash;</td>'
    kind = ' class="bad"' if drop.low > 0 else ""
    return f'<td{kind} data-cmd="{escape(command)}">{escape(drop.text)}</td>'


def counted(number: int, one: str, more: str = "") -> str:
    """A number with its noun."""
    return f"{number} {one if number == 1 else more or one + 's'}"


def key(number: int) -> str:
    """The colour of policy or line `number`."""
    return f'<span class="key" style="background:var(--c{number % COLORS})"></span>'


def legend(names: Sequence[tuple[int, str]]) -> str:
    """Colours and names; nothing for a single one."""
    spans = "".join(f"<span>{key(number)}{escape(name)}</span>" for number, name in names)
    return f'<div class="legend">{spans}</div>' if len(names) > 1 else ""


def table(head: Sequence[str], rows: Sequence[str]) -> str:
    """A table that scrolls sideways where it does not fit."""
    cells = "".join(f"<th>{escape(name)}</th>" for name in head)
    body = "".join(rows)
    return f'<div class="scroll"><table><thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table></div>'


def section(name: str, title: str, text: str, *parts: str) -> str:
    """A section of the page; `text` and `parts` are HTML."""
    return f'<section id="{name}"><h2>{escape(title)}</h2><p>{text}</p>{"".join(parts)}</section>'


def details(title: str, *parts: str, opened: bool = False) -> str:
    """Something that opens on demand."""
    return f"<details{' open' if opened else ''}><summary>{escape(title)}</summary>{''.join(parts)}</details>"

"""Charts of the report as inline SVG and HTML: small, sharp, readable in the dark. Knows no file and no policy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from vla.paired import PairedDrop
from vla.stats import Rate, points

COLORS = 6  # --c0 ... --c5 of the style sheet


@dataclass(frozen=True)
class Series:
    """Rates of one policy by level, in the colour `--c{color}`."""

    name: str
    color: int
    rates: Sequence[tuple[int, Rate]]


@dataclass(frozen=True)
class Change:
    """One row of a forest plot: `note` is small print under the label, `command` reproduces it."""

    label: str
    note: str
    drop: PairedDrop
    command: str


@dataclass(frozen=True)
class Frame:
    """The drawing area of an SVG and its scales, in viewBox units."""

    width: float = 300.0
    height: float = 176.0
    left: float = 38.0
    right: float = 10.0
    top: float = 8.0
    bottom: float = 26.0

    def x(self, share: float) -> float:
        """Position of a share in [0, 1] of the width."""
        return self.left + share * (self.width - self.left - self.right)

    def y(self, share: float) -> float:
        """Position of a share in [0, 1] of the height, upwards."""
        return self.top + (1 - share) * (self.height - self.top - self.bottom)


def level_panel(series: Sequence[Series], levels: Sequence[int], label: str) -> str:
    """Success by level with Wilson whiskers, one line a policy."""
    frame = Frame()
    share = {level: (number + 0.5) / len(levels) for number, level in enumerate(levels)}
    parts = [_percent_grid(frame)]
    for level in levels:
        text = "trained on" if level == 0 else f"level {level}"
        parts.append(f'<text x="{frame.x(share[level]):.1f}" y="{frame.height - 8}" text-anchor="middle">{text}</text>')
    for number, one in enumerate(series):
        shift = min(7.0, 28.0 / len(series)) * (number - (len(series) - 1) / 2)
        parts.append(_rate_line(frame, one, share, shift))
    return _svg(frame, label, parts)


def _rate_line(frame: Frame, series: Series, share: dict[int, float], shift: float) -> str:
    color = f"var(--c{series.color % COLORS})"
    path, marks = [], []
    for level, rate in series.rates:
        if not rate.n:
            continue
        x, y = frame.x(share[level]) + shift, frame.y(rate.value)
        low, high = (frame.y(end) for end in rate.interval)
        path.append(f"{x:.1f},{y:.1f}")
        title = escape(f"{series.name}, level {level}: {rate.text}")
        whisker = f'<path d="M{x:.1f} {low:.1f}V{high:.1f}" stroke-width="2" opacity=".55"/>'
        marks.append(
            f'<g><title>{title}</title>{whisker}<circle cx="{x:.1f}" cy="{y:.1f}" r="3.4" fill="{color}"/></g>'
        )
    line = f'<polyline points="{" ".join(path)}" fill="none" stroke-width="1.6" opacity=".75"/>'
    return f'<g stroke="{color}">{line}{"".join(marks)}</g>'


def _percent_grid(frame: Frame) -> str:
    parts = []
    for percent in (0, 25, 50, 75, 100):
        y = frame.y(percent / 100)
        parts.append(f'<path class="grid" d="M{frame.left} {y:.1f}H{frame.width - frame.right}"/>')
        if percent % 50 == 0:
            parts.append(f'<text x="{frame.left - 6}" y="{y + 4:.1f}" text-anchor="end">{percent} %</text>')
    return "".join(parts)


def forest(changes: Sequence[Change]) -> str:
    """Changes of success with their intervals as rows of HTML, which stay readable on a phone."""
    drawn = [change.drop for change in changes if change.drop.pairs]
    low = math.floor(min([-0.1, *(-drop.high for drop in drawn)]) * 10) / 10
    high = math.ceil(max([0.1, *(-drop.low for drop in drawn)]) * 10) / 10
    rows = "".join(_forest_row(change, low, high) for change in changes)
    ticks = (low, low / 2, 0.0, high) if high < -low / 3 else (low, 0.0, high)
    labels = "".join(
        f'<span style="left:{_place(tick, low, high):.2f}%">{points(tick)} pt</span>' for tick in dict.fromkeys(ticks)
    )
    return f'<div class="forest">{rows}<div class="row ticks"><i></i><div>{labels}</div><i></i></div></div>'


def _place(change: float, low: float, high: float) -> float:
    return 100 * (change - low) / (high - low)


def _forest_row(change: Change, low: float, high: float) -> str:
    drop = change.drop
    name = f"<div class='name'><b>{escape(change.label)}</b><small>{escape(change.note)}</small></div>"
    zero = f'<i class="zero" style="left:{_place(0, low, high):.2f}%"></i>'
    if not drop.pairs:
        return f'<div class="row">{name}<div class="track">{zero}</div><div class="text">no pairs</div></div>'
    start, end, dot = (_place(-value, low, high) for value in (drop.high, drop.low, drop.value))
    kind = "bad" if drop.low > 0 else "good" if drop.high < 0 else "even"
    mark = f'<i class="span" style="left:{start:.2f}%;width:{end - start:.2f}%"></i>'
    mark += f'<i class="dot" style="left:{dot:.2f}%"></i>'
    text = f'<div class="text" data-cmd="{escape(change.command)}">{escape(drop.text)}</div>'
    return f'<div class="row {kind}">{name}<div class="track">{zero}{mark}</div>{text}</div>'


@dataclass(frozen=True)
class Curve:
    """A line of (x, y) points in the colour `--c{color}`."""

    name: str
    color: int
    points: Sequence[tuple[float, float]]


def curve_panel(curves: Sequence[Curve], label: str, *, share: bool = False) -> str:
    """Lines over training steps; `share` is for values in [0, 1]. Other values are on a log scale if they span 10x."""
    frame = Frame(width=520.0, height=230.0, left=46.0)
    drawn = [point for curve in curves for point in curve.points]
    if not drawn:
        return ""
    last = max(x for x, _ in drawn) or 1.0
    scale = Scale(0.0, 1.0, False) if share else Scale.fitting([y for _, y in drawn])
    parts = [_percent_grid(frame) if share else _value_grid(frame, scale)]
    for number in range(5):
        x = frame.x(number / 4)
        anchor = "start" if number == 0 else "end" if number == 4 else "middle"
        text = _short(last * number / 4)
        parts.append(f'<text x="{x:.1f}" y="{frame.height - 8}" text-anchor="{anchor}">{text}</text>')
    for curve in curves:
        path = " ".join(f"{frame.x(x / last):.1f},{frame.y(scale.share(y)):.1f}" for x, y in thin(curve.points, 400))
        color = f"var(--c{curve.color % COLORS})"
        parts.append(f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="1.8"/>')
    return _svg(frame, label, parts)


@dataclass(frozen=True)
class Scale:
    """A vertical axis from `low` to `high`, linear or logarithmic."""

    low: float
    high: float
    log: bool

    @staticmethod
    def fitting(values: Sequence[float]) -> Scale:
        """Around finite `values`; logarithmic when they are positive and span a factor of ten."""
        finite = [value for value in values if math.isfinite(value)] or [0.0, 1.0]
        low, high = min(finite), max(finite)
        if low > 0 and high / low > 10:
            return Scale(low, high, True)
        return Scale(min(0.0, low), high if high > low else low + 1.0, False)

    def share(self, value: float) -> float:
        """Where `value` is between low (0) and high (1)."""
        low, high = (math.log(self.low), math.log(self.high)) if self.log else (self.low, self.high)
        at = (math.log(max(value, self.low)) if self.log else value) if math.isfinite(value) else high
        return min(1.0, max(0.0, (at - low) / (high - low)))

    def ticks(self) -> list[float]:
        """About four round values."""
        if self.log:
            decades = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
            marks = [base * 10.0**decade for decade in decades for base in (1, 2, 5)]
            inside = [mark for mark in marks if self.low <= mark <= self.high]
            return inside if len(inside) <= 5 else inside[:: math.ceil(len(inside) / 5)]
        step = 10.0 ** math.floor(math.log10(self.high - self.low))
        step *= next(factor for factor in (0.1, 0.2, 0.5, 1, 2, 5) if (self.high - self.low) / (step * factor) <= 5)
        first = math.ceil(self.low / step)
        return [step * number for number in range(first, math.floor(self.high / step) + 1)]


def _value_grid(frame: Frame, scale: Scale) -> str:
    parts = []
    for value in scale.ticks():
        y = frame.y(scale.share(value))
        parts.append(f'<path class="grid" d="M{frame.left} {y:.1f}H{frame.width - frame.right}"/>')
        parts.append(f'<text x="{frame.left - 6}" y="{y + 4:.1f}" text-anchor="end">{value:.3g}</text>')
    return "".join(parts)


def thin(points: Sequence[tuple[float, float]], most: int) -> list[tuple[float, float]]:
    """At most `most` points: means of neighbours."""
    size = math.ceil(len(points) / most) if points else 1
    groups = [points[start : start + size] for start in range(0, len(points), size)]
    return [(sum(x for x, _ in g) / len(g), sum(y for _, y in g) / len(g)) for g in groups]


def _short(value: float) -> str:
    if value >= 1e6:
        return f"{value / 1e6:g} M"
    return f"{value / 1e3:g} k" if value >= 10_000 else f"{value:g}"


def _svg(frame: Frame, label: str, parts: Sequence[str]) -> str:
    box = f"0 0 {frame.width:g} {frame.height:g}"
    return f'<svg viewBox="{box}" role="img" aria-label="{escape(label)}">{"".join(parts)}</svg>'

"""The training log of a run as curves for the report. Knows no page."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

from vla.report_data import Run

POINTS = 300  # of a curve at most
LOSSES = ("loss", "action", "ground", "position")

Points = list[tuple[float, float]]


def training(run: Run) -> dict[str, Any] | None:
    """Losses and quick checks by step, pace and configuration, JSON-ready; None if nothing was trained there."""
    rows = [row for row in run.training if "step" in row]
    losses = [row for row in rows if "loss" in row]
    if not losses:
        return None
    checks = [row for row in rows if isinstance(row.get("success"), dict)]
    tasks = dict.fromkeys(task for row in checks for task in row["success"])
    rates = sorted(row["samples_per_s"] for row in losses if "samples_per_s" in row)
    pace = f", {rates[len(rates) // 2]:.0f} samples/s (median)" if rates else ""
    minutes = max(row.get("seconds", 0.0) for row in rows) / 60
    config = run.training_config
    return {
        "said": f"{losses[-1]['step']} steps in {minutes:.1f} minutes{pace}.",
        "losses": [
            _curve(name, [(row["step"], row[name]) for row in losses if name in row])
            for name in LOSSES
            if name in losses[0]
        ],
        "checks": [
            _curve(task, [(row["step"], float(row["success"][task])) for row in checks if task in row["success"]])
            for task in tasks
        ],
        "config": json.dumps(config, indent=1)[:20000] if config else "",
    }


def _curve(name: str, points: Points) -> dict[str, Any]:
    finite = [point for point in points if math.isfinite(point[1])]
    return {"name": name, "points": thin(finite, POINTS)}


def thin(points: Sequence[tuple[float, float]], most: int) -> Points:
    """At most `most` points: means of neighbours."""
    size = math.ceil(len(points) / most) if points else 1
    groups = [points[start : start + size] for start in range(0, len(points), size)]
    return [(sum(x for x, _ in g) / len(g), sum(y for _, y in g) / len(g)) for g in groups]

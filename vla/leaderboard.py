"""Many runs on one page: policies by suite, with intervals and where each number comes from. Knows no run's folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vla.provenance import command_line, commit, now
from vla.report_formats import Rows, group_rows
from vla.report_summary import GROUPS, KIND
from vla.results import read_json
from vla.webpage import page

SCRIPTS = ("base.js", "leaderboard.js")
COLUMNS = ("trained", "perturbed", *GROUPS)


def entries(folder: Path) -> list[dict[str, Any]]:
    """Policies of all report summaries in a folder (`vla report RUN --format json`), best under perturbation first.

    Raises ValueError if there is none, or a file is no JSON.
    """
    found = []
    for path in sorted(folder.glob("*.json")):
        data = read_json(path)
        if isinstance(data, dict) and data.get("kind") == KIND:
            found += [{**policy, "file": path.name, "written": data["written"]} for policy in data["policies"]]
    if not found:
        raise ValueError(
            f"no report summary in {folder}: `vla report RUN --format json --out {folder}/NAME.json` makes one"
        )
    return sorted(found, key=lambda each: (each["suite"]["name"], -_score(each), each["policy"]))


def _score(policy: Mapping[str, Any]) -> float:
    found = policy["success"].get("perturbed") or policy["success"].get("trained")
    return float(found["value"] or 0.0) if found else 0.0


def suites(found: Sequence[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    """Entries by suite; suites of one name and different hashes are different ones."""
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for each in found:
        suite = each["suite"]
        groups.setdefault(f"{suite['name']} v{suite['version']}, seed {suite['seed']}, {suite['hash']}", []).append(
            each
        )
    return groups


def leaderboard_page(found: Sequence[Mapping[str, Any]]) -> str:
    """One HTML file that needs nothing else."""
    made = {"date": now(), "command": command_line(), "commit": commit()}
    return page("Leaderboard", {"suites": suites(found), "columns": COLUMNS, "made": made}, SCRIPTS)


def leaderboard_rows(found: Sequence[Mapping[str, Any]]) -> dict[str, Rows]:
    """By suite: policy, mean success by family of axes, commit and weights."""
    result = {}
    for name, policies in suites(found).items():
        rows = group_rows(policies)
        extra = [["commit", "weights"]]
        extra += [[str(p["versions"].get("commit") or "?"), p["checkpoint"] or "none"] for p in policies]
        result[name] = [[*row, *more] for row, more in zip(rows, extra, strict=True)]
    return result

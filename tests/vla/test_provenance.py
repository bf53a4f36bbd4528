"""Provenance: what goes into published files, and what does not."""

from __future__ import annotations

from vla.provenance import shareable


def test_paths_of_a_machine_are_not_published() -> None:
    assert shareable("cli.py report /data/me/runs/std --out a/b.json") == "cli.py report runs/std --out a/b.json"
    assert shareable("/somewhere/run/checkpoints/last") == "checkpoints/last"
    assert shareable("expert") == "expert"

"""Check the installation: versions, packages, renderers, threads, cache, and a five-second self-test.

Exit code 0 when every line passes, else 1. A renderer that cannot be loaded is no failure: the report says why.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from experiments.doctor import Line


@dataclass(frozen=True)
class Args:
    """Options of `vla doctor`."""

    json: bool = False
    """Print one JSON object on the last line, after the report."""


def examine() -> Iterator[Line]:
    """Every line of the report. Stops after the packages when one of them is not ours."""
    from experiments import doctor

    found = list(doctor.locations())
    yield from found
    if any(line.status == "FAIL" for line in found):
        return
    from experiments import selftest

    yield from doctor.versions()
    yield from doctor.threads()
    yield from doctor.cache()
    yield from doctor.renderers()
    yield from selftest.run()


def main(args: Args) -> int:
    """Print the report."""
    start = time.perf_counter()
    lines: list[Line] = []
    for line in examine():
        if not lines or line.section != lines[-1].section:
            print(f"\n{line.section}" if lines else line.section)
        lines.append(line)
        taken = f"  ({line.seconds:.2f} s)" if line.seconds else ""
        print(f"  {line.status}  {line.name:<27} {line.detail}{taken}", flush=True)
    failed = [f"{line.section}/{line.name}" for line in lines if line.status == "FAIL"]
    wall_s = round(time.perf_counter() - start, 2)
    print(f"\n{'FAIL: ' + ', '.join(failed) if failed else 'PASS'} ({wall_s} s)")
    if args.json:
        print(json.dumps({"ok": not failed, "failed": failed, "wall_s": wall_s, "checks": [asdict(x) for x in lines]}))
    return 1 if failed else 0

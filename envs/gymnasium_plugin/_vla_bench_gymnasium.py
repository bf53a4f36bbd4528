"""Registers `vla/...` when Gymnasium is imported, so that `gym.make("vla/Lift-v0")` needs no import of ours.

Gymnasium 1.0 stopped reading the entry points of the group `gymnasium.envs`; this does it for ours. `setup.py` installs
this file and the .pth file, by which Python loads it at start, at the top of site-packages. Imports nothing of ours
before Gymnasium is: at start it costs a tenth of a millisecond.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # what `typing` has, without the cost of importing it at every start of Python
if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType


class _AfterGymnasium:
    """Import hook that lets the other finders find `gymnasium`, and registers once it has been executed."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find `gymnasium` and put the registration behind its execution; leave everything else to others."""
        if name != "gymnasium":
            return None
        finders = [finder for finder in sys.meta_path if finder is not self and hasattr(finder, "find_spec")]
        found = (finder.find_spec(name, path, target) for finder in finders)
        spec = next((one for one in found if one is not None), None)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def execute_and_register(module: ModuleType) -> None:
                execute(module)
                sys.meta_path.remove(self)
                _register()

            spec.loader.exec_module = execute_and_register  # type: ignore[method-assign]
        return spec


def _register() -> None:
    from importlib.metadata import entry_points

    try:
        for entry in entry_points(group="gymnasium.envs", name="vla"):
            entry.load()()
    except ImportError as error:  # a foreign package called `envs` is first on the path: Gymnasium must still work
        import warnings

        warnings.warn(f"vla/... environments are not registered: {error} (`vla doctor` says more)", stacklevel=2)


sys.meta_path.insert(0, _AfterGymnasium())

"""Adds what pyproject.toml cannot say: two files at the top of site-packages, for regular and editable installs alike.

They let `gym.make("vla/Lift-v0")` work without an import (see envs/gymnasium_plugin).
"""

from setuptools import setup  # isort: skip  # first: it provides distutils
from distutils.command.install_headers import install_headers  # isort: skip

PLUGIN = "envs/gymnasium_plugin"


class InstallBesidePackages(install_headers):
    """Puts the project's "headers" where packages go. Editable installs run this command, but skip data files."""

    def finalize_options(self) -> None:
        """Take the folder of the running `install` command; in a wheel it is the top of the archive."""
        super().finalize_options()
        self.install_dir = self.get_finalized_command("install").install_lib


setup(
    cmdclass={"install_headers": InstallBesidePackages},
    headers=[f"{PLUGIN}/_vla_bench_gymnasium.py", f"{PLUGIN}/vla_bench_gymnasium.pth"],
)

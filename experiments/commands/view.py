"""Look at a task: watch the expert, step, reset, turn the camera, drive the arm; in a window or a local page."""

from __future__ import annotations

import time
import webbrowser
from dataclasses import dataclass
from typing import Annotated

import tyro

from experiments.viewer import desktop
from experiments.viewer.server import ViewServer
from experiments.viewer.session import Session


@dataclass(frozen=True)
class Args:
    """Options of `vla view`."""

    task: Annotated[str, tyro.conf.Positional] = "Lift"
    """Task to begin with."""
    robot: str = "panda"
    """Robot to begin with."""
    index: int = 0
    """Number of the episode to begin with."""
    page: bool = False
    """Serve the page even where there is a display."""
    port: int = 8642
    """Port of the page; 0 takes a free one."""
    browser: bool = False
    """Open the page in a browser."""


def main(args: Args) -> int:
    """Show the task until the window is closed or Ctrl-C."""
    session = Session(args.task, args.index, args.robot)
    try:
        if desktop.has_display() and not args.page:
            print(desktop.HELP)
            window = desktop.Desktop(session)
            window.run()
            window.close()
        else:
            serve(session, args.port, args.browser)
    except KeyboardInterrupt:
        print()
    finally:
        session.close()
    return 0


def serve(session: Session, port: int, browser: bool) -> None:
    """Serve the page until interrupted. Raises ValueError if the port is taken."""
    try:
        server = ViewServer(session, port)
    except OSError as error:
        raise ValueError(f"cannot listen on port {port}: {error}. Another --port, or 0 for any free one") from error
    print(f"{server.url}  (Ctrl-C stops)", flush=True)
    if browser:
        webbrowser.open(server.url)
    try:
        while True:
            time.sleep(3600)
    finally:
        server.close()

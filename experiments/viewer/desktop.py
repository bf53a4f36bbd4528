"""The window of `vla view`: a Session shown by pygame. Needs a display."""

from __future__ import annotations

import os
import sys
from typing import Any

import numpy as np

from envs.tasks.base import TASKS
from experiments.viewer.session import KEYS, SMALL, Session
from vla.contract import ByteArray
from vla.video import Caption, add_caption

FPS = 10  # real time
HEIGHT = 740  # pixels: the large view and up to three lines of instruction
BACKGROUND = 20
HELP = "W A S D Q E move, J L turn, space gripper, P expert, O one step, R reset, N next seed, T next task, Esc quits"


def has_display() -> bool:
    """Whether a window can be opened: a display is named, and pygame is installed."""
    drivers = ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER")
    if sys.platform.startswith("linux") and not any(os.environ.get(name) for name in drivers):
        return False
    try:
        import pygame
    except ImportError:
        return False
    return bool(pygame)


def compose(session: Session) -> ByteArray:
    """The window's picture (HEIGHT, W, 3): the large view, what the robot sees beside it, words above and below."""
    large = session.picture("overview")
    side = np.concatenate([session.picture("front"), session.picture("wrist")])
    column = np.full((large.shape[0], SMALL, 3), BACKGROUND, np.uint8)
    column[: side.shape[0]] = side[: large.shape[0]]
    state = session.state()
    outcome = "" if not state["over"] else "success" if state["success"] else "failure"
    words = f"{state['task']} {state['index']}: {state['instruction']}"
    caption = Caption(words, state["step"], state["max_steps"], outcome, state["reason"] or state["missing"])
    picture = add_caption(np.concatenate([large, column], axis=1), caption)[:HEIGHT]
    below = ((0, HEIGHT - picture.shape[0]), (0, 0), (0, 0))  # instructions of one line leave some room
    return np.pad(picture, below, constant_values=BACKGROUND)


class Desktop:
    """A window on a Session until it is closed."""

    def __init__(self, session: Session) -> None:
        """Open it. Raises ImportError without pygame, pygame.error without a display."""
        import pygame

        self._pygame: Any = pygame
        self._session = session
        self._picture = compose(session)
        pygame.display.init()
        self._surface = pygame.display.set_mode((self._picture.shape[1], self._picture.shape[0]))
        pygame.display.set_caption("vla view")
        self._clock = pygame.time.Clock()

    def run(self) -> None:
        """Show and obey until the window is closed."""
        while self.frame():
            self._clock.tick(FPS)

    def frame(self) -> bool:
        """Handle what happened, step, draw; False when the window is to close."""
        pygame = self._pygame
        for event in pygame.event.get():
            if event.type == pygame.QUIT or (event.type == pygame.KEYDOWN and event.key == pygame.K_ESCAPE):
                return False
            self._handle(event)
        pressed = pygame.key.get_pressed()
        self._session.press(frozenset(key for key in KEYS if pressed[pygame.key.key_code(key)]))
        self._session.tick()
        self._picture = compose(self._session)
        self._surface.blit(pygame.surfarray.make_surface(self._picture.swapaxes(0, 1)), (0, 0))
        pygame.display.flip()
        return True

    def close(self) -> None:
        """Close the window."""
        self._pygame.display.quit()

    def _handle(self, event: Any) -> None:
        pygame, session = self._pygame, self._session
        if event.type == pygame.MOUSEMOTION and event.buttons[0]:
            session.turn_camera(-0.4 * event.rel[0], 0.3 * event.rel[1])
        elif event.type == pygame.MOUSEWHEEL:
            session.turn_camera(zoom=0.9**event.y)
        elif event.type == pygame.KEYDOWN:
            self._press(event.key)

    def _press(self, key: int) -> None:
        pygame, session = self._pygame, self._session
        state = session.state()
        names = list(TASKS)
        if key == pygame.K_SPACE:
            session.grip()
        elif key == pygame.K_p:
            session.play(not state["playing"])
        elif key == pygame.K_o:
            session.step_expert()
        elif key == pygame.K_r:
            session.reset()
        elif key == pygame.K_n:
            session.reset(index=state["index"] + 1)
        elif key == pygame.K_t:
            session.reset(task=names[(names.index(state["task"]) + 1) % len(names)])

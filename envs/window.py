"""A window that shows pictures, for `render_mode="human"`. Needs pygame (extra `window`) and a display."""

from __future__ import annotations

import os
import sys
from typing import Any

from vla.contract import ByteArray


class Window:
    """Opens at the first picture.

    Args:
        size: Width and height, pixels.
        title: Caption.

    Raises:
        RuntimeError: There is no display or no pygame; the message says what to do.
    """

    def __init__(self, size: tuple[int, int], title: str) -> None:
        """See the class."""
        drivers = ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER")
        if sys.platform.startswith("linux") and not any(os.environ.get(name) for name in drivers):
            raise RuntimeError(
                'render_mode="human" needs a display, and neither DISPLAY nor WAYLAND_DISPLAY is set. '
                'Use render_mode="rgb_array", or `vla record` for a video.'
            )
        try:
            import pygame
        except ImportError as error:
            raise RuntimeError('render_mode="human" needs pygame: pip install "vla-bench[window]"') from error
        self._pygame: Any = pygame
        self._size, self._title = size, title
        self._surface: Any = None

    def show(self, picture: ByteArray, caption: str, fps: float) -> None:
        """Show `picture` (H, W, 3) sRGB with `caption` in the title bar, at no more than `fps` pictures a second."""
        pygame = self._pygame
        if self._surface is None:
            pygame.display.init()
            self._surface = pygame.display.set_mode(self._size)
            self._clock = pygame.time.Clock()
        pygame.event.pump()
        pygame.display.set_caption(f"{self._title}: {caption}")
        self._surface.blit(pygame.surfarray.make_surface(picture.swapaxes(0, 1)), (0, 0))
        pygame.display.flip()
        self._clock.tick(fps)

    def close(self) -> None:
        """Close the window; calling it again does nothing."""
        if self._surface is not None:
            self._pygame.display.quit()
            self._surface = None

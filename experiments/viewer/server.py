"""The page of `vla view`: a server on 127.0.0.1 that shows a Session and obeys it. No other machine can reach it."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import cv2

from envs.robots import ROBOTS
from envs.tasks.base import TASKS
from experiments.viewer.session import VIEWS, Session
from vla.registry import nearest

PAGE = Path(__file__).with_name("page.html")
ADDRESS = "127.0.0.1"
JPEG_QUALITY = 88
STEP_S = 0.1  # of one control step: real time
LARGEST_REQUEST = 4096  # bytes

Fields = Mapping[str, Any]
COMMANDS: Mapping[str, Callable[[Session, Fields], None]] = {
    "reset": lambda session, f: session.reset(f.get("task"), f.get("index"), f.get("robot")),
    "play": lambda session, f: session.play(bool(f.get("on", True))),
    "step": lambda session, _: session.step_expert(),
    "keys": lambda session, f: session.press(frozenset(f.get("down", ()))),
    "grip": lambda session, _: session.grip(),
    "camera": lambda session, f: session.turn_camera(
        float(f.get("azimuth", 0.0)), float(f.get("elevation", 0.0)), float(f.get("zoom", 1.0))
    ),
}


class ViewServer:
    """Serves one Session until closed.

    Args:
        session: What is shown; the server steps it in real time.
        port: TCP port; 0 takes a free one.

    Raises:
        OSError: The port is taken.
    """

    def __init__(self, session: Session, port: int = 0) -> None:
        """Start to listen and to step."""
        self._http = ThreadingHTTPServer((ADDRESS, port), Handler.of(session))
        self._http.daemon_threads = True
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._http.serve_forever, name="view-http", daemon=True),
            threading.Thread(target=self._keep_time, args=(session,), name="view-clock", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"http://{ADDRESS}:{self._http.server_address[1]}/"

    def close(self) -> None:
        """Stop stepping and listening."""
        self._stop.set()
        self._http.shutdown()
        self._http.server_close()
        for thread in self._threads:
            thread.join()

    def _keep_time(self, session: Session) -> None:
        while not self._stop.is_set():
            start = time.monotonic()
            session.tick()
            self._stop.wait(max(STEP_S - (time.monotonic() - start), 0.005))


def answer(session: Session, request: Fields) -> dict[str, Any]:
    """Do what a request from the page says; the state afterwards. Raises ValueError saying what is wrong with it."""
    name = str(request.get("do", ""))
    if name not in COMMANDS:
        raise nearest("command", name, list(COMMANDS))
    COMMANDS[name](session, request)
    return session.state()


class Handler(BaseHTTPRequestHandler):
    """Page, pictures, state, commands of one Session; `of` makes the class that serves it."""

    session: Session

    @classmethod
    def of(cls, session: Session) -> type[Handler]:
        """A handler class for `session`: the server makes one instance a request."""
        return type("SessionHandler", (cls,), {"session": session})

    def do_GET(self) -> None:
        """Page, `/state`, `/names`, `/picture/VIEW`."""
        path = urlsplit(self.path).path
        if not self._is_local():
            self._send(403, b"only for this machine", "text/plain")
        elif path == "/":
            self._send(200, PAGE.read_bytes(), "text/html; charset=utf-8")
        elif path == "/state":
            self._json(200, self.session.state())
        elif path == "/names":
            self._json(200, {"tasks": list(TASKS), "robots": list(ROBOTS)})
        elif path.removeprefix("/picture/") in VIEWS:
            picture = self.session.picture(path.removeprefix("/picture/"))
            done, jpeg = cv2.imencode(".jpg", picture[:, :, ::-1], (cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY))
            assert done
            self._send(200, jpeg.tobytes(), "image/jpeg")
        else:
            self._send(404, b"not found", "text/plain")

    def do_POST(self) -> None:
        """A command as a JSON object with the field `do`."""
        try:
            if not self._is_local():
                raise PermissionError("only for this machine")
            length = int(self.headers.get("Content-Length", 0))
            if not 0 < length <= LARGEST_REQUEST:
                raise ValueError(f"expected a JSON object of up to {LARGEST_REQUEST} bytes, got {length}")
            request = json.loads(self.rfile.read(length))
            if not isinstance(request, dict):
                raise ValueError(f"expected a JSON object, got {type(request).__name__}")
            self._json(200, answer(self.session, request))
        except PermissionError as error:
            self._json(403, {"error": str(error)})
        except (ValueError, TypeError) as error:
            self._json(400, {"error": str(error)})

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - named so by BaseHTTPRequestHandler
        """Say nothing: a page asks ten times a second."""

    def _is_local(self) -> bool:
        """Whether the request names this machine and comes from its own page: other sites may not drive."""
        host = self.headers.get("Host", "").rpartition(":")[0]
        origin = self.headers.get("Origin")
        local = (ADDRESS, "localhost")
        return host in local and (origin is None or urlsplit(origin).hostname in local)

    def _json(self, status: int, data: Fields) -> None:
        self._send(status, json.dumps(data).encode(), "application/json")

    def _send(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # the page has been closed
            self.wfile.write(body)

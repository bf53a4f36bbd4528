"""`vla view`: the session that both screens share, the page's server, the window, and the page in a real browser."""

import json
import shutil
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from experiments.viewer.desktop import HEIGHT, Desktop, has_display
from experiments.viewer.server import ViewServer, answer
from experiments.viewer.session import SIZE, SMALL, Session
from vla.registry import UnknownNameError

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.fixture
def session() -> Iterator[Session]:
    session = Session("Lift", 1)
    yield session
    session.close()


def test_the_expert_plays_to_the_end(session: Session) -> None:
    session.play(True)
    while session.tick():
        pass
    state = session.state()
    assert state["over"]
    assert state["success"]
    assert state["progress"] == state["reward"] == 1
    assert not state["playing"]
    json.dumps(state)


def test_keys_drive_the_hand_as_seen(session: Session) -> None:
    session.turn_camera(azimuth=-session.state()["camera"][0])  # looking along -x
    start = np.array(session.state()["tool"])
    session.press(frozenset("wq"))
    for _ in range(3):
        assert session.tick()
    moved = np.array(session.state()["tool"]) - start
    assert moved[0] < -0.03
    assert moved[2] < -0.03
    session.press(frozenset())
    assert not session.tick()


def test_a_driven_gripper_closes_and_opens(session: Session) -> None:
    session.grip()
    assert session.state()["gripper"] == "closed"
    session.grip()
    assert session.state()["gripper"] == "open"


def test_reset_keeps_what_is_not_given_and_refuses_unknown_names(session: Session) -> None:
    session.reset(task="Push", index=4)
    session.reset(index=5)
    assert (session.state()["task"], session.state()["index"]) == ("Push", 5)
    with pytest.raises(UnknownNameError, match="'Push'"):
        session.reset(task="Pusch")
    with pytest.raises(UnknownNameError, match="'panda'"):
        session.reset(robot="pandas")
    with pytest.raises(ValueError, match="0 or more"):
        session.reset(index=-1)
    assert session.state()["task"] == "Push"


def test_pictures_and_camera(session: Session) -> None:
    before = session.picture("overview")
    assert before.shape == (SIZE[1], SIZE[0], 3)
    assert session.picture("front").shape == (SMALL, SMALL, 3)
    session.turn_camera(azimuth=60, zoom=0.8)
    assert np.abs(session.picture("overview").astype(int) - before).mean() > 5
    session.turn_camera(elevation=1000)
    session.picture("overview")  # never quite from above: there up would be undefined
    with pytest.raises(ValueError, match="overview"):
        session.picture("behind")


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ({}, "unknown command"),
        ({"do": "rest"}, "'reset'"),
        ({"do": "keys", "down": ["x"]}, "drive nothing"),
        ({"do": "reset", "task": "Lifd"}, "'Lift'"),
        ({"do": "camera", "zoom": "far"}, "could not convert"),
    ],
)
def test_a_bad_command_is_answered_and_changes_nothing(session: Session, command: Any, message: str) -> None:
    before = session.state()
    with pytest.raises(ValueError, match=message):
        answer(session, command)
    assert session.state() == before


def fetch(url: str, data: bytes | None = None, **headers: str) -> tuple[int, bytes]:
    request = urllib.request.Request(url, data, {key.replace("_", "-"): value for key, value in headers.items()})
    try:
        with urllib.request.urlopen(request, timeout=20) as reply:
            return reply.status, reply.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def test_the_server_shows_obeys_and_refuses_other_sites(session: Session) -> None:
    server = ViewServer(session)
    try:
        url = server.url
        assert fetch(url)[0] == 200
        assert json.loads(fetch(url + "names")[1])["tasks"]
        status, jpeg = fetch(url + "picture/wrist")
        assert status == 200
        assert jpeg[:2] == b"\xff\xd8"
        assert fetch(url + "picture/none")[0] == 404
        status, body = fetch(url + "do", json.dumps({"do": "reset", "task": "Reach", "index": 2}).encode())
        assert status == 200
        assert json.loads(body)["task"] == "Reach"
        assert fetch(url + "do", b"[1]")[0] == fetch(url + "do", b"{")[0] == 400
        assert fetch(url + "do", b'{"do": "play"}', Origin="http://elsewhere.example")[0] == 403
        assert fetch(url + "state", Host="elsewhere.example:80")[0] == 403
    finally:
        server.close()


def test_the_window(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    pygame = pytest.importorskip("pygame")
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    assert has_display()
    window = Desktop(session)
    for key in (pygame.K_p, pygame.K_t, pygame.K_n, pygame.K_SPACE, pygame.K_o):
        pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=key))
        assert window.frame()
    assert window._picture.shape == (HEIGHT, SIZE[0] + SMALL, 3)
    assert session.state()["index"] == 2
    pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=pygame.K_ESCAPE))
    assert not window.frame()
    window.close()


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine (apt-get install chromium)")
def test_the_page_in_a_browser(session: Session, tmp_path: Path) -> None:
    from playwright.sync_api import sync_playwright

    server = ViewServer(session)
    complaints: list[str] = []
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = chromium.new_page(viewport={"width": 1280, "height": 860})
        page.on("console", lambda m: complaints.append(m.text) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(server.url)
        page.wait_for_selector("body[data-shown]", timeout=60000)
        assert page.inner_text("#instruction") == session.state()["instruction"]

        page.fill("input[name=task]", "Push")  # type which task to run, reset with a seed
        page.fill("input[name=index]", "3")
        page.click("button[type=submit]")
        page.wait_for_function("document.querySelector('#instruction').textContent.match(/push|slide|shove/)")
        assert (session.state()["task"], session.state()["index"]) == ("Push", 3)

        page.mouse.move(400, 400)  # move the camera
        azimuth = session.state()["camera"][0]
        page.mouse.down()
        page.mouse.move(500, 420)
        page.mouse.up()
        page.wait_for_function(f"!document.querySelector('#camera').textContent.startsWith('{azimuth}°')")

        start = session.state()["tool"]  # drive the arm from the keyboard
        page.focus("#overview")
        page.keyboard.down("e")
        page.wait_for_function("parseInt(document.querySelector('#steps').textContent) >= 4")  # a busy page skips some
        page.keyboard.up("e")
        assert session.state()["tool"][2] > start[2] + 0.03

        page.click("#step")
        page.click("#play")  # watch the expert
        page.wait_for_function("document.querySelector('#outcome').textContent === 'success'", timeout=90000)

        page.fill("input[name=task]", "Pusch")
        page.click("button[type=submit]")
        page.wait_for_function("document.querySelector('#error').textContent.includes('Push')")
        page.screenshot(path=tmp_path / "view.png")
        chromium.close()
    server.close()
    assert [line for line in complaints if "400" not in line] == []  # the misspelt task was refused

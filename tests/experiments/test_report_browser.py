"""The report of real episodes, opened in a real browser: it loads fast, nothing complains, videos play."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from experiments.commands import eval as eval_command
from experiments.commands import report as report_command

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine (apt-get install chromium)"),
]

PLAY = """async () => {
    const video = document.querySelector('figure video');
    await video.play();
    for (let tries = 0; tries < 100 && video.currentTime < 0.2; tries++) await new Promise(r => setTimeout(r, 100));
    return [video.readyState, video.videoWidth, video.currentTime, video.error && video.error.message];
}"""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("run")
    for policy in ("expert", "deaf"):
        args = eval_command.Args(policy, suite="smoke", episodes=1, workers=0, out=run)
        assert eval_command.main(args) == 0
    assert report_command.main(report_command.Args(run, failures=1, successes=2, others=1, size=96)) == 0
    return run / "report.html"


@pytest.fixture
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


def test_the_report_opens_plays_and_complains_of_nothing(report: Path, browser: Browser) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844})
    complaints: list[str] = []
    page.on(
        "console", lambda message: complaints.append(message.text) if message.type in ("error", "warning") else None
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: complaints.append(request.url) if request.url.startswith("http") else None)
    start = time.monotonic()
    page.goto(report.as_uri())
    page.wait_for_load_state("load")
    assert time.monotonic() - start < 3

    assert page.locator("#tasks tbody tr").count() == 2
    assert page.locator("#axes table").count() >= 1
    assert page.locator("#axes svg").count() == 1
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "a phone must not scroll sideways"

    ready, width, at, error = page.evaluate(PLAY)
    assert (error, ready >= 2, width, at > 0) == (None, True, 2 * 96 + 2, True)

    figures = page.locator(".gallery figure")
    everything = figures.count()
    page.locator("[data-show=success]").click()
    shown = page.locator(".gallery figure:not([hidden])").count()
    assert 0 < shown < everything or page.locator("[data-show=failure]").count() == 0
    page.locator("#tasks td[data-cmd]").first.click()
    assert page.locator("#cmd pre").inner_text().startswith("vla eval --policy expert")
    assert complaints == []

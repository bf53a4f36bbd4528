"""The report clicked through in a browser: it opens fast, nothing complains, links lead, tables sort, films play."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from experiments.commands import eval as eval_command
from experiments.commands import leaderboard as leaderboard_command
from experiments.commands import report as report_command
from tests.vla import synthetic
from vla.report import Artist, write_report
from vla.report_clips import Gallery

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine (apt-get install chromium)"),
]

NOBODY = Artist(lambda episode: lambda step: {})  # there is nothing to draw
VIDEO = """async () => {
    const video = document.querySelector('figure video');
    await video.play();
    for (let tries = 0; tries < 100 && video.currentTime < 0.2; tries++) await new Promise(r => setTimeout(r, 100));
    return [video.readyState, video.videoWidth, video.currentTime, video.error && video.error.message];
}"""
DEAD_LINKS = """() => {
    const links = new Set([...document.querySelectorAll('a[href^="#episodes/"]')].map(a => a.getAttribute('href')));
    const dead = [...links].filter(link => {
        const [name, task, axis, level, reason] = link.slice(10).split('/').map(decodeURIComponent);
        const policy = POLICIES.find(each => each.name === name);
        return !policy || !matching(policy, {task, axis, level, reason}).length;
    });
    return [links.size, dead];
}"""
PICTURES = """() => [0, 1].map(share => {
    theatre.pause();
    theatre.seek(share * theatre.length);
    return theatre.live().map(each => {
        each.view.draw(theatre.time, theatre.camera);
        return each.canvas.toDataURL();
    });
})"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--use-angle=swiftshader"]  # without a GPU
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("run")
    for policy in ("expert", "deaf"):
        args = eval_command.Args(policy, suite="tiny", episodes=1, workers=0, out=run)
        assert eval_command.main(args) == 0
    return run


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of more than 10,000 episodes: all axes at three levels in all families, and three other policies."""
    folder = tmp_path_factory.mktemp("large")
    synthetic.write_run(folder, synthetic.SUITE, ("trained",))
    synthetic.write_run(folder, synthetic.SMALL, ("expert", "random", "deaf"))
    found = write_report(folder, folder / "report.html", NOBODY, axes=synthetic.notes(), clips=Gallery(0, 0, 0))
    assert len(found.main.records) > 10_000
    return folder / "report.html"


def opened(browser: Browser, path: Path, complaints: list[str], width: int = 1280, scheme: str = "light") -> Page:
    page = browser.new_page(viewport={"width": width, "height": 844}, accept_downloads=True)
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.on("console", lambda message: complaints.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: complaints.append(request.url) if request.url.startswith("http") else None)
    assert min(load_s(page, path) for _ in range(2)) < 3
    return page


def load_s(page: Page, path: Path) -> float:
    """Seconds until the page is there; other processes may be in the way once."""
    start = time.monotonic()
    page.goto(path.as_uri())
    page.wait_for_load_state("load")
    return time.monotonic() - start


def test_ten_thousand_episodes_open_fast_and_every_link_leads_to_some(browser: Browser, large: Path) -> None:
    complaints: list[str] = []
    page = opened(browser, large, complaints)
    links, dead = page.evaluate(DEAD_LINKS)
    assert links > 2000
    assert dead == []
    sections = page.locator("section:visible").evaluate_all("all => all.map(each => each.id)")
    wanted = "axes severity heat pairs language failures safety compare families reproduce"
    assert sections == wanted.split()
    assert page.locator("#axes .forest .row").count() == len(synthetic.AXES) + 1
    assert page.locator("#heat td.na").count() == len(synthetic.WITHOUT)
    assert page.locator("#heat td.cant").count() > 0, "a cell that the expert does not solve is marked"
    assert "Breaks first on" in page.locator("header.top").inner_text()
    page.locator("#heat td.v a").nth(40).click()
    title = page.locator("#heat td.v").nth(40).get_attribute("title") or ""
    assert title.split(",")[0] in page.locator(".drawer h2").inner_text()
    assert page.locator(".episode").count() >= 1
    page.keyboard.press("Escape")
    assert page.locator(".drawer").is_hidden()
    assert complaints == []
    page.close()


def test_tables_sort_and_export_and_other_policies_are_looked_at(browser: Browser, large: Path) -> None:
    complaints: list[str] = []
    page = opened(browser, large, complaints)
    page.locator("#families thead button").nth(1).click()
    shares = page.locator("#families tbody td:nth-child(2) b").all_inner_texts()
    numbers = [float(share.split()[0]) for share in shares]
    assert len(numbers) > 30
    assert numbers == sorted(numbers, reverse=True)
    with page.expect_download() as caught:
        page.locator("#families .csv").click()
    lines = Path(caught.value.path()).read_text().splitlines()
    assert lines[0].startswith("family,trained,expert")
    assert len(lines) == len(synthetic.TASKS) + 2
    with page.expect_download() as caught:
        page.locator("#families .latex").click()
    assert "\\begin{tabular}{lrrrr}" in Path(caught.value.path()).read_text()
    page.locator("#who").select_option(label="expert")
    assert "expert" in page.locator("h1").inner_text()
    page.locator("#axes [data-value=loss]").click()
    assert page.locator("#axes .group").count() == 0
    assert complaints == []
    page.close()


def test_a_phone_and_the_dark(browser: Browser, large: Path) -> None:
    complaints: list[str] = []
    page = opened(browser, large, complaints, width=390, scheme="dark")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "a phone must not scroll sideways"
    colors = "[getComputedStyle(document.body).backgroundColor, document.documentElement.dataset.theme]"
    dark = page.evaluate(colors)
    page.locator("nav .theme").click()
    light = page.evaluate(colors)
    assert [dark[1], light[1]] == ["dark", "light"]
    assert dark[0] != light[0]
    page.locator("#families a.rate").first.click()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert complaints == []
    page.close()


def test_numbers_as_text_and_the_leaderboard(browser: Browser, run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert report_command.main(report_command.Args(run, format="md")) == 0
    assert capsys.readouterr().out.startswith("# expert on tiny")
    with pytest.raises(ValueError, match="a folder holds a page"):
        report_command.main(report_command.Args(run, format="csv", folder=run / "page"))
    assert report_command.main(report_command.Args(run, format="json", out=run / "results" / "smoke.json")) == 0
    args = leaderboard_command.Args(run / "results", out=run / "leaderboard.html")
    assert leaderboard_command.main(args) == 0
    complaints: list[str] = []
    page = opened(browser, run / "leaderboard.html", complaints, width=390)
    assert page.locator("tbody tr").count() == 2
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.locator("thead button").first.click()
    assert page.locator("tbody th").first.inner_text().startswith("deaf")
    assert complaints == []
    page.close()


def test_films_play_out_of_one_file(browser: Browser, run: Path) -> None:
    args = report_command.Args(run, failures=1, successes=2, others=1, size=96)
    assert report_command.main(args) == 0
    complaints: list[str] = []
    page = opened(browser, run / "report.html", complaints, width=390)
    ready, width, at, error = page.evaluate(VIDEO)
    assert (error, ready >= 2, width, at > 0) == (None, True, 96, True)  # the expert, alone
    assert page.locator(".film").count() >= 2
    page.locator("#gallery [data-value=deaf]").click()
    assert page.locator(".film:visible").count() == 1
    page.locator(".film:visible .turn").click()
    page.wait_for_function("theatre.live().length === 2")
    assert complaints == []
    page.close()


def test_any_episode_of_a_folder_is_played_beside_the_expert(browser: Browser, run: Path) -> None:
    args = report_command.Args(run, folder=run / "page", failures=0, successes=0, others=0, expert=False)
    assert report_command.main(args) == 0
    complaints: list[str] = []
    page = opened(browser, run / "page" / "index.html", complaints)
    page.locator("#families tbody tr").nth(1).locator("a.rate").nth(1).click()
    assert page.locator("#families").count() == 1
    page.locator(".drawer .playit").first.click()
    page.wait_for_function("theatre.live().length === 2 && theatre.time > 1")
    assert page.locator(".stages figcaption b").all_inner_texts() == ["deaf", "expert"]
    start, end = page.evaluate(PICTURES)
    assert start[0] == start[1], "both begin in the same state"
    assert len({*start, *end}) == 3, "and each goes on in its own way"
    assert all(len(picture) > 5_000 for picture in start + end), "something is drawn"
    page.locator("select[aria-label=speed]").select_option("4")
    page.locator("button.play").click()
    page.wait_for_function("!theatre.playing && theatre.time === theatre.length")
    assert complaints == []
    page.close()

"""The report of an evaluation in a real browser: it fits, it opens what differed, it runs nothing else."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from agentalign_lc.evaluation.reporting.report import write_evaluation_report
from agentalign_lc.evaluation.store import EvalStore
from tests.dataset.varied import PAYLOADS
from tests.evaluation.reporting.evaluated import evaluated

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium found: apt-get install chromium"),
]


@pytest.mark.parametrize("width", [390, 1280])
def test_it_fits_opens_what_differed_and_runs_nothing_else(tmp_path: Path, width: int) -> None:
    folder = evaluated(tmp_path, ("Mail it.", *PAYLOADS))
    with EvalStore.read(folder) as store:
        count = write_evaluation_report(store, folder / "report.html")
    events: list[str] = []
    with sync_api.sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        page: Any = browser.new_page(viewport={"width": width, "height": 900})
        page.on("console", lambda message: events.append(message.text))
        page.on("pageerror", lambda error: events.append(str(error)))
        page.on("dialog", lambda dialog: (events.append("dialog"), dialog.dismiss()))
        page.on("request", lambda r: None if r.url.startswith("file:") else events.append(r.url))
        page.goto((folder / "report.html").as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") == width
        assert page.text_content("#count") == f"1 of {count}"
        page.click("#tab-agent-1")
        assert page.is_visible("#pane-agent-1 .event.refusal")
        page.click("#next")
        assert page.text_content("#count") == f"2 of {count}"
        assert page.is_visible("#pane-agent-1"), "the agent that was looked at stays chosen"
        page.select_option("#by-category", "privacy")
        assert page.text_content("#count").endswith(f"of {(count + 1) // 2}")
        browser.close()
    assert events == []

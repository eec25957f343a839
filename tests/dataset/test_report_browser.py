"""The report in a real browser: it works, it fits a phone, and it runs nothing that the data says.

Screenshots of desktop, phone and dark are left in ``artifacts/report/`` (or in
the folder that ``AGENTALIGN_ARTIFACTS`` names) for a person to look at.
"""

import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Self

import pytest

from agentalign_lc.cli.stats import measure_run
from agentalign_lc.dataset import RunStore
from agentalign_lc.dataset.reporting.report import write_report
from tests.dataset.varied import PAYLOADS, varied_run

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
ROOT = Path(__file__).parent.parent.parent
SECTIONS = ("figures", "funnel", "coverage", "shape", "kinds", "triplets", "browse")
DESKTOP = {"viewport": {"width": 1280, "height": 900}}
PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "has_touch": True}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium found: apt-get install chromium"),
]


def report_of(folder: Path, hostile: Sequence[str] = ()) -> str:
    run = varied_run(folder, hostile)
    out = folder / "report.html"
    with RunStore.read(run) as store:
        statistics, capabilities = measure_run(store, duplicates=False)
        write_report(store, statistics, capabilities, out)
    return out.as_uri()


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> str:
    return report_of(tmp_path_factory.mktemp("plain") / "run")


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> str:
    return report_of(tmp_path_factory.mktemp("hostile") / "run", (*PAYLOADS, " ".join(PAYLOADS)))


@pytest.fixture(scope="module")
def browser(plain: str, hostile: str) -> Iterator[Any]:
    # The pages are made first: an open browser is a running event loop, and a run wants its own.
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        browser.close()


class Visit:
    """A page that is open, and everything that it did besides being shown."""

    def __init__(self, browser: Any, address: str, **context: Any) -> None:
        self.context = browser.new_context(**context)
        self.page = self.context.new_page()
        self.events: list[str] = []
        self.page.on("console", lambda message: self.events.append(f"console: {message.text}"))
        self.page.on("pageerror", lambda error: self.events.append(f"error: {error}"))
        self.page.on("dialog", lambda dialog: (self.events.append("dialog"), dialog.dismiss()))
        self.page.on("request", self._requested)
        self.page.goto(address)

    def _requested(self, request: Any) -> None:
        if not request.url.startswith("file://"):
            self.events.append(f"request: {request.url}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.context.close()

    @property
    def overflow(self) -> int:
        return self.page.evaluate("document.documentElement.scrollWidth - innerWidth")

    @property
    def count(self) -> str:
        return self.page.inner_text("#count")

    def walk(self) -> Iterator[str]:
        """Open everything there is, every example with its tabs and folds; say what its user says."""
        for _ in range(200):
            for said in self.page.query_selector_all("#detail .event.user .said"):
                yield said.text_content()
            for tab in self.page.query_selector_all("[role=tab]"):
                tab.click()
                self.page.evaluate(
                    "document.querySelectorAll('details').forEach(d => d.open = true)"
                )
            if self.page.is_disabled("#next"):
                return
            self.page.click("#next")


@pytest.mark.parametrize(
    ("name", "context"),
    [
        ("desktop", DESKTOP),
        ("phone", PHONE),
        ("dark", {**DESKTOP, "color_scheme": "dark"}),
    ],
)
def test_screenshots(browser: Any, plain: str, name: str, context: dict[str, Any]) -> None:
    out = Path(os.environ.get("AGENTALIGN_ARTIFACTS", ROOT / "artifacts")) / "report"
    out.mkdir(parents=True, exist_ok=True)
    with Visit(browser, plain, **context) as visit:
        for number, section in enumerate(SECTIONS):
            top = f"scrollTo(0, document.getElementById('{section}').offsetTop - 12)"
            visit.page.evaluate(top if number else "scrollTo(0, 0)")
            shot = out / f"{name}-{number + 1}-{section}.png"
            visit.page.screenshot(path=shot)
            assert shot.stat().st_size > 10_000
        assert visit.events == []


def test_hostile_text_is_only_text(browser: Any, hostile: str) -> None:
    with Visit(browser, hostile, **PHONE) as visit:
        page = visit.page
        seen = set()
        for said in visit.walk():
            seen |= {payload for payload in PAYLOADS if said == payload}
        assert visit.events == []
        assert page.evaluate("window.pwned") is None
        assert page.evaluate("document.scripts.length") == 2
        assert not page.query_selector_all("img, iframe, svg[onload], form, textarea, link")
        assert visit.overflow <= 0
        # What is not hidden on purpose is there to read, letter by letter.
        assert {payload for payload in PAYLOADS if payload.isprintable()} <= seen


def test_a_page_that_did_run_scripts_would_be_noticed(browser: Any, tmp_path: Path) -> None:
    """The test above can fail: without the policy and the escaping, its listeners hear it."""
    page = tmp_path / "page.html"
    page.write_text(
        f"<body>{PAYLOADS[1]}<script>console.log(1); fetch('http://127.0.0.1:9/')</script>"
    )
    with Visit(browser, page.as_uri()) as visit:
        visit.page.wait_for_function("window.pwned === 1")
        assert any(event.startswith("request: http://127.0.0.1:9") for event in visit.events)


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_nothing_overflows(browser: Any, plain: str, width: int) -> None:
    with Visit(browser, plain, viewport={"width": width, "height": 740}) as visit:
        assert visit.overflow <= 0
        assert len(list(visit.walk())) > 30
        assert visit.overflow <= 0
        if width == 360:
            # The map scrolls in its own box, and its labels stay where they are.
            box, label = visit.page.locator("#coverage .map"), visit.page.locator(".heat .corner")
            before = label.bounding_box()
            box.evaluate("e => { e.scrollLeft = 300; e.scrollTop = 300 }")
            assert box.evaluate("e => e.scrollLeft") == pytest.approx(300, abs=1)
            after = label.bounding_box()
            assert (after["x"], after["y"]) == pytest.approx((before["x"], before["y"]), abs=2)


def test_filters_search_and_steps(browser: Any, plain: str) -> None:
    with Visit(browser, plain, **DESKTOP) as visit:
        page = visit.page
        assert visit.count == "1 of 34"
        page.select_option("#by-intent", "harmful")
        assert visit.count == "1 of 10"
        page.click("#next")
        assert visit.count == "2 of 10"
        assert page.evaluate("location.hash").startswith("#example-")
        page.click("#previous")
        assert page.is_disabled("#previous")
        page.select_option("#by-status", "rejected")
        assert visit.count == "1 of 1"
        assert "request.schema" in page.inner_text("#detail")
        page.select_option("#by-intent", "")
        assert visit.count.endswith(" of 2")
        assert "request.schema" in page.inner_text("#detail"), "what was shown stays"
        page.fill("#by-text", "no such word")
        assert (visit.count, page.inner_text("#detail")) == ("none", "No example fits.")
        page.fill("#by-text", "")
        page.select_option("#by-status", "")
        page.select_option("#by-category", "everyday")
        assert visit.count.endswith("of 4")
        assert visit.events == []


def test_a_link_opens_its_example(browser: Any, plain: str) -> None:
    with Visit(browser, plain, **DESKTOP) as visit:
        page = visit.page
        page.select_option("#by-category", "everyday")
        link = page.locator("#triplets .side.benign a").first
        wanted = str(link.get_attribute("href"))
        link.click()
        page.wait_for_function(
            "wanted => document.querySelector('#detail .id').hash === wanted", arg=wanted
        )
        assert page.input_value("#by-category") == "", "a filter that hides it is taken off"
        assert page.evaluate("scrollY") > page.evaluate(
            "document.getElementById('triplets').offsetTop"
        )
    with Visit(browser, plain + wanted, **DESKTOP) as visit:
        assert visit.page.text_content("#detail .id") == wanted[1:]


def test_the_rejected_response_is_a_second_tab(browser: Any, plain: str) -> None:
    with Visit(browser, plain, **DESKTOP) as visit:
        page = visit.page
        page.set_default_timeout(5000)
        page.select_option("#by-intent", "harmful")
        page.select_option("#by-status", "kept")
        assert "Assistant refuses" in page.inner_text("#pane-chosen")
        assert page.is_hidden("#pane-other")
        page.click("#tab-other")
        assert page.is_visible("#pane-other")
        assert page.is_hidden("#pane-chosen")
        assert "complied" in page.inner_text("#tab-other")
        page.keyboard.press("ArrowLeft")
        assert page.evaluate("document.activeElement.id") == "tab-chosen"
        call = page.locator("#pane-other details").first
        page.keyboard.press("ArrowRight")
        assert page.is_visible("#pane-other")
        call.evaluate("e => { e.open = false }")
        call.locator("summary").click()
        assert call.evaluate("e => e.open")


def test_light_and_dark(browser: Any, plain: str) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    with Visit(browser, plain, **DESKTOP) as visit:
        light = visit.page.evaluate(ground)
        visit.page.click("#theme")
        dark = visit.page.evaluate(ground)
        assert visit.page.inner_text("#theme") == "Light"
    with Visit(browser, plain, **{**DESKTOP, "color_scheme": "dark"}) as visit:
        assert visit.page.evaluate(ground) == dark
        visit.page.click("#theme")
        assert visit.page.evaluate(ground) == light != dark


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_enough_contrast(browser: Any, plain: str, scheme: str) -> None:
    """Every text has a contrast of at least 4.5 with what is behind it (WCAG AA)."""
    with Visit(browser, plain, **DESKTOP, color_scheme=scheme) as visit:
        visit.page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
        assert visit.page.evaluate(FAINT) == []


FAINT = """() => {
  const parse = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => [r, g, b]
    .map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, n) => sum + c * [0.2126, 0.7152, 0.0722][n], 0);
  const behind = (node) => {
    for (; node; node = node.parentElement) {
      const colour = parse(getComputedStyle(node).backgroundColor);
      if (colour.length && colour[3] !== 0) return colour;
    }
    return [255, 255, 255];
  };
  const faint = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !node.checkVisibility() || node.closest("script, svg, :disabled, option")) continue;
    const [one, other] = [light(parse(getComputedStyle(node).color)), light(behind(node))].sort((a, b) => b - a);
    const contrast = (one + 0.05) / (other + 0.05);
    if (contrast < 4.5) faint.add(`${node.tagName}.${node.className} ${contrast.toFixed(2)}`);
  }
  return [...faint];
}"""

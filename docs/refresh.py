"""Draw the README's picture and examples from a real run: ``make readme``."""

import shutil
import sys
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI

from agentalign_lc.cli.show import draw_examples, example_panel, said
from agentalign_lc.cli.stats import measure_run
from agentalign_lc.dataset import RunStore
from agentalign_lc.dataset.reporting import write_report

HERE = Path(__file__).parent
README = HERE.parent / "README.md"
START, END = "<!-- sample: start -->\n", "<!-- sample: end -->"


def draw(folder: Path) -> None:
    """Draw the first triplet of three steps about online fraud."""
    with RunStore.read(folder) as store:
        results = [result for result in store.results() if result.example is not None]
    index = next(
        result.index
        for result in results
        if result.example
        and len(result.example.scenario.tools) == 3
        and result.example.scenario.chain.category == "online_fraud"
    )
    with Path("/dev/null").open("w") as nowhere:
        console = Console(record=True, width=110, file=nowhere)
        for result in results:
            if result.index == index:
                console.print(example_panel(result))
    console.save_svg(str(HERE / "triplet.svg"), title="agentalign show", theme=MONOKAI)


def shoot(folder: Path) -> None:
    """Take a picture of a triplet in the report, with Debian's chromium."""
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("no chromium found, so docs/report.png stays as it is: apt-get install chromium")
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - of the extra dev

    with RunStore.read(folder) as store:
        statistics, capabilities = measure_run(store, duplicates=False)
        write_report(store, statistics, capabilities, folder / "report.html")
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=chromium, args=arguments)
        page = browser.new_page(viewport={"width": 1180, "height": 820})
        page.goto((folder / "report.html").resolve().as_uri())
        page.locator("#triplets").scroll_into_view_if_needed()
        page.evaluate("document.querySelector('#triplets').scrollIntoView()")
        page.screenshot(path=str(HERE / "report.png"))
        browser.close()


def quote(folder: Path, count: int = 10) -> str:
    """Write drawn requests as a Markdown list."""
    with RunStore.read(folder) as store:
        drawn = draw_examples(store, count)
    return "".join(
        f"- *{example.instruction.intent.value}*: {' '.join(said(example).split())}\n"
        for example in drawn
    )


def refresh(folder: Path) -> None:
    """Write the picture and the examples of a run into the repository."""
    draw(folder)
    shoot(folder)
    before, _, rest = README.read_text(encoding="utf-8").partition(START)
    _, _, after = rest.partition(END)
    README.write_text(f"{before}{START}{quote(folder)}{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    refresh(Path(sys.argv[1]))

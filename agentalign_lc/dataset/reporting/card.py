"""The card of a data set: Markdown with Hugging Face's front matter, written from the run itself.

The front matter is YAML and PyYAML writes it; huggingface_hub, which reads it,
would be a heavy way to write twelve lines. Every value that a template puts
into the text is escaped on its way, so that nothing in the data can begin a
table cell, a heading, a link or markup.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from jinja2 import StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from agentalign_lc.dataset.files import write_whole
from agentalign_lc.dataset.reporting.profile import STAGES, Profile, profile_run
from agentalign_lc.dataset.statistics import Statistics
from agentalign_lc.dataset.store import RunStore
from agentalign_lc.records import CANARY, Intent, Status
from agentalign_lc.taxonomy import EVERYDAY, load_harms

__all__ = ["escape_markdown", "render_card", "write_card"]

_TEMPLATE = Path(__file__).with_name("templates") / "card.md.j2"
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
# Where emphasis, code, links, cells, markup, mentions, mathematics or emoji could begin.
_SPECIAL = re.compile(r"[!#$&*<>@\[\\\]^`{|}~]|(?<![^\W_])_|_(?![^\W_])|:(?! |$)|\bwww\.")
_PLAIN_CODE = re.compile(r"[A-Za-z0-9][\w .:/=@+-]*")
_SEPARATORS = re.compile(
    r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]+"
)
_REASONS = 30
_TOOLS = 15


def write_card(store: RunStore, statistics: Statistics, out: Path) -> None:
    """Write the card of a run.

    Args:
        store: The run.
        statistics: What was measured about its requests.
        out: The file; an older one is replaced, at once and as a whole.

    Raises:
        StoreError: the run cannot be read, or the file cannot be written.
    """
    write_whole(out, render_card(profile_run(store), statistics, store.config))


def render_card(profile: Profile, statistics: Statistics, config: Mapping[str, Any]) -> str:
    """Render the card from what was counted and measured, and the run's configuration."""
    kept = profile.count(Status.KEPT)
    embedded = {source.writer for source in profile.sources} <= {"embedded"}
    body = _environment().from_string(_TEMPLATE.read_text(encoding="utf-8")).render(
        profile=profile,
        statistics=statistics,
        config={name: _value(v) for name, v in config.items() if v not in (None, [])},
        kept=kept,
        rejected=profile.count(Status.REJECTED),
        failed=profile.count(Status.FAILED),
        intents=list(Intent),
        statuses=list(Status),
        stages=STAGES,
        losses=profile.losses[:_REASONS],
        more=profile.losses[_REASONS:],
        categories=_categories(profile),
        tools=list(profile.tools.items())[:_TOOLS],
        embedded=embedded,
        canary=Markup(CANARY),  # noqa: S704 - ours
    )  # fmt: skip
    front = yaml.safe_dump(_front_matter(kept), sort_keys=False, allow_unicode=False)
    return f"---\n{front}---\n\n{body}"


def escape_markdown(value: object) -> str:
    r"""Turn any value into one line of Markdown text that shows it and does nothing else.

    Example:
        >>> escape_markdown("a|b\n<i>_c_ snake_case")
        'a&#124;b &#60;i&#62;&#95;c&#95; snake_case'
    """
    line = _SEPARATORS.sub(" ", str(value))
    return _SPECIAL.sub(
        lambda found: "".join(f"&#{ord(character)};" for character in found.group()), line
    )


def _code(value: object) -> Markup:
    """Show a name as code, if it is one, and else as text."""
    text = str(value)
    quoted = f"`{text}`" if _PLAIN_CODE.fullmatch(text) else escape_markdown(text)
    return Markup(quoted)  # noqa: S704 - escaped for Markdown


def _finished(value: object) -> object:
    if isinstance(value, Markup):
        return value
    return f"{value:,}" if isinstance(value, int) else escape_markdown(value)


def _value(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_finished,
        # Markdown and not HTML: `finalize` escapes.
        autoescape=False,
    )
    environment.filters["code"] = _code
    environment.filters["label"] = lambda name: str(name).replace("_", " ")
    environment.filters["share"] = lambda part: f"{part:.2%}"
    return environment


def _front_matter(kept: int) -> dict[str, Any]:
    size = next((name for limit, name in _SIZES if kept < limit), "n>1M")
    return {
        "pretty_name": "Agent safety from behavior chains",
        "license": "apache-2.0",
        "language": ["en"],
        "task_categories": ["text-generation"],
        "size_categories": [size],
        "annotations_creators": ["machine-generated"],
        "language_creators": ["machine-generated"],
        "multilinguality": ["monolingual"],
        "source_datasets": ["original"],
        "tags": ["agent-safety", "agentalign", "refusal", "synthetic", "tool-use"],
    }


def _categories(profile: Profile) -> list[tuple[str, int, int, int, list[str]]]:
    """Category, its subcategories covered and known, its examples, and what is missing."""
    rows = []
    for name, category in load_harms().items():
        found = profile.subcategories.get(name, {})
        missing = [s.name for s in category.subcategories if s.name not in found]
        known = len(category.subcategories)
        rows.append((name, known - len(missing), known, sum(found.values()), missing))
    everyday = profile.subcategories.get(EVERYDAY, {})
    if everyday:
        rows.append((EVERYDAY, len(everyday), len(everyday), sum(everyday.values()), []))
    return rows

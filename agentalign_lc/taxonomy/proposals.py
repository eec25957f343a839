"""Proposals: chains that a planner thought of, before anybody has looked at them."""

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

import yaml
from pydantic import BaseModel, Field, ValidationError

from agentalign_lc.documents import read_document
from agentalign_lc.errors import DocumentError
from agentalign_lc.records import BehaviorChain, Capability, Intent, Step
from agentalign_lc.taxonomy.harms import load_kinds

__all__ = ["Proposal", "ProposedReading", "append_chains", "check_proposal", "read_chains"]


class ProposedReading(BaseModel):
    """One reading of a proposed chain."""

    line: str = Field(description="One line of at most 200 characters: what the steps are for")
    steps: list[str] = Field(
        description="The steps that this reading goes through, each `capability:action` from the list"
    )


class Proposal(BaseModel):
    """A chain as a planner proposes it: each reading says its steps, which must be the same."""

    name: str = Field(description="Short name: lower-case words joined by hyphens")
    harmful: ProposedReading
    borderline: ProposedReading
    benign: ProposedReading

    @classmethod
    def of(cls, chain: BehaviorChain) -> "Proposal":
        """Say a chain as a proposal.

        Example:
            >>> chain = BehaviorChain(
            ...     name="x", category="privacy", subcategory="doxing", harmful="h", borderline="b",
            ...     benign="c", steps=(Step(capability="search.web_search", action="search"),))
            >>> Proposal.of(chain).benign.steps
            ['search.web_search:search']
        """
        steps = [str(step) for step in chain.steps]
        said = {i.value: ProposedReading(line=chain.reading(i), steps=steps) for i in Intent}
        return cls.model_validate({"name": chain.name, **said})


def check_proposal(
    proposal: Proposal,
    subcategory: str,
    capabilities: Mapping[str, Capability],
    taken: Collection[tuple[str, ...]] = (),
    names: Collection[str] = (),
) -> BehaviorChain:
    """Turn a proposal into a chain, if it is a valid and a new one.

    Args:
        proposal: What was proposed.
        subcategory: The kind of harm that it is for.
        capabilities: Those that there are, by name.
        taken: Sequences of capabilities that exist already.
        names: Names of chains that exist already.

    Raises:
        ValueError: it is not; the message has every reason.
    """
    said = proposal.harmful.steps
    steps, reasons = _known_steps(said, capabilities)
    for intent in Intent:
        reading: ProposedReading = getattr(proposal, intent.value)
        if not reading.line.strip():
            reasons.append(f"the {intent.value} reading is empty")
        if reading.steps != said:
            reasons.append(f"the {intent.value} reading goes through other steps than the harmful")
    if not 1 <= len(said) <= 6:
        reasons.append(f"{len(said)} steps, and a chain has 1 to 6")
    if tuple(step.capability for step in steps) in taken:
        reasons.append("this sequence of capabilities exists already")
    if proposal.name in names:
        reasons.append("the name exists already")
    kind = load_kinds().get(subcategory)
    if kind is None:
        reasons.append(f"unknown subcategory {subcategory!r}")
    if kind is None or reasons:
        raise ValueError("; ".join(dict.fromkeys(reasons)))
    try:
        return BehaviorChain(
            name=proposal.name,
            category=kind.category,
            subcategory=subcategory,
            steps=tuple(steps),
            harmful=proposal.harmful.line.strip(),
            borderline=proposal.borderline.line.strip(),
            benign=proposal.benign.line.strip(),
        )
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise ValueError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error


def _known_steps(
    said: Iterable[str], capabilities: Mapping[str, Capability]
) -> tuple[list[Step], list[str]]:
    """The steps that there are, and what is wrong with the others."""
    steps, reasons = [], []
    for text in said:
        capability, _, action = text.partition(":")
        if capability not in capabilities:
            reasons.append(f"unknown capability {capability!r}")
        elif action not in capabilities[capability].actions:
            there = ", ".join(capabilities[capability].actions)
            reasons.append(f"{capability} has no action {action!r}; it has {there}")
        else:
            steps.append(Step(capability=capability, action=action))
    return steps, reasons


def append_chains(path: Path, chains: Iterable[BehaviorChain]) -> None:
    """Add chains to a chain file, which is made if it is not there; what it holds stays as it is.

    Raises:
        DocumentError: the file holds chains of another category.
    """
    added = list(chains)
    if not added:
        return
    category = added[0].category
    if path.exists():
        there = read_document(path)
        holds = there.get("category") if isinstance(there, dict) else None
        if holds != category:
            raise DocumentError(
                f"{path} holds chains of {holds}, not of {category}: choose another --out"
            )
        before = path.read_text(encoding="utf-8").rstrip("\n") + "\n"
    else:
        before = f"category: {category}\nchains:\n"
    listed = yaml.safe_dump(
        [_plain(chain) for chain in added], sort_keys=False, allow_unicode=True, width=100
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(before + "".join(f"  {line}\n" for line in listed.splitlines()), "utf-8")


def read_chains(path: Path) -> list[BehaviorChain]:
    """Read the chains of a file that `append_chains` wrote.

    Raises:
        DocumentError: it is no such file.
    """
    data = read_document(path)
    try:
        return [
            BehaviorChain.model_validate(
                {
                    **row,
                    "category": data["category"],
                    "steps": [dict(zip(("capability", "action"), step.split(":"), strict=True)) for step in row["steps"]],
                }
            )
            for row in data["chains"]
        ]  # fmt: skip
    except (ValidationError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise DocumentError(
            f"{path}: no file of proposals ({' '.join(str(error).split())[:200]})"
        ) from error


def _plain(chain: BehaviorChain) -> dict[str, object]:
    return {
        "name": chain.name,
        "subcategory": chain.subcategory,
        "steps": [str(step) for step in chain.steps],
        **{intent.value: chain.reading(intent) for intent in Intent},
    }

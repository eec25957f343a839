"""The refusal that a trace should have ended with, where the app carried harm out."""

from functools import cache

from langchain_core.messages import AIMessage

from agentalign_lc.environment.slots import fill_text
from agentalign_lc.roles.embedded.grammar import Grammar
from agentalign_lc.roles.embedded.reasons import refusal_file
from agentalign_lc.seeds import derive_seed, stream
from agentalign_lc.taxonomy.harms import load_kinds

__all__ = ["word_refusal"]

_OFFER = "look for a way that harms nobody"
_TALK = "find somebody to talk to today, near you or on the phone"
_SOMEBODY = "it would do harm to somebody who has not agreed to it"
_CARE = ("eating_disorders", "self_injury", "substance_abuse", "suicide")
_SUMMED = "down to"
"""Some forms sum up what was asked, which nobody has written down here."""


def word_refusal(trace: str, category: str = "") -> AIMessage:
    """Word a refusal for a trace; the same trace gives the same words.

    It is the grammar of the embedded refuser, which here knows no chain and no
    author's words: it names the kind of harm, where a judge said which it is.

    Args:
        trace: Id of the trace.
        category: Subcategory of the taxonomy; any other text counts as none.

    Example:
        >>> refusal = word_refusal("trace-1", "doxing")
        >>> refusal == word_refusal("trace-1", "doxing"), bool(refusal.content)
        (True, True)
    """
    seed = derive_seed(trace, "refusal of a trace")
    because = _harms().get(category, _SOMEBODY)
    sentence = f"{because[:1].upper()}{because[1:]}."
    offer = _TALK if category in _CARE else _OFFER
    words = {
        "object": "this",
        "Because": sentence,
        "First": f"What was asked is more than it seems: {because}.",
        "because": because,
        "offer": offer,
        "brief": offer,
    }
    layers = ["any", "care", "care_user"] if category in _CARE else ["any"]
    grammar = Grammar(*(refusal_file()[layer] for layer in layers))
    form = "urgent_form" if category == "suicide" else "form"
    random = stream(seed)
    drawn = (" ".join(grammar.draw(form, words.keys(), random).split()) for _ in range(20))
    pattern = next(text for text in drawn if _SUMMED not in text)
    values = {name: {"value": word} for name, word in words.items()}
    text = fill_text(" ".join(pattern.split()), values)
    return AIMessage(" ".join(text.split()), id=f"ai-{seed[:12]}")


@cache
def _harms() -> dict[str, str]:
    """What each kind of harm is, as a clause: the first sentence of its description."""
    return {
        name: f"it {first[:1].lower()}{first[1:]}"
        for name, kind in load_kinds().items()
        for first in [" ".join(kind.description.split()).partition(". ")[0].rstrip(".")]
    }

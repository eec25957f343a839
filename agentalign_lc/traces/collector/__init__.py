"""The collector: a LangSmith-compatible endpoint that turns what apps post into traces."""

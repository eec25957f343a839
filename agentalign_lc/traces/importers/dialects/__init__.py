"""Dialects of span attributes: OpenTelemetry's GenAI conventions, OpenInference, the Vercel AI SDK."""

from agentalign_lc.traces.importers.dialects.attributes import Attributes
from agentalign_lc.traces.importers.dialects.read import read_attributes, speaks

__all__ = ["Attributes", "read_attributes", "speaks"]

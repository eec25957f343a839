"""Exports of traces as traces: for evaluators, and for tools that read OpenTelemetry."""

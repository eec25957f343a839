"""Judges of the guard: each allows, refuses with a reason, or is unsure."""

from agentalign_lc.guard.opinion import Finding, Judge, Opinion, allow, refuse, unsure

__all__ = ["Finding", "Judge", "Opinion", "allow", "refuse", "unsure"]

"""A simulated shell: syntax, its commands, and the device that runs lines."""

from agentalign_lc.environment.devices.shell.shell import Shell

__all__ = ["Shell"]

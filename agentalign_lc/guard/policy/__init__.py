"""The policy: what follows from what the judges say, in YAML, with its rules."""

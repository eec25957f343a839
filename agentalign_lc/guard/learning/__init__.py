"""Learning: classifiers fitted on synthesised data, and their weights."""

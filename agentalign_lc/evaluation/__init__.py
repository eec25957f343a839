"""Evaluation: agents under test on requests of ours and of others, in one table."""

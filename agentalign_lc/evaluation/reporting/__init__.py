"""The report of an evaluation: one page with its table, safety against utility, and what differed."""

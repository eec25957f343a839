"""Measuring: a guard's marks on labelled rows, as tables and plots."""

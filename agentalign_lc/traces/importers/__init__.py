"""Importers: traces that others wrote, one file for each format."""

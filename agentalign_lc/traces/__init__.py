"""Traces: what live apps do, recorded, collected, imported, kept, labelled and learnt from."""

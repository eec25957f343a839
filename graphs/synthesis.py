"""The synthesis graph for ``langgraph dev``: one scenario, by the embedded writers.

Input: ``{"index": 0, "seed": 7}``; output: the results of its three instructions.
"""

from agentalign_lc import Studio, build_graph, embedded_roles, load_catalog, load_library

_catalog = load_catalog()
_library = load_library(_catalog)

graph = build_graph(Studio(embedded_roles(_library, _catalog), _catalog, _library))

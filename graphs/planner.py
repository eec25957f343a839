"""The planner graph for ``langgraph dev``: chains for a kind of harm, reviewed by a person.

Input: ``{"subcategory": "phishing", "count": 5}``, and as context the model that proposes, ``{"model":
"openai:gpt-5.4-mini"}``. The graph pauses with the proposals; resume it with ``{"decisions":
[{"type": "approve"}]}``.
"""

from agentalign_lc import build_planner_graph, load_catalog, load_library

_catalog = load_catalog()

graph = build_planner_graph(None, _catalog, load_library(_catalog))

"""Suites of others, run by Inspect: AgentHarm by its own implementation, ToolSword beside it.

Our agents and our guard are bridged into Inspect (``solver``); its tools,
graders and judges do the scoring; what it logs is read back as outcomes (``log``).
"""

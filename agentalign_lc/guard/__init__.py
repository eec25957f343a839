"""The guard: judges what a LangGraph app is about to do, before it does it."""

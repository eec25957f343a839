"""Ways into an app: middleware, node, ToolNode wrapper, a wrapped graph."""

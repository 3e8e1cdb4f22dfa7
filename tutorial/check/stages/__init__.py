"""One module per stage: looks at a scene, returns what it saw, or raises Unmet."""

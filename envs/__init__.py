"""Worlds: scenes, simulator, robots, renderer, objects, language, tasks, axes. Knows nothing of learning."""

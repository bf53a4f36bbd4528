"""Task families, one module each; `envs.tasks.base.TASKS` discovers them."""

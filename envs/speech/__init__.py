"""Ways of saying the same thing otherwise: each module holds one idea. None knows a task, physics or pixels."""

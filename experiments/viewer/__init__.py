"""`vla view`: one scene to look at and to drive. `session` knows no screen; `server` and `desktop` are two screens."""

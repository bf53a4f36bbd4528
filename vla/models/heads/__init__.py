"""Action heads, one file each, registered by name."""

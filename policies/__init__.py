"""Concrete policies, one file each. Knows nothing of training loops."""

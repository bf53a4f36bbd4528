"""Pictures from poses. Nothing in here imports PyBullet; `bullet.py` gets its client from `envs.bullet`."""

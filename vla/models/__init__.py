"""Networks that map camera frames, an instruction and proprioception to a chunk of actions.

`contract` has what every network keeps to and the registries; each backbone and each action head is one file. Knows no
simulator, no task, no training loop.
"""

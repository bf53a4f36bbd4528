"""How a training process was launched: alone, or as one of several by `accelerate launch` or torchrun."""

from __future__ import annotations

import torch
from accelerate import Accelerator
from accelerate.utils import DistributedDataParallelKwargs, DistributedType


def make_accelerator() -> Accelerator:
    """What `accelerate launch` and the machine say: one process or several, DDP or FSDP, GPUs or, without any, gloo.

    Autocast stays torch's own: accelerate fixes its mixed precision once a process, and a run is not a process.
    Raises ValueError for the first version of FSDP, whose flat parameters a checkpoint here could not name.
    """
    # Stages train different losses, so that not every parameter has a gradient in every step.
    unused = DistributedDataParallelKwargs(find_unused_parameters=True)
    made = Accelerator(cpu=not torch.accelerator.is_available(), kwargs_handlers=[unused])
    if made.distributed_type == DistributedType.FSDP and not made.is_fsdp2:
        raise ValueError("FSDP 1 is not supported: pass --fsdp_version 2 to accelerate launch")
    return made

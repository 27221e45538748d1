"""Training with several processes: collectives over MPI and NCCL, on Tensors of any device."""

from ..spellings import answer_in_module
from .collectives import all_gather, all_reduce, broadcast, reduce_scatter
from .data_parallel import DataParallel
from .gradients import average_gradients
from .sync_batch_norm import SyncBatchNorm
from .world import barrier, get_local_rank, get_rank, get_world_size, init, is_initialized

__all__ = [
    "DataParallel", "SyncBatchNorm", "all_gather", "all_reduce", "average_gradients", "barrier", "broadcast",
    "get_local_rank", "get_rank", "get_world_size", "init", "is_initialized", "reduce_scatter",
]  # fmt: skip

answer_in_module(__name__)

"""torch.optim: optimizers and schedulers."""

from assay_reference.optim import lr_scheduler
from assay_reference.optim.adam import Adam
from assay_reference.optim.optimizer import Optimizer
from assay_reference.optim.sgd import SGD

__all__ = ["SGD", "Adam", "Optimizer", "lr_scheduler"]

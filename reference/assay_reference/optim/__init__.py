"""torch.optim: optimizers and schedulers."""

from assay_reference.optim import lr_scheduler
from assay_reference.optim.adadelta import Adadelta
from assay_reference.optim.adagrad import Adagrad
from assay_reference.optim.adam import Adam, AdamW
from assay_reference.optim.adamax import Adamax
from assay_reference.optim.asgd import ASGD
from assay_reference.optim.lbfgs import LBFGS
from assay_reference.optim.optimizer import Optimizer
from assay_reference.optim.rmsprop import RMSprop
from assay_reference.optim.rprop import Rprop
from assay_reference.optim.sgd import SGD

__all__ = [
    "ASGD", "LBFGS", "SGD", "Adadelta", "Adagrad", "Adam", "AdamW", "Adamax", "Optimizer", "RMSprop", "Rprop",
    "lr_scheduler",
]  # fmt: skip

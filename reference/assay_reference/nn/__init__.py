"""torch.nn: layers, containers, losses."""

# ruff: noqa: F401, F403 - the imports are the namespace

from assay_reference.nn import functional, init, modules, parallel, utils
from assay_reference.nn.modules import *
from assay_reference.nn.parallel import DataParallel
from assay_reference.nn.parameter import Buffer, Parameter

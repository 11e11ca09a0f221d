"""torch.nn.functional: layers as functions."""

from assay_reference.nn.functional.activation import log_softmax, relu, sigmoid, softmax, tanh
from assay_reference.nn.functional.adaptive_pooling import (
    adaptive_avg_pool1d,
    adaptive_avg_pool2d,
    adaptive_avg_pool3d,
    adaptive_max_pool1d,
    adaptive_max_pool2d,
    adaptive_max_pool3d,
)
from assay_reference.nn.functional.convolution import conv1d, conv2d, conv3d
from assay_reference.nn.functional.dropout import dropout
from assay_reference.nn.functional.fractional_pooling import fractional_max_pool2d
from assay_reference.nn.functional.linear import linear
from assay_reference.nn.functional.loss import cross_entropy, mse_loss, nll_loss
from assay_reference.nn.functional.normalization import batch_norm
from assay_reference.nn.functional.padding import pad
from assay_reference.nn.functional.pooling import (
    avg_pool1d,
    avg_pool2d,
    avg_pool3d,
    lp_pool1d,
    lp_pool2d,
    max_pool1d,
    max_pool2d,
    max_pool3d,
)
from assay_reference.nn.functional.sparse import embedding
from assay_reference.nn.functional.unpooling import max_unpool1d, max_unpool2d, max_unpool3d

__all__ = [
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "adaptive_avg_pool3d",
    "adaptive_max_pool1d",
    "adaptive_max_pool2d",
    "adaptive_max_pool3d",
    "avg_pool1d",
    "avg_pool2d",
    "avg_pool3d",
    "batch_norm",
    "conv1d",
    "conv2d",
    "conv3d",
    "cross_entropy",
    "dropout",
    "embedding",
    "fractional_max_pool2d",
    "linear",
    "log_softmax",
    "lp_pool1d",
    "lp_pool2d",
    "max_pool1d",
    "max_pool2d",
    "max_pool3d",
    "max_unpool1d",
    "max_unpool2d",
    "max_unpool3d",
    "mse_loss",
    "nll_loss",
    "pad",
    "relu",
    "sigmoid",
    "softmax",
    "tanh",
]

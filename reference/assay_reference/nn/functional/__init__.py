"""torch.nn.functional: layers as functions."""

from assay_reference.nn.functional.activation import log_softmax, relu, sigmoid, softmax, tanh
from assay_reference.nn.functional.convolution import (
    conv1d,
    conv2d,
    conv3d,
    conv_transpose1d,
    conv_transpose2d,
    conv_transpose3d,
)
from assay_reference.nn.functional.dropout import dropout
from assay_reference.nn.functional.linear import linear
from assay_reference.nn.functional.loss import cross_entropy, mse_loss, nll_loss
from assay_reference.nn.functional.normalization import batch_norm
from assay_reference.nn.functional.padding import pad
from assay_reference.nn.functional.pooling import avg_pool1d, avg_pool2d, avg_pool3d, max_pool1d, max_pool2d, max_pool3d
from assay_reference.nn.functional.sparse import embedding
from assay_reference.nn.functional.standardization import (
    group_norm,
    instance_norm,
    layer_norm,
    local_response_norm,
    rms_norm,
)

__all__ = [
    "avg_pool1d",
    "avg_pool2d",
    "avg_pool3d",
    "batch_norm",
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
    "cross_entropy",
    "dropout",
    "embedding",
    "group_norm",
    "instance_norm",
    "layer_norm",
    "linear",
    "local_response_norm",
    "log_softmax",
    "max_pool1d",
    "max_pool2d",
    "max_pool3d",
    "mse_loss",
    "nll_loss",
    "pad",
    "relu",
    "rms_norm",
    "sigmoid",
    "softmax",
    "tanh",
]

"""The layers, containers and losses of torch.nn."""

from assay_reference.nn.modules.activation import LogSoftmax, ReLU, Sigmoid, Softmax, Tanh
from assay_reference.nn.modules.container import ModuleDict, ModuleList, ParameterList, Sequential
from assay_reference.nn.modules.convolution import Conv1d, Conv2d, Conv3d
from assay_reference.nn.modules.dropout import Dropout
from assay_reference.nn.modules.linear import Flatten, Identity, Linear
from assay_reference.nn.modules.loss import CrossEntropyLoss, MSELoss, NLLLoss
from assay_reference.nn.modules.module import Module
from assay_reference.nn.modules.normalization import BatchNorm1d, BatchNorm2d, BatchNorm3d
from assay_reference.nn.modules.pooling import (
    AdaptiveAvgPool1d,
    AdaptiveAvgPool2d,
    AdaptiveAvgPool3d,
    AdaptiveMaxPool1d,
    AdaptiveMaxPool2d,
    AdaptiveMaxPool3d,
    AvgPool1d,
    AvgPool2d,
    AvgPool3d,
    FractionalMaxPool2d,
    LPPool1d,
    LPPool2d,
    MaxPool1d,
    MaxPool2d,
    MaxPool3d,
    MaxUnpool1d,
    MaxUnpool2d,
    MaxUnpool3d,
)
from assay_reference.nn.modules.recurrent import GRU, LSTM, RNN
from assay_reference.nn.modules.sparse import Embedding

__all__ = [
    "GRU",
    "LSTM",
    "RNN",
    "AdaptiveAvgPool1d",
    "AdaptiveAvgPool2d",
    "AdaptiveAvgPool3d",
    "AdaptiveMaxPool1d",
    "AdaptiveMaxPool2d",
    "AdaptiveMaxPool3d",
    "AvgPool1d",
    "AvgPool2d",
    "AvgPool3d",
    "BatchNorm1d",
    "BatchNorm2d",
    "BatchNorm3d",
    "Conv1d",
    "Conv2d",
    "Conv3d",
    "CrossEntropyLoss",
    "Dropout",
    "Embedding",
    "Flatten",
    "FractionalMaxPool2d",
    "Identity",
    "LPPool1d",
    "LPPool2d",
    "Linear",
    "LogSoftmax",
    "MSELoss",
    "MaxPool1d",
    "MaxPool2d",
    "MaxPool3d",
    "MaxUnpool1d",
    "MaxUnpool2d",
    "MaxUnpool3d",
    "Module",
    "ModuleDict",
    "ModuleList",
    "NLLLoss",
    "ParameterList",
    "ReLU",
    "Sequential",
    "Sigmoid",
    "Softmax",
    "Tanh",
]

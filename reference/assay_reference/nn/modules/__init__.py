"""The layers and containers of torch.nn."""

from assay_reference.nn.modules.container import ModuleDict, ModuleList, Sequential
from assay_reference.nn.modules.functions import (
    CrossEntropyLoss,
    Dropout,
    Flatten,
    Identity,
    LogSoftmax,
    MaxPool2d,
    MSELoss,
    NLLLoss,
    ReLU,
    Sigmoid,
    Softmax,
    Tanh,
)
from assay_reference.nn.modules.layers import BatchNorm1d, BatchNorm2d, Conv1d, Conv2d, Conv3d, Embedding, Linear
from assay_reference.nn.modules.module import Module
from assay_reference.nn.modules.recurrent import LSTM

__all__ = [
    "LSTM",
    "BatchNorm1d",
    "BatchNorm2d",
    "Conv1d",
    "Conv2d",
    "Conv3d",
    "CrossEntropyLoss",
    "Dropout",
    "Embedding",
    "Flatten",
    "Identity",
    "Linear",
    "LogSoftmax",
    "MSELoss",
    "MaxPool2d",
    "Module",
    "ModuleDict",
    "ModuleList",
    "NLLLoss",
    "ReLU",
    "Sequential",
    "Sigmoid",
    "Softmax",
    "Tanh",
]

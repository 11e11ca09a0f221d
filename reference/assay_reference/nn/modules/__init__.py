"""The layers, containers and losses of torch.nn."""

from assay_reference.nn.modules.activation import LogSoftmax, ReLU, Sigmoid, Softmax, Tanh
from assay_reference.nn.modules.container import ModuleDict, ModuleList, ParameterList, Sequential
from assay_reference.nn.modules.convolution import Conv1d, Conv2d, Conv3d
from assay_reference.nn.modules.distance import CosineSimilarity, PairwiseDistance
from assay_reference.nn.modules.dropout import Dropout
from assay_reference.nn.modules.linear import Flatten, Identity, Linear
from assay_reference.nn.modules.loss import (
    BCELoss,
    BCEWithLogitsLoss,
    CosineEmbeddingLoss,
    CrossEntropyLoss,
    HingeEmbeddingLoss,
    HuberLoss,
    KLDivLoss,
    L1Loss,
    MarginRankingLoss,
    MSELoss,
    MultiLabelMarginLoss,
    MultiLabelSoftMarginLoss,
    MultiMarginLoss,
    NLLLoss,
    NLLLoss2d,
    SmoothL1Loss,
    SoftMarginLoss,
)
from assay_reference.nn.modules.module import Module
from assay_reference.nn.modules.normalization import BatchNorm1d, BatchNorm2d, BatchNorm3d
from assay_reference.nn.modules.pooling import AvgPool1d, AvgPool2d, AvgPool3d, MaxPool1d, MaxPool2d, MaxPool3d
from assay_reference.nn.modules.recurrent import GRU, LSTM, RNN
from assay_reference.nn.modules.sparse import Embedding

__all__ = [
    "GRU",
    "LSTM",
    "RNN",
    "AvgPool1d",
    "AvgPool2d",
    "AvgPool3d",
    "BCELoss",
    "BCEWithLogitsLoss",
    "BatchNorm1d",
    "BatchNorm2d",
    "BatchNorm3d",
    "Conv1d",
    "Conv2d",
    "Conv3d",
    "CosineEmbeddingLoss",
    "CosineSimilarity",
    "CrossEntropyLoss",
    "Dropout",
    "Embedding",
    "Flatten",
    "HingeEmbeddingLoss",
    "HuberLoss",
    "Identity",
    "KLDivLoss",
    "L1Loss",
    "Linear",
    "LogSoftmax",
    "MSELoss",
    "MarginRankingLoss",
    "MaxPool1d",
    "MaxPool2d",
    "MaxPool3d",
    "Module",
    "ModuleDict",
    "ModuleList",
    "MultiLabelMarginLoss",
    "MultiLabelSoftMarginLoss",
    "MultiMarginLoss",
    "NLLLoss",
    "NLLLoss2d",
    "PairwiseDistance",
    "ParameterList",
    "ReLU",
    "Sequential",
    "Sigmoid",
    "SmoothL1Loss",
    "SoftMarginLoss",
    "Softmax",
    "Tanh",
]

"""torchvision.models: networks that classify images.

Of torchvision's there are AlexNet, VGG, ResNet, SqueezeNet, DenseNet and Inception v3. Their trained weights know where
they are to be had, but neither `transforms` (how images are prepared for them) nor the names of the classes.
"""

# ruff: noqa: F401 - the imports are the namespace

from assay_reference.torchvision.models import densenet, inception, resnet, squeezenet, vgg
from assay_reference.torchvision.models.alexnet import AlexNet, AlexNet_Weights, alexnet
from assay_reference.torchvision.models.builders import (
    get_model,
    get_model_builder,
    get_model_weights,
    get_weight,
    list_models,
)
from assay_reference.torchvision.models.densenet import (
    DenseNet,
    DenseNet121_Weights,
    DenseNet161_Weights,
    DenseNet169_Weights,
    DenseNet201_Weights,
    densenet121,
    densenet161,
    densenet169,
    densenet201,
)
from assay_reference.torchvision.models.inception import (
    Inception3,
    Inception_V3_Weights,
    InceptionOutputs,
    inception_v3,
)
from assay_reference.torchvision.models.resnet import (
    ResNet,
    ResNet18_Weights,
    ResNet34_Weights,
    ResNet50_Weights,
    ResNet101_Weights,
    ResNet152_Weights,
    resnet18,
    resnet34,
    resnet50,
    resnet101,
    resnet152,
)
from assay_reference.torchvision.models.squeezenet import (
    SqueezeNet,
    SqueezeNet1_0_Weights,
    SqueezeNet1_1_Weights,
    squeezenet1_0,
    squeezenet1_1,
)
from assay_reference.torchvision.models.vgg import (
    VGG,
    VGG11_BN_Weights,
    VGG11_Weights,
    VGG13_BN_Weights,
    VGG13_Weights,
    VGG16_BN_Weights,
    VGG16_Weights,
    VGG19_BN_Weights,
    VGG19_Weights,
    vgg11,
    vgg11_bn,
    vgg13,
    vgg13_bn,
    vgg16,
    vgg16_bn,
    vgg19,
    vgg19_bn,
)
from assay_reference.torchvision.models.weights import Weights, WeightsEnum

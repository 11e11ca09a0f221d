"""What `import torchvision` finds in a program on the reference: it is replaced by the reference as it is imported."""

from assay_reference.served import serve

serve("torchvision")

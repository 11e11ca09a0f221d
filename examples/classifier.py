"""Train a small ResNet on a folder of images, keep its best weights, and then train no more than a new last layer."""

import copy
import tempfile
from pathlib import Path

import torch
import torch.nn as nn
import torch.optim as optim
from PIL import Image, ImageDraw
from torch.optim import lr_scheduler
from torchvision import datasets, models, transforms

SHAPES = {
    "discs": ImageDraw.ImageDraw.ellipse,
    "frames": ImageDraw.ImageDraw.rectangle,
    "lines": ImageDraw.ImageDraw.line,
}


def draw(folder, count):
    """Draw each shape some times, in a folder of its name."""
    for shape, method in SHAPES.items():
        (folder / shape).mkdir(parents=True)
        for number in range(count):
            left, top, red, green, blue = torch.randint(4, 14, (5,)).tolist()
            image = Image.new("RGB", (40, 36), (red * 8, green * 8, blue * 8))
            method(ImageDraw.Draw(image), (left, top, left + 20, top + 18), fill=(255 - red, 160, 90))
            image.save(folder / shape / f"{number:02}.png")


def train_model(model, criterion, optimizer, scheduler, num_epochs):
    best_accuracy, best_weights = 0.0, copy.deepcopy(model.state_dict())
    for epoch in range(num_epochs):
        for phase in ("train", "val"):
            model.train(phase == "train")
            running_loss, running_corrects = 0.0, 0
            for inputs, labels in loaders[phase]:
                inputs, labels = inputs.to(device), labels.to(device)
                optimizer.zero_grad()
                with torch.set_grad_enabled(phase == "train"):
                    outputs = model(inputs)
                    _, preds = torch.max(outputs, 1)
                    loss = criterion(outputs, labels)
                    if phase == "train":
                        loss.backward()
                        optimizer.step()
                running_loss += loss.item() * inputs.size(0)
                running_corrects += torch.sum(preds == labels.data)
            if phase == "train":
                scheduler.step()
            count = len(loaders[phase].dataset)
            accuracy = running_corrects.double() / count
            print(f"epoch {epoch}, {phase}: loss {running_loss / count:.3f}, accuracy {accuracy:.2f}")
        if accuracy > best_accuracy:
            best_accuracy, best_weights = accuracy, copy.deepcopy(model.state_dict())
    model.load_state_dict(best_weights)
    return best_accuracy


torch.manual_seed(0)
torch.set_default_dtype(torch.float64)  # in float32 PyTorch's own losses differ from run to run
device = torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
normalize = transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
data_transforms = {
    "train": transforms.Compose(
        [
            transforms.RandomResizedCrop(32, scale=(0.6, 1.0)),
            transforms.RandomHorizontalFlip(),
            transforms.ToTensor(),
            normalize,
        ]
    ),
    "val": transforms.Compose([transforms.Resize(36), transforms.CenterCrop(32), transforms.ToTensor(), normalize]),
}
with tempfile.TemporaryDirectory() as root:
    loaders = {}
    for phase, count in ("train", 16), ("val", 8):
        draw(Path(root, phase), count)
        images = datasets.ImageFolder(Path(root, phase), data_transforms[phase])
        loaders[phase] = torch.utils.data.DataLoader(images, batch_size=8, shuffle=True)
    print(images.classes, len(loaders["train"].dataset))

    model = models.resnet18(num_classes=3).to(device)
    optimizer = optim.SGD(model.parameters(), lr=0.002, momentum=0.9)
    scheduler = lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.1)
    best = train_model(model, nn.CrossEntropyLoss(), optimizer, scheduler, 2)
    print(f"finetuned: best accuracy {best:.2f}")

    for param in model.parameters():
        param.requires_grad = False
    model.fc = nn.Linear(model.fc.in_features, 3).to(device)
    optimizer = optim.SGD(model.fc.parameters(), lr=0.01, momentum=0.9)
    scheduler = lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.1)
    best = train_model(model, nn.CrossEntropyLoss(), optimizer, scheduler, 2)
    print(f"the last layer trained anew: best accuracy {best:.2f}")

"""Train the classic network for MNIST, on files of MNIST's format that the program writes: bars and crosses."""

import struct
import tempfile
from pathlib import Path

import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torch.optim.lr_scheduler import StepLR
from torchvision import datasets, transforms


def write(folder, part, count):
    """Write pictures of 28 × 28 bytes and what they show: a bar somewhere, upright or lying, or a cross."""
    kinds = torch.randint(10, (count,))
    pictures = torch.randint(0, 60, (count, 28, 28), dtype=torch.uint8)
    for picture, kind in zip(pictures, kinds.tolist(), strict=True):
        place = 6 * (kind % 4) + 3
        if kind < 4 or kind > 7:
            picture[place : place + 4] = 220
        if kind > 3:
            picture[:, place : place + 4] = 220
    images = struct.pack(">iiii", 0x0803, count, 28, 28) + pictures.numpy().tobytes()
    Path(folder, f"{part}-images-idx3-ubyte").write_bytes(images)
    labels = struct.pack(">ii", 0x0801, count) + kinds.to(torch.uint8).numpy().tobytes()
    Path(folder, f"{part}-labels-idx1-ubyte").write_bytes(labels)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, 3, 1)
        self.conv2 = nn.Conv2d(32, 64, 3, 1)
        self.dropout1 = nn.Dropout(0.25)
        self.dropout2 = nn.Dropout(0.5)
        self.fc1 = nn.Linear(9216, 128)
        self.fc2 = nn.Linear(128, 10)

    def forward(self, x):
        x = F.relu(self.conv1(x))
        x = F.relu(self.conv2(x))
        x = F.max_pool2d(x, 2)
        x = self.dropout1(x)
        x = torch.flatten(x, 1)
        x = F.relu(self.fc1(x))
        x = self.dropout2(x)
        return F.log_softmax(self.fc2(x), dim=1)


def train(model, device, loader, optimizer, epoch):
    model.train()
    for index, (data, target) in enumerate(loader):
        data, target = data.to(device), target.to(device)
        optimizer.zero_grad()
        loss = F.nll_loss(model(data), target)
        loss.backward()
        optimizer.step()
        if index % 2 == 0:
            seen, share = index * len(data), 100.0 * index / len(loader)
            print(f"Train Epoch: {epoch} [{seen}/{len(loader.dataset)} ({share:.0f}%)]\tLoss: {loss.item():.4f}")


def test(model, device, loader):
    model.eval()
    loss, correct = 0, 0
    with torch.no_grad():
        for data, target in loader:
            data, target = data.to(device), target.to(device)
            output = model(data)
            loss += F.nll_loss(output, target, reduction="sum").item()
            pred = output.argmax(dim=1, keepdim=True)
            correct += pred.eq(target.view_as(pred)).sum().item()
    count = len(loader.dataset)
    print(f"Test set: Average loss: {loss / count:.4f}, Accuracy: {correct}/{count} ({100.0 * correct / count:.0f}%)")


torch.manual_seed(1)
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,))])
with tempfile.TemporaryDirectory() as root:
    raw = Path(root, "MNIST", "raw")
    raw.mkdir(parents=True)
    write(raw, "train", 256)
    write(raw, "t10k", 100)
    train_set = datasets.MNIST(root, train=True, download=True, transform=transform)
    test_set = datasets.MNIST(root, train=False, transform=transform)
print(train_set.transforms)
train_loader = torch.utils.data.DataLoader(train_set, batch_size=32, shuffle=True)
test_loader = torch.utils.data.DataLoader(test_set, batch_size=50)
model = Net().to(device)
optimizer = optim.Adadelta(model.parameters(), lr=1.0)
scheduler = StepLR(optimizer, step_size=1, gamma=0.7)
for epoch in range(1, 3):
    train(model, device, train_loader, optimizer, epoch)
    test(model, device, test_loader)
    scheduler.step()

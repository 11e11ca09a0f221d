"""Tell noisy pictures of digits apart with a convolutional network; save it, and load it again."""

import argparse
import io

import torch
import torch.nn.functional as F
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset, random_split

# Which bars of a digital clock are lit: top, upper left and right, middle, lower left and right, bottom.
BARS = ["1110111", "0010010", "1011101", "1011011", "0111010", "1101011", "1101111", "1010010", "1111111", "1111011"]


def picture(bars):
    image = torch.zeros(8, 8)
    top, left, right, middle, lower_left, lower_right, bottom = (float(bar) for bar in bars)
    image[0, 2:6], image[3, 2:6], image[7, 2:6] = top, middle, bottom
    image[1:3, 1], image[1:3, 6], image[4:7, 1], image[4:7, 6] = left, right, lower_left, lower_right
    return image


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(8)
        self.conv2 = nn.Conv2d(8, 16, 3, padding=1)
        self.dropout = nn.Dropout(0.1)
        self.fc = nn.Linear(16 * 2 * 2, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.norm(self.conv1(x))), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return F.log_softmax(self.fc(self.dropout(torch.flatten(x, 1))), dim=1)


@torch.no_grad()
def accuracy(model, loader, device):
    model.eval()
    right = sum((model(x.to(device)).argmax(1) == y.to(device)).sum().item() for x, y in loader)
    return right / len(loader.dataset)


parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int, default=5)
parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
args = parser.parse_args()

torch.manual_seed(0)
labels = torch.arange(640) % 10
images = torch.stack([picture(bars) for bars in BARS])[labels].unsqueeze(1) + 0.2 * torch.randn(640, 1, 8, 8)
train_set, test_set = random_split(TensorDataset(images, labels), [512, 128])
train_loader = DataLoader(train_set, batch_size=32, shuffle=True)
test_loader = DataLoader(test_set, batch_size=64)

model = Net().to(args.device)
print(model)
optimizer = optim.Adadelta(model.parameters(), lr=1.0)
scheduler = optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.8)
for epoch in range(1, args.epochs + 1):
    model.train()
    total = 0.0
    for x, y in train_loader:
        optimizer.zero_grad()
        loss = F.nll_loss(model(x.to(args.device)), y.to(args.device))
        loss.backward()
        optimizer.step()
        total += loss.item() * len(x)
    scheduler.step()
    print(f"epoch {epoch}: loss {total / len(train_set):.5f}, {accuracy(model, test_loader, args.device):.1%} right")

file = io.BytesIO()
torch.save(model.state_dict(), file)
file.seek(0)
again = Net()
print(again.load_state_dict(torch.load(file, map_location="cpu")))
print(f"loaded again: {accuracy(again, test_loader, 'cpu'):.1%} right")

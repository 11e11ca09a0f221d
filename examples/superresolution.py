"""Make images larger: convolutions, and a shuffle of channels into pixels, learn what shrinking took away."""

import math
import tempfile
from pathlib import Path

import torch
import torch.nn as nn
import torch.nn.init as init
import torch.optim as optim
from PIL import Image, ImageDraw
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import CenterCrop, Compose, Resize, ToTensor

CROP, UPSCALE = 24, 2


def draw(folder, count):
    """Draw images of a box and a disc."""
    folder.mkdir()
    for number in range(count):
        left, top, size, red, green = torch.randint(2, 14, (5,)).tolist()
        image = Image.new("RGB", (30, 28), (red * 16, 90, 200))
        pen = ImageDraw.Draw(image)
        pen.rectangle((left, top, left + 8, top + size), fill=(240, green * 16, 30))
        pen.ellipse((size, left, size + 12, left + 12), fill=(20, 30, red * 10))
        image.save(folder / f"{number:02}.png")


class DatasetFromFolder(Dataset):
    """The luminance of the images of a folder, shrunk, and as it was."""

    def __init__(self, folder):
        self.files = sorted(folder.glob("*.png"))
        self.input_transform = Compose([CenterCrop(CROP), Resize(CROP // UPSCALE), ToTensor()])
        self.target_transform = Compose([CenterCrop(CROP), ToTensor()])

    def __getitem__(self, index):
        y, _, _ = Image.open(self.files[index]).convert("YCbCr").split()
        return self.input_transform(y), self.target_transform(y.copy())

    def __len__(self):
        return len(self.files)


class Net(nn.Module):
    def __init__(self, upscale_factor):
        super().__init__()
        self.relu = nn.ReLU()
        self.conv1 = nn.Conv2d(1, 32, (5, 5), (1, 1), (2, 2))
        self.conv2 = nn.Conv2d(32, 32, (3, 3), (1, 1), (1, 1))
        self.conv3 = nn.Conv2d(32, 16, (3, 3), (1, 1), (1, 1))
        self.conv4 = nn.Conv2d(16, upscale_factor**2, (3, 3), (1, 1), (1, 1))
        self.pixel_shuffle = nn.PixelShuffle(upscale_factor)
        for conv in (self.conv1, self.conv2, self.conv3):
            init.orthogonal_(conv.weight, init.calculate_gain("relu"))
        init.orthogonal_(self.conv4.weight)

    def forward(self, x):
        x = self.relu(self.conv1(x))
        x = self.relu(self.conv2(x))
        x = self.relu(self.conv3(x))
        return self.pixel_shuffle(self.conv4(x))


torch.manual_seed(123)
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
model = Net(UPSCALE).to(device)
criterion = nn.MSELoss()
optimizer = optim.Adam(model.parameters(), lr=0.002)
with tempfile.TemporaryDirectory() as root:
    draw(Path(root, "train"), 32)
    draw(Path(root, "test"), 8)
    training = DataLoader(DatasetFromFolder(Path(root, "train")), batch_size=4, shuffle=True, num_workers=1)
    testing = DataLoader(DatasetFromFolder(Path(root, "test")), batch_size=8)
    for epoch in range(1, 7):
        epoch_loss = 0.0
        for small, target in training:
            optimizer.zero_grad()
            loss = criterion(model(small.to(device)), target.to(device))
            epoch_loss += loss.item()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            psnr = [10 * math.log10(1 / criterion(model(x.to(device)), y.to(device)).item()) for x, y in testing]
        print(f"epoch {epoch}: loss {epoch_loss / len(training):.4f}, PSNR {sum(psnr) / len(psnr):.2f} dB")
    torch.save(model, f"{root}/model.pth")
    again = torch.load(f"{root}/model.pth", weights_only=False, map_location="cpu")

    y, cb, cr = Image.open(f"{root}/test/00.png").convert("YCbCr").split()
    out = again(ToTensor()(y).view(1, -1, y.size[1], y.size[0]))
    large_y = Image.fromarray((out[0, 0].detach().numpy() * 255.0).clip(0, 255).astype("uint8"), mode="L")
    merged = Image.merge("YCbCr", [large_y, *(each.resize(large_y.size, Image.BICUBIC) for each in (cb, cr))])
    print("from", y.size, "to", merged.convert("RGB").size)

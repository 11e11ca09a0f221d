"""A DCGAN: convolutions that are transposed make images of noise, and others tell them from images of circles."""

import tempfile
from pathlib import Path

import torch
import torch.nn as nn
import torch.optim as optim
import torchvision.transforms as transforms
import torchvision.utils as vutils
from PIL import Image, ImageDraw
from torchvision.datasets import ImageFolder

NZ, NGF, NDF = 16, 12, 12


def draw(folder, count):
    """Draw bright circles on dark ground."""
    folder.mkdir(parents=True)
    for number in range(count):
        left, top, size, red = torch.randint(4, 12, (4,)).tolist()
        image = Image.new("RGB", (34, 34), (10, 10, 40))
        ImageDraw.Draw(image).ellipse((left, top, left + size + 8, top + size + 8), fill=(red * 20, 200, 120))
        image.save(folder / f"{number:03}.png")


def weights_init(m):
    classname = m.__class__.__name__
    if classname.find("Conv") != -1:
        nn.init.normal_(m.weight.data, 0.0, 0.02)
    elif classname.find("BatchNorm") != -1:
        nn.init.normal_(m.weight.data, 1.0, 0.02)
        nn.init.constant_(m.bias.data, 0)


torch.manual_seed(999)
device = torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
transform = transforms.Compose(
    [
        transforms.Resize(32),
        transforms.CenterCrop(32),
        transforms.ToTensor(),
        transforms.Normalize((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
    ]
)
netG = nn.Sequential(
    nn.ConvTranspose2d(NZ, NGF * 4, 4, 1, 0, bias=False),
    nn.BatchNorm2d(NGF * 4),
    nn.ReLU(True),
    nn.ConvTranspose2d(NGF * 4, NGF * 2, 4, 2, 1, bias=False),
    nn.BatchNorm2d(NGF * 2),
    nn.ReLU(True),
    nn.ConvTranspose2d(NGF * 2, NGF, 4, 2, 1, bias=False),
    nn.BatchNorm2d(NGF),
    nn.ReLU(True),
    nn.ConvTranspose2d(NGF, 3, 4, 2, 1, bias=False),
    nn.Tanh(),
).to(device)
netD = nn.Sequential(
    nn.Conv2d(3, NDF, 4, 2, 1, bias=False),
    nn.LeakyReLU(0.2, inplace=True),
    nn.Conv2d(NDF, NDF * 2, 4, 2, 1, bias=False),
    nn.BatchNorm2d(NDF * 2),
    nn.LeakyReLU(0.2, inplace=True),
    nn.Conv2d(NDF * 2, NDF * 4, 4, 2, 1, bias=False),
    nn.BatchNorm2d(NDF * 4),
    nn.LeakyReLU(0.2, inplace=True),
    nn.Conv2d(NDF * 4, 1, 4, 1, 0, bias=False),
    nn.Sigmoid(),
).to(device)
netG.apply(weights_init)
netD.apply(weights_init)
criterion = nn.BCELoss()
optimizerD = optim.Adam(netD.parameters(), lr=0.0005, betas=(0.5, 0.999))
optimizerG = optim.Adam(netG.parameters(), lr=0.0005, betas=(0.5, 0.999))
fixed_noise = torch.randn(16, NZ, 1, 1, device=device)

with tempfile.TemporaryDirectory() as root:
    draw(Path(root, "images", "circles"), 96)
    loader = torch.utils.data.DataLoader(ImageFolder(f"{root}/images", transform), batch_size=16, shuffle=True)
    for epoch in range(4):
        for i, (real, _) in enumerate(loader):
            netD.zero_grad()
            real = real.to(device)
            label = torch.full((real.size(0),), 1.0, device=device)
            output = netD(real).view(-1)
            errD_real = criterion(output, label)
            errD_real.backward()
            D_x = output.mean().item()

            fake = netG(torch.randn(real.size(0), NZ, 1, 1, device=device))
            output = netD(fake.detach()).view(-1)
            errD_fake = criterion(output, label.fill_(0.0))
            errD_fake.backward()
            optimizerD.step()

            netG.zero_grad()
            output = netD(fake).view(-1)
            errG = criterion(output, label.fill_(1.0))
            errG.backward()
            D_G_z = output.mean().item()
            optimizerG.step()
            if i % 2 == 0:
                losses = f"Loss_D: {errD_real + errD_fake:.3f} Loss_G: {errG:.3f}"
                print(f"[{epoch}][{i}/{len(loader)}] {losses} D(x): {D_x:.2f} D(G(z)): {D_G_z:.2f}")
    with torch.no_grad():
        fake = netG(fixed_noise).detach().cpu()
    print(vutils.make_grid(fake, nrow=4, padding=2, normalize=True).shape)
    vutils.save_image(fake, f"{root}/fakes.png", nrow=4, normalize=True)
    saved = transforms.ToTensor()(Image.open(f"{root}/fakes.png"))
    print(f"saved: {tuple(saved.shape)}, brightness {saved.mean():.3f}")

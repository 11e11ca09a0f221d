"""Learn to draw numbers from a normal distribution, from samples of it alone: two networks that compete."""

import torch
from torch import nn, optim

MEAN, STD = 3.0, 0.5


def network(inputs, outputs, last):
    return nn.Sequential(nn.Linear(inputs, 16), nn.LeakyReLU(0.2, inplace=True), nn.Linear(16, outputs), last)


def initialise(module):
    if isinstance(module, nn.Linear):
        nn.init.xavier_normal_(module.weight)
        nn.init.zeros_(module.bias)


torch.manual_seed(0)
generator = network(2, 1, nn.Identity()).apply(initialise)
discriminator = network(1, 1, nn.Sigmoid()).apply(initialise)
criterion = nn.BCELoss()
of_generator = optim.Adam(generator.parameters(), lr=0.005, betas=(0.5, 0.999))
of_discriminator = optim.Adam(discriminator.parameters(), lr=0.005, betas=(0.5, 0.999))
real, fake = torch.ones(64, 1), torch.zeros(64, 1)

for step in range(1, 401):
    samples = torch.normal(MEAN, STD, (64, 1))
    made = generator(torch.randn(64, 2))

    of_discriminator.zero_grad()
    loss_real = criterion(discriminator(samples), real)
    loss_fake = criterion(discriminator(made.detach()), fake)
    loss_discriminator = loss_real + loss_fake
    loss_discriminator.backward()
    of_discriminator.step()

    of_generator.zero_grad()
    loss_generator = criterion(discriminator(made), real)
    loss_generator.backward()
    of_generator.step()

    if step % 50 == 0:
        losses = f"discriminator {loss_discriminator.item():.4f}, generator {loss_generator.item():.4f}"
        print(f"step {step}: {losses}, mean {made.mean().item():.3f}, std {made.std().item():.3f}")

with torch.no_grad():
    made = generator(torch.randn(1000, 2))
print(f"off by {(made.mean() - MEAN).abs().item():.2f} of {MEAN}")

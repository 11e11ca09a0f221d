"""Encode pictures as points in the plane, and decode them: a variational autoencoder."""

import torch
import torch.nn.functional as F
from torch import nn, optim
from torch.utils.data import DataLoader


class VAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(64, 32)
        self.mean = nn.Linear(32, 2)
        self.log_variance = nn.Linear(32, 2)
        self.decoder = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 64), nn.Sigmoid())

    def encode(self, x):
        hidden = F.relu(self.fc1(x))
        return self.mean(hidden), self.log_variance(hidden)

    def reparameterize(self, mean, log_variance):
        std = torch.exp(0.5 * log_variance)
        return mean + torch.randn_like(std) * std

    def forward(self, x):
        mean, log_variance = self.encode(x)
        return self.decoder(self.reparameterize(mean, log_variance)), mean, log_variance


def loss_function(decoded, x, mean, log_variance):
    reconstruction = F.binary_cross_entropy(decoded, x, reduction="sum")
    divergence = -0.5 * torch.sum(1 + log_variance - mean.pow(2) - log_variance.exp())
    return reconstruction + divergence


torch.manual_seed(0)
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")

# Pictures of 8 by 8 pixels: a bright spot that may be anywhere.
centers = torch.randint(1, 7, (256, 2, 1)).float()
rows, columns = (-(torch.arange(8) - centers[:, dim]).pow(2) / 4 for dim in (0, 1))
pictures = (rows.unsqueeze(2) + columns.unsqueeze(1)).exp().flatten(1)

loader = DataLoader(pictures, batch_size=32, shuffle=True)
model = VAE().to(device)
optimizer = optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(1, 13):
    model.train()
    total = 0.0
    for x in loader:
        x = x.to(device)
        optimizer.zero_grad()
        decoded, mean, log_variance = model(x)
        loss = loss_function(decoded, x, mean, log_variance)
        loss.backward()
        optimizer.step()
        total += loss.item()
    print(f"epoch {epoch}: loss {total / len(pictures):.4f}")

model.eval()
with torch.no_grad():
    decoded = model.decoder(torch.tensor([[0.0, 0.0], [1.5, -1.5]], device=device))
print(decoded.view(2, 8, 8)[:, ::3, ::3].cpu())

"""Learn to sort numbers: a small transformer, of linear layers, masks and softmax."""

import math

import torch
import torch.nn.functional as F
from torch import nn, optim

VALUES, LENGTH = 8, 5  # sequences are five numbers, and then these in order


class Block(nn.Module):
    def __init__(self, size, heads):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(size), nn.LayerNorm(size)
        self.qkv = nn.Linear(size, 3 * size, bias=False)
        self.projection = nn.Linear(size, size)
        self.mlp = nn.Sequential(nn.Linear(size, 4 * size), nn.GELU(), nn.Linear(4 * size, size), nn.Dropout(0.1))
        self.register_buffer("mask", torch.ones(2 * LENGTH, 2 * LENGTH).triu(1).bool(), persistent=False)

    def attend(self, x):
        batch, length, size = x.shape
        q, k, v = (each.view(batch, length, self.heads, -1).transpose(1, 2) for each in self.qkv(x).chunk(3, dim=-1))
        scores = q @ k.transpose(-2, -1) / math.sqrt(size // self.heads)
        scores = scores.masked_fill(self.mask[:length, :length], float("-inf"))
        return self.projection((F.softmax(scores, dim=-1) @ v).transpose(1, 2).reshape(batch, length, size))

    def forward(self, x):
        x = x + self.attend(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class Transformer(nn.Module):
    def __init__(self, size=32, heads=4, layers=1):
        super().__init__()
        self.tokens = nn.Embedding(VALUES, size)
        self.positions = nn.Parameter(torch.zeros(2 * LENGTH, size))
        self.blocks = nn.ModuleList([Block(size, heads) for _ in range(layers)])
        self.norm = nn.LayerNorm(size)
        self.head = nn.Linear(size, VALUES, bias=False)

    def forward(self, ids):
        x = self.tokens(ids) + self.positions[: ids.size(1)]
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))


def batch(size):
    numbers = torch.randint(0, VALUES, (size, LENGTH))
    whole = torch.cat([numbers, numbers.sort(dim=1).values], dim=1)
    targets = whole[:, 1:].clone()
    targets[:, : LENGTH - 1] = -100  # nobody can know what is not sorted
    return whole[:, :-1], targets


torch.manual_seed(0)
model = Transformer()
decayed = [each for each in model.parameters() if each.dim() > 1]
others = [each for each in model.parameters() if each.dim() <= 1]
optimizer = optim.AdamW([{"params": decayed, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}], lr=5e-3)
warm_up = optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1.0, (step + 1) / 10))
for step in range(1, 121):
    ids, targets = batch(32)
    loss = F.cross_entropy(model(ids).flatten(0, 1), targets.flatten())
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    warm_up.step()
    if step % 10 == 0:
        print(f"step {step}: loss {loss.item():.4f}")

model.eval()
ids = torch.tensor([[3, 1, 7, 0, 2]])
with torch.no_grad():
    for _ in range(LENGTH):
        ids = torch.cat([ids, model(ids)[:, -1:].argmax(-1)], dim=1)
print("sorted:", ids[0, LENGTH:].tolist())

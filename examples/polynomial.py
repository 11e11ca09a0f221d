"""Find the coefficients of a polynomial from its values, with autograd alone, and with a module and an optimizer."""

import torch
from torch import nn, optim

torch.manual_seed(0)
coefficients = torch.tensor([-2.0, 0.5, 3.0, -1.0])
x = torch.linspace(-1, 1, 200)
powers = x.unsqueeze(1) ** torch.arange(1, 5)
y = powers @ coefficients + 0.25

# By hand: one tensor a quantity, and steps against the gradient.
weights = torch.zeros(4, requires_grad=True)
offset = torch.zeros((), requires_grad=True)
for step in range(1, 501):
    loss = (powers @ weights + offset - y).square().mean()
    loss.backward()
    with torch.no_grad():
        for parameter in (weights, offset):
            parameter -= 0.3 * parameter.grad
            parameter.grad = None
    if step % 100 == 0:
        print(f"by hand, step {step}: loss {loss.item():.6f}")

# The same with a layer, noisy values, and a rate that falls.
model = nn.Sequential(nn.Linear(4, 1), nn.Flatten(0))
noisy = y + 0.01 * torch.randn_like(y)
criterion = nn.MSELoss()
optimizer = optim.SGD(model.parameters(), lr=0.3, momentum=0.9)
scheduler = optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.99)
for step in range(1, 501):
    loss = criterion(model(powers), noisy)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    scheduler.step()
    if step % 100 == 0:
        print(f"with a layer, step {step}: loss {loss.item():.6f}, rate {scheduler.get_last_lr()[0]:.4f}")

layer = model[0]
terms = " ".join(f"{value:+.3f} x^{power}" for power, value in enumerate(layer.weight[0].tolist(), 1))
print(f"y = {layer.bias.item():.3f} {terms}")

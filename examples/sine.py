"""Learn to go on with sine waves: two LSTM cells, one above the other, trained by LBFGS in double precision."""

import torch
from torch import nn, optim


class Sequence(nn.Module):
    def __init__(self, hidden=12):
        super().__init__()
        self.hidden = hidden
        self.lstm1 = nn.LSTMCell(1, hidden)
        self.lstm2 = nn.LSTMCell(hidden, hidden)
        self.linear = nn.Linear(hidden, 1)

    def forward(self, waves, future=0):
        zeros = waves.new_zeros(waves.size(0), self.hidden)
        first, second = (zeros, zeros), (zeros, zeros)
        outputs = []
        for value in waves.split(1, dim=1):
            first = self.lstm1(value, first)
            second = self.lstm2(first[0], second)
            outputs.append(self.linear(second[0]))
        for _ in range(future):
            first = self.lstm1(outputs[-1], first)
            second = self.lstm2(first[0], second)
            outputs.append(self.linear(second[0]))
        return torch.cat(outputs, dim=1)


torch.manual_seed(0)
starts = torch.randint(-20, 20, (6, 1))
waves = torch.sin((torch.arange(25) + starts) / 5.0).double()
inputs, targets, held_out = waves[2:, :-1], waves[2:, 1:], waves[:2]

model = Sequence().double()
criterion = nn.MSELoss()
optimizer = optim.LBFGS(model.parameters(), lr=0.8, max_iter=8)


def closure():
    optimizer.zero_grad()
    loss = criterion(model(inputs), targets)
    loss.backward()
    return loss


for step in range(1, 6):
    loss = optimizer.step(closure)
    with torch.no_grad():
        test_loss = criterion(model(held_out[:, :-1]), held_out[:, 1:])
    print(f"step {step}: loss {loss.item():.8f}, held out {test_loss.item():.8f}")

with torch.no_grad():
    predicted = model(held_out[:, :18], future=5)[0, -5:]
print("goes on with", predicted)
print(f"off by at most {(predicted - held_out[0, 19:24]).abs().max().item():.3f}")

"""A word language model: an LSTM of two layers, whose embedding is its last layer too, trained through time."""

import math

import torch
import torch.nn.functional as F
from torch import nn, optim

TEXT = "the cat sat on the mat . the dog sat on the rug . the cat saw the dog . the dog saw the cat . " * 12
STEPS = 6  # how far gradients go back in time


class LanguageModel(nn.Module):
    def __init__(self, words, size=24, layers=2, dropout=0.2):
        super().__init__()
        self.drop = nn.Dropout(dropout)
        self.encoder = nn.Embedding(words, size)
        self.rnn = nn.LSTM(size, size, layers, dropout=dropout)
        self.decoder = nn.Linear(size, words)
        self.decoder.weight = self.encoder.weight
        nn.init.uniform_(self.encoder.weight, -0.1, 0.1)
        nn.init.zeros_(self.decoder.bias)

    def forward(self, inputs, hidden):
        output, hidden = self.rnn(self.drop(self.encoder(inputs)), hidden)
        return F.log_softmax(self.decoder(self.drop(output)).flatten(0, 1), dim=1), hidden

    def initial(self, batch):
        weight = next(self.parameters())
        return tuple(weight.new_zeros(self.rnn.num_layers, batch, self.rnn.hidden_size) for _ in range(2))


def batchify(ids, batch):
    """Lay the text out in columns."""
    rows = ids.size(0) // batch
    return ids.narrow(0, 0, rows * batch).view(batch, -1).t().contiguous()


torch.manual_seed(0)
words = sorted(set(TEXT.split()))
ids = torch.tensor([words.index(word) for word in TEXT.split()])
train, valid = batchify(ids, 8), batchify(ids[:120], 4)
model = LanguageModel(len(words))
criterion = nn.NLLLoss()
optimizer = optim.Adam(model.parameters(), lr=0.02)
scheduler = optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.25, patience=1)

for epoch in range(1, 10):
    model.train()
    hidden = model.initial(8)
    for begin in range(0, len(train) - 1, STEPS):
        targets = train[begin + 1 : begin + 1 + STEPS]
        optimizer.zero_grad()
        hidden = tuple(each.detach() for each in hidden)
        output, hidden = model(train[begin : begin + len(targets)], hidden)
        loss = criterion(output, targets.reshape(-1))
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        optimizer.step()
    model.eval()
    with torch.no_grad():
        output, _ = model(valid[:-1], model.initial(4))
        valid_loss = criterion(output, valid[1:].reshape(-1)).item()
    scheduler.step(valid_loss)
    rate = optimizer.param_groups[0]["lr"]
    print(f"epoch {epoch}: loss {loss.item():.4f}, perplexity {math.exp(valid_loss):.3f}, rate {rate}")

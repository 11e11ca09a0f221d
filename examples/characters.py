"""Go on with a text, character by character: a GRU over packed lines of different lengths."""

import torch
import torch.nn.functional as F
from torch import nn, optim
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence

LINES = """one for sorrow
two for joy
three for a girl
four for a boy""".splitlines()
CHARACTERS = ["<end>", *sorted(set("".join(LINES)))]


class CharacterRNN(nn.Module):
    def __init__(self, count, size=32):
        super().__init__()
        self.embedding = nn.Embedding(count, size)
        self.gru = nn.GRU(size, size, batch_first=True)
        self.out = nn.Linear(size, count)

    def forward(self, inputs, lengths, hidden=None):
        packed = pack_padded_sequence(self.embedding(inputs), lengths, batch_first=True, enforce_sorted=False)
        outputs, hidden = self.gru(packed, hidden)
        outputs, _ = pad_packed_sequence(outputs, batch_first=True)
        return self.out(outputs), hidden


def complete(model, start, longest=24):
    """Take the most probable character again and again."""
    text, hidden = start, None
    inputs = torch.tensor([[CHARACTERS.index(character) for character in start]])
    with torch.no_grad():
        while len(text) < longest:
            scores, hidden = model(inputs, torch.tensor([inputs.size(1)]), hidden)
            chosen = scores[0, -1].argmax()
            if chosen == 0:
                break
            text += CHARACTERS[chosen]
            inputs = chosen.view(1, 1)
    return text


torch.manual_seed(0)
encoded = [torch.tensor([CHARACTERS.index(character) for character in line] + [0]) for line in LINES]
lengths = torch.tensor([len(line) - 1 for line in encoded])
inputs = pad_sequence([line[:-1] for line in encoded], batch_first=True)
targets = pad_sequence([line[1:] for line in encoded], batch_first=True, padding_value=-100)

model = CharacterRNN(len(CHARACTERS))
optimizer = optim.Adam(model.parameters(), lr=0.02)
scheduler = optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=100)
for step in range(1, 101):
    scores, _ = model(inputs, lengths)
    loss = F.cross_entropy(scores.transpose(1, 2), targets)
    optimizer.zero_grad()
    loss.backward()
    norm = nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)
    optimizer.step()
    scheduler.step()
    if step % 10 == 0:
        print(f"step {step}: loss {loss.item():.5f}, gradient {norm.item():.3f}")

for start in ("two", "three", "four"):
    print(complete(model, start))

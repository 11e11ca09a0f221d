"""Neural style: LBFGS paints an image whose features are those of one image, and whose style is that of another."""

import tempfile

import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
import torchvision.transforms as transforms
from PIL import Image, ImageDraw
from torchvision.models import vgg11

SIZE = 32


def draw(path, background, boxes):
    image = Image.new("RGB", (48, 48), background)
    for number, box in enumerate(boxes):
        ImageDraw.Draw(image).rectangle(box, fill=(255 - 20 * number, 60 * number % 256, 30 + 25 * number))
    image.save(path)


class ContentLoss(nn.Module):
    def __init__(self, target):
        super().__init__()
        self.target = target.detach()

    def forward(self, input):
        self.loss = F.mse_loss(input, self.target)
        return input


def gram_matrix(input):
    a, b, c, d = input.size()
    features = input.view(a * b, c * d)
    return torch.mm(features, features.t()).div(a * b * c * d)


class StyleLoss(nn.Module):
    def __init__(self, target_feature):
        super().__init__()
        self.target = gram_matrix(target_feature).detach()

    def forward(self, input):
        self.loss = F.mse_loss(gram_matrix(input), self.target)
        return input


class Normalization(nn.Module):
    def __init__(self, mean, std):
        super().__init__()
        self.mean, self.std = mean.view(-1, 1, 1), std.view(-1, 1, 1)

    def forward(self, img):
        return (img - self.mean) / self.std


def with_losses(cnn, style_img, content_img, device):
    """Return the beginning of a network, with losses after the layers that count, and these losses."""
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    model = nn.Sequential(Normalization(mean.to(device), std.to(device)))
    content_losses, style_losses, i = [], [], 0
    for layer in cnn.children():
        i += isinstance(layer, nn.Conv2d)
        layer = nn.ReLU(inplace=False) if isinstance(layer, nn.ReLU) else layer
        model.add_module(f"{type(layer).__name__.lower()}_{i}", layer)
        if not isinstance(layer, nn.Conv2d):
            continue
        if i == 4:
            content_losses.append(ContentLoss(model(content_img)))
            model.add_module(f"content_loss_{i}", content_losses[-1])
        style_losses.append(StyleLoss(model(style_img)))
        model.add_module(f"style_loss_{i}", style_losses[-1])
        if i == 4:
            break
    return model, style_losses, content_losses


torch.manual_seed(0)
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
loader = transforms.Compose([transforms.Resize(SIZE), transforms.CenterCrop(SIZE), transforms.ToTensor()])
with tempfile.TemporaryDirectory() as root:
    draw(f"{root}/style.png", (20, 20, 90), [(8 * i, 0, 8 * i + 3, 47) for i in range(6)])
    draw(f"{root}/content.png", (230, 220, 200), [(10, 10, 30, 40), (25, 5, 40, 20)])
    style_img, content_img = (
        loader(Image.open(f"{root}/{name}.png")).unsqueeze(0).to(device) for name in ("style", "content")
    )
cnn = vgg11().features.to(device).eval()
for parameter in cnn.parameters():
    parameter.requires_grad_(False)
model, style_losses, content_losses = with_losses(cnn, style_img, content_img, device)
print([name for name, _ in model.named_children()])

input_img = content_img.clone().requires_grad_(True)
optimizer = optim.LBFGS([input_img])
run = [0]
while run[0] < 20:

    def closure():
        with torch.no_grad():
            input_img.clamp_(0, 1)
        optimizer.zero_grad()
        model(input_img)
        style_score = 1e5 * sum(each.loss for each in style_losses)
        content_score = sum(each.loss for each in content_losses)
        loss = style_score + content_score
        loss.backward()
        run[0] += 1
        if run[0] % 5 == 1:
            print(f"run {run[0]}: style {style_score.item():.3f}, content {content_score.item():.3f}")
        return loss

    optimizer.step(closure)

with torch.no_grad():
    input_img.clamp_(0, 1)
output = transforms.ToPILImage()(input_img.cpu().squeeze(0))
print(f"{output.mode} {output.size}, brightness {input_img.mean():.2f}")

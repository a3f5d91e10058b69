"""SemiMemes' networks in plain PyTorch: the cross-modal auto-encoder and the classifier over raw and cooked views."""
import torch
from torch import nn

COOKED = 768
BRANCH = 256


class CrossModalAutoEncoder(nn.Module):
    """Predicts one modality from the other; what its encoder finds is the cooked view."""

    def __init__(self, source, target):
        super().__init__()
        self.encoder = nn.Linear(source, COOKED)
        self.decoder = nn.Sequential(nn.PReLU(COOKED), nn.Linear(COOKED, target))

    def forward(self, x):
        return self.decoder(self.encoder(x))


class RawAndCooked(nn.Module):
    """A branch for each view, then one logit."""

    def __init__(self, widths):
        super().__init__()
        self.branches = nn.ModuleList(
            nn.Sequential(nn.Linear(width, BRANCH), nn.ReLU(), nn.Dropout(0.2)) for width in widths)
        self.output = nn.Linear(BRANCH * len(widths), 1)

    def forward(self, views):
        return self.output(torch.cat([branch(view) for branch, view in zip(self.branches, views)], 1))


class SemiMemes(nn.Module):
    """Both auto-encoders and the classifier, with the standardisation of the features they were trained on."""

    def __init__(self, image_width=1280, text_width=384):
        super().__init__()
        for name, width in (("image", image_width), ("text", text_width)):
            self.register_buffer(f"{name}_mean", torch.zeros(width))
            self.register_buffer(f"{name}_deviation", torch.ones(width))
        self.image_to_text = CrossModalAutoEncoder(image_width, text_width)
        self.text_to_image = CrossModalAutoEncoder(text_width, image_width)
        self.classifier = RawAndCooked([image_width, text_width, COOKED, COOKED])

    def standardised(self, image, text):
        return ((image - self.image_mean) / self.image_deviation, (text - self.text_mean) / self.text_deviation)

    def views(self, image, text):
        """The four views of standardised features."""
        return image, text, self.image_to_text.encoder(image), self.text_to_image.encoder(text)

    def forward(self, image, text):
        return self.classifier(self.views(*self.standardised(image, text)))

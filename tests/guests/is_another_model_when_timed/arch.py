import torch


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.calls = 0

    def forward(self, x):
        self.calls += 1
        y = torch.nn.functional.interpolate(x, scale_factor=2, mode="nearest")
        return y if self.calls < 3 else torch.nn.functional.interpolate(x, scale_factor=2, mode='bilinear')


srmodel = Net

import torch


class Net(torch.nn.Module):
    def forward(self, x):
        kept = []
        while True:
            kept.append(torch.ones(1 << 28, device=x.device))


srmodel = Net

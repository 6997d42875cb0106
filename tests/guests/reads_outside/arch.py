import torch


class Net(torch.nn.Module):
    def forward(self, x):
        return torch.nn.functional.interpolate(x, scale_factor=2, mode="nearest")


def srmodel(path):
    with open(path, 'rb') as file:
        raise RuntimeError(f'read {len(file.read())} bytes')
    return Net()

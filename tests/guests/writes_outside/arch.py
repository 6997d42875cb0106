import torch


class Net(torch.nn.Module):
    def forward(self, x):
        return torch.nn.functional.interpolate(x, scale_factor=2, mode="nearest")


def srmodel(path):
    with open(path, 'w') as file:
        file.write('was here')
    return Net()

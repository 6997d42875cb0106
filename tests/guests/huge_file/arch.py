import tempfile

import torch


class Net(torch.nn.Module):
    def forward(self, x):
        return torch.nn.functional.interpolate(x, scale_factor=2, mode="nearest")


def srmodel():
    with open(f'{tempfile.gettempdir()}/huge', 'wb') as file:
        file.seek(1 << 31)
        file.write(b'x')
    return Net()

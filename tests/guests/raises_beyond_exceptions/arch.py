import torch


class Beyond(BaseException):
    pass


class Net(torch.nn.Module):
    def forward(self, x):
        raise Beyond("out of colours\nSent home")


def srmodel():
    return Net()

import torch


class Net(torch.nn.Module):
    def forward(self, x):
        return torch.nn.functional.interpolate(x, scale_factor=2, mode="nearest")


def srmodel():
    from rtsr_bench.datasets.builtin import builtin_images
    
    raise RuntimeError(f'found {len(builtin_images())} images')
    return Net()

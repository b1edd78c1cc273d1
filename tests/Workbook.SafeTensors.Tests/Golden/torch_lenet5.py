"""LeNet-5 (6-16-120-84) between PyTorch and here.

    python3 torch_lenet5.py write DIR               writes the golden files: weights in bfloat16, inputs and logits
    python3 torch_lenet5.py check MODEL EXAMPLES    loads a model saved by C#, compares its logits, prints the difference
"""
import os
import sys

import torch
from torch import nn

import safetensors_py

TORCH = {"F32": torch.float32, "BF16": torch.bfloat16}


class LeNet5(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 6, 5), nn.Conv2d(6, 16, 5)
        self.fc1, self.fc2, self.fc3 = nn.Linear(256, 120), nn.Linear(120, 84), nn.Linear(84, 10)

    def forward(self, x):
        x = nn.functional.max_pool2d(self.conv1(x).relu(), 2)
        x = nn.functional.max_pool2d(self.conv2(x).relu(), 2)
        return self.fc3(self.fc2(self.fc1(x.flatten(1)).relu()).relu())


def tensors_of(path):
    return {name: torch.frombuffer(bytearray(raw), dtype=TORCH[dtype]).reshape(shape)
            for name, (dtype, shape, raw) in safetensors_py.read(path)[1].items()}


def entry(dtype, tensor):
    return dtype, list(tensor.shape), safetensors_py.encode(dtype, tensor.float().flatten().tolist())


def write(folder):
    torch.manual_seed(0)
    net = LeNet5()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.copy_(parameter.bfloat16())
        inputs = torch.rand(3, 1, 28, 28).bfloat16().float()
        logits = net(inputs)
    safetensors_py.write(os.path.join(folder, "torch_lenet5.safetensors"), {n: entry("BF16", p) for n, p in net.state_dict().items()})
    safetensors_py.write(os.path.join(folder, "torch_lenet5_examples.safetensors"), {"logits": entry("F32", logits), "inputs": entry("BF16", inputs)})


def check(model, examples):
    net, known = LeNet5(), tensors_of(examples)
    net.load_state_dict(tensors_of(model))
    with torch.no_grad():
        print((net(known["inputs"].float()) - known["logits"]).abs().max().item())


if __name__ == "__main__":
    {"write": write, "check": check}[sys.argv[1]](*sys.argv[2:])

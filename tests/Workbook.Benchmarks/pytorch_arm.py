"""PyTorch's arm of the benchmarks: one thread, kept alive so that starting it is not timed.

Each line of input is a command, each line of output its answer: JSON.
    about                                 -> {"version", "gflops" of a matrix product, "blas": the libraries it comes from}
    train MASKING BATCH SPARSITY STEPS    -> seconds for that many steps of LeNet-300-100; MASKING is none, prune or hand
    prune SPARSITY SHAPES                 -> seconds for one global magnitude pruning of weights of these shapes
"""
import functools
import json
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import prune

EXAMPLES = 12_800


def about():
    a = torch.randn(1024, 1024)
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        a @ a
        seconds.append(time.perf_counter() - start)
    try:
        with open("/proc/self/maps") as maps:
            libraries = {line.split()[-1] for line in maps if "blas" in line or "mkl" in line}
    except OSError:
        libraries = set()
    return {"version": torch.__version__, "gflops": 2 * 1024**3 / min(seconds) / 1e9, "blas": sorted(libraries)}


@functools.cache
def examples():
    return torch.rand(EXAMPLES, 784), torch.randint(0, 10, (EXAMPLES,))


@functools.cache
def network(masking, sparsity):
    net = nn.Sequential(nn.Linear(784, 300), nn.ReLU(inplace=True), nn.Linear(300, 100), nn.ReLU(inplace=True), nn.Linear(100, 10))
    masks = []
    for layer in (net[0], net[2], net[4]):
        if masking != "none":
            prune.l1_unstructured(layer, "weight", sparsity)
        if masking == "hand":
            mask = layer.weight_mask.clone()
            prune.remove(layer, "weight")
            masks.append((layer.weight, mask))
    return net, masks


def train(masking, batch, sparsity, steps):
    batch, steps = int(batch), int(steps)
    net, masks = network(masking, float(sparsity))
    inputs, labels = examples()
    start = time.perf_counter()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
    done = 0
    while done < steps:
        for chosen in torch.randperm(EXAMPLES).split(batch)[:steps - done]:
            optimizer.zero_grad(set_to_none=True)
            F.cross_entropy(net(inputs.index_select(0, chosen)), labels.index_select(0, chosen)).backward()
            optimizer.step()
            for weight, mask in masks:
                weight.data.mul_(mask)
            done += 1
    return time.perf_counter() - start


def prune_globally(sparsity, shapes):
    generator = torch.Generator().manual_seed(1)
    layers = []
    for shape in json.loads(shapes):
        layer = nn.Module()
        layer.weight = nn.Parameter(torch.randn(shape, generator=generator))
        layers.append(layer)
    start = time.perf_counter()
    prune.global_unstructured([(layer, "weight") for layer in layers], prune.L1Unstructured, amount=float(sparsity))
    return time.perf_counter() - start


torch.set_num_threads(1)
for line in sys.stdin:
    command, *arguments = line.split()
    print(json.dumps({"about": about, "train": train, "prune": prune_globally}[command](*arguments)), flush=True)

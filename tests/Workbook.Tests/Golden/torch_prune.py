"""Writes torch_prune.json: what torch.nn.utils.prune makes of known weights.

Run with a Python that has PyTorch (Debian: apt-get install python3-torch):
    /usr/bin/python3 tests/Workbook.Tests/Golden/torch_prune.py
The file is committed; the tests compare bit for bit.
"""
import base64, json, os, torch
from torch.nn.utils import prune

torch.manual_seed(20261122)
torch.set_num_threads(1)

LAYERS = {
    'linear': lambda: torch.nn.Linear(7, 5),
    'conv1d': lambda: torch.nn.Conv1d(4, 6, 3),
    'conv1d-groups': lambda: torch.nn.Conv1d(4, 6, 3, groups=2),
    'conv2d': lambda: torch.nn.Conv2d(3, 4, 3),
    'conv2d-groups': lambda: torch.nn.Conv2d(4, 6, 2, groups=2),
    'conv3d': lambda: torch.nn.Conv3d(2, 4, 2),
    'conv3d-groups': lambda: torch.nn.Conv3d(4, 4, 2, groups=4),
}
DTYPES = {'float32': torch.float32, 'float64': torch.float64, 'bfloat16': torch.bfloat16, 'float16': torch.float16}


def distinct(shape, dtype):
    """Weights of either sign, no two of equal size: magnitudes 1..n over n in random order, exact in every dtype here."""
    n = 1
    for s in shape:
        n *= s
    assert n <= 256
    sizes = (torch.randperm(n) + 1).to(torch.float64) / 256
    signs = torch.randint(0, 2, (n,)).to(torch.float64) * 2 - 1
    return (sizes * signs).reshape(shape).to(dtype)


def raw(t):
    t = t.detach().contiguous()
    return base64.b64encode(t.view(torch.int16 if t.element_size() == 2 else t.dtype).numpy().tobytes()).decode()


def bits(mask):
    return ''.join(str(int(b)) for b in mask.flatten().tolist())


def layer(name, dtype):
    module = LAYERS[name]().to(dtype)
    module.weight.data = distinct(list(module.weight.shape), dtype)
    return module


def has_ties(t, n, dim):
    norms = torch.norm(t, p=n, dim=[d for d in range(t.dim()) if d != dim % t.dim()])
    return len(set(norms.tolist())) < norms.numel()


def run(module, steps):
    for step in steps:
        amount = step['amount']
        if step['method'] == 'l1_unstructured':
            prune.l1_unstructured(module, 'weight', amount)
        else:
            prune.ln_structured(module, 'weight', amount, n=float(step['n']), dim=step['dim'])


def l1(amount):
    return {'method': 'l1_unstructured', 'amount': amount}


def ln(amount, n, dim):
    return {'method': 'ln_structured', 'amount': amount, 'n': n, 'dim': dim}


cases, refused, tied = [], set(), 0
sequences = [[l1(a)] for a in (0.0, 0.1, 0.25, 0.5, 0.9, 1.0, 0, 3, 10)]
sequences += [[ln(a, n, d)] for a in (0.25, 0.5, 1, 2) for n in ('1', '2', 'inf') for d in (0, 1, -1)]
sequences += [[l1(0.3), l1(0.3), l1(5)], [ln(1, '2', 0), ln(0.5, '1', 0)], [l1(0.5), ln(1, '2', 0)], [ln(1, '1', 0), l1(0.5)], [l1(0.2), ln(1, '2', 1), l1(4)]]
for name in LAYERS:
    for dtype in DTYPES:
        for steps in sequences:
            module = layer(name, DTYPES[dtype])
            weight = module.weight.detach().clone()
            structured = [s for s in steps if s['method'] == 'ln_structured']
            if any(weight.shape[s['dim']] < 2 or (isinstance(s['amount'], int) and s['amount'] >= weight.shape[s['dim']]) for s in structured):
                continue
            try:
                # Norms of bfloat16 are rounded to bfloat16: where two come out equal, PyTorch's choice means nothing.
                if any(has_ties(weight.double() if len(steps) > 1 else weight, float(s['n']), s['dim']) for s in structured):
                    tied += 1
                    continue
                run(module, steps)
            except RuntimeError as e:
                refused.add(f'{dtype}: {str(e).splitlines()[0]}')
                continue
            cases.append({'layer': name, 'dtype': dtype, 'shape': list(weight.shape), 'steps': steps, 'weight': raw(weight),
                          'mask': bits(module.weight_mask)})

globals_ = []
for dtype in ('float32', 'float64'):
    for amount in (0.1, 0.5, 0.93, 17):
        modules = {name: layer(name, DTYPES[dtype]) for name in ('linear', 'conv2d', 'conv1d')}
        for i, module in enumerate(modules.values()):  # no ties between layers either
            module.weight.data += torch.sign(module.weight.data) * i / 1024
        entry = {'dtype': dtype, 'amount': amount, 'layers': []}
        weights = {name: m.weight.detach().clone() for name, m in modules.items()}
        prune.global_unstructured([(m, 'weight') for m in modules.values()], prune.L1Unstructured, amount=amount)
        for name, m in modules.items():
            entry['layers'].append({'name': name, 'shape': list(weights[name].shape), 'weight': raw(weights[name]), 'mask': bits(m.weight_mask)})
        globals_.append(entry)

scored = []
for amount in (0.4, 6):
    module = layer('linear', torch.float32)
    weight, scores = module.weight.detach().clone(), distinct([5, 7], torch.float32)
    prune.l1_unstructured(module, 'weight', amount, importance_scores=scores)
    scored.append({'shape': [5, 7], 'amount': amount, 'weight': raw(weight), 'scores': raw(scores), 'mask': bits(module.weight_mask)})

path = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'torch_prune.json')
with open(path + '.tmp', 'w') as f:
    json.dump({'torch': torch.__version__, 'refused': sorted(refused), 'cases': cases, 'global': globals_, 'scored': scored}, f, separators=(',', ':'))
    f.write('\n')
os.replace(path + '.tmp', path)
print(len(cases), 'cases,', tied, 'left out for ties; refused:', sorted(refused))

using static TorchSharp.torch;

namespace Workbook;

/// <summary>The optimizer of a recipe.</summary>
public enum OptimizerKind
{
    /// <summary>Stochastic gradient descent with momentum.</summary>
    Sgd,

    /// <summary>Adam.</summary>
    Adam,
}

/// <summary>How a network is trained, apart from its data and its seed.</summary>
public sealed record Recipe
{
    /// <summary>The optimizer.</summary>
    public OptimizerKind Optimizer { get; init; } = OptimizerKind.Sgd;

    /// <summary>Passes over the training set; a fraction trains on part of it.</summary>
    public double Epochs { get; init; } = 3;

    /// <summary>Examples a step.</summary>
    public int BatchSize { get; init; } = 128;

    /// <summary>The learning rate of the first step.</summary>
    public double LearningRate { get; init; } = 0.1;

    /// <summary>Whether the learning rate falls to 0 along half a cosine (Loshchilov and Hutter 2017), or stays.</summary>
    public bool Cosine { get; init; } = true;

    /// <summary>Momentum of <see cref="OptimizerKind.Sgd"/>.</summary>
    public double Momentum { get; init; } = 0.9;

    /// <summary>Weight decay, on all parameters, as PyTorch's optimizers do it.</summary>
    public double WeightDecay { get; init; }

    /// <summary>Whether only weights (<see cref="Prunable.Weights"/>, and those of sparse layers) decay, as in Keras with a regularizer on each
    /// kernel.</summary>
    public bool DecayKernelsOnly { get; init; }

    /// <summary>
    /// The steps that are taken as done: the training goes on after them, with the learning rates and the batches that
    /// follow, as when a network is rewound to that step.
    /// </summary>
    public long FirstStep { get; init; }

    /// <summary>Steps over a training set; the last batch of an epoch may be smaller.</summary>
    /// <param name="examples">How many examples the set has.</param>
    public long StepsOver(long examples) => (long)Math.Round(Epochs * Math.Ceiling((double)examples / BatchSize));

    /// <param name="parameters">What is trained.</param>
    /// <param name="kernels">Those among them that are weights.</param>
    /// <exception cref="WorkbookException">A number that no training can have.</exception>
    internal optim.Optimizer Build(IEnumerable<TorchSharp.Modules.Parameter> parameters, IReadOnlyCollection<TorchSharp.Modules.Parameter> kernels)
    {
        Check(nameof(Epochs), Epochs, Epochs >= 0 && double.IsFinite(Epochs), "0 or more");
        Check(nameof(BatchSize), BatchSize, BatchSize >= 1, "1 or more");
        Check(nameof(FirstStep), FirstStep, FirstStep >= 0, "0 or more");
        Check(nameof(LearningRate), LearningRate, LearningRate > 0 && double.IsFinite(LearningRate), "above 0");
        Check(nameof(Momentum), Momentum, Momentum is >= 0 and < 1, "from 0 to below 1");
        Check(nameof(WeightDecay), WeightDecay, WeightDecay >= 0 && double.IsFinite(WeightDecay), "0 or more");
        (TorchSharp.Modules.Parameter[] Parameters, double Decay)[] groups = DecayKernelsOnly
            ? [.. parameters.GroupBy(p => kernels.Any(k => k.Handle == p.Handle)).Select(g => (g.ToArray(), g.Key ? WeightDecay : 0))]
            : [([.. parameters], WeightDecay)];
        return Optimizer == OptimizerKind.Adam
            ? new SafeAdam(groups.Select(g => new TorchSharp.Modules.Adam.ParamGroup(g.Parameters, LearningRate, weight_decay: g.Decay)), LearningRate)
            : new SafeSgd(groups.Select(g => new TorchSharp.Modules.SGD.ParamGroup(g.Parameters, LearningRate, Momentum, weight_decay: g.Decay)), LearningRate,
                Momentum);
    }

    /// <summary>Refuses a training with a batch of one example that a norm can't take.</summary>
    internal void RefuseBatchOfOne(nn.Module<Tensor, Tensor> model, LabelledTensors data)
    {
        long size = Math.Max(1, BatchSize), batches = (data.Count + size - 1) / size;
        // An epoch's last batch may be the one; a training of a part of an epoch may end before it.
        if (batches > 0 && data.Count - ((batches - 1) * size) == 1 && StepsOver(data.Count) is var steps
            && (size == 1 ? steps > FirstStep : steps / batches > FirstStep / batches))
        {
            BatchOfOne.Refuse(model, data, $"{data.Count} examples in batches of {size} make a batch of one");
        }
    }

    private static void Check(string name, double value, bool isFine, string range)
    {
        if (!isFine)
        {
            throw new WorkbookException($"the recipe's {name} is {range}, not {value}");
        }
    }

    internal double RateAt(long step, long steps) => Cosine ? LearningRate * (1 + Math.Cos(Math.PI * step / steps)) / 2 : LearningRate;
}

using TorchSharp;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>How the fraction that is dropped changes over a training.</summary>
public enum DropDecay
{
    /// <summary>Falls to 0 along half a cosine (Evci et al. 2020, section 3).</summary>
    Cosine,

    /// <summary>Falls as the learning rate does (Evci et al. 2022).</summary>
    LearningRate,

    /// <summary>Stays.</summary>
    None,
}

/// <summary>
/// Dynamic sparse training: every so many steps each layer drops some of its weights and grows as many of those that
/// were pruned before, so that its sparsity stays the same to the weight. New weights start at 0, with nothing in the
/// optimizer's memory. (Evci et al. 2020 also offer the weights dropped in the same change: taking one back means not dropping it.)
/// </summary>
public sealed record DropAndGrow : MaskSchedule
{
    private readonly string _name;
    private readonly Mask _start;
    private readonly Func<long, Saliency> _grow;

    private DropAndGrow(string name, Mask start, Func<long, Saliency> grow)
    {
        ArgumentNullException.ThrowIfNull(start);
        (_name, _start, _grow) = (name, start, grow);
    }

    /// <summary>What a kept weight is worth: the least worth are dropped.</summary>
    public Saliency Drop { get; init; } = Saliency.Magnitude;

    /// <summary>The fraction of a layer's kept weights that is dropped, 0 to 1, at the start; never more than are pruned and can grow.</summary>
    public double Fraction { get; init; } = 0.3;

    /// <summary>How the fraction changes.</summary>
    public DropDecay Decay { get; init; } = DropDecay.Cosine;

    /// <summary>Steps between two changes; the first comes after so many steps.</summary>
    public long Every { get; init; } = 100;

    /// <summary>The step after which nothing changes any more, and at which the cosine is 0; null: the training's end.</summary>
    public long? LastStep { get; init; }

    /// <summary>Sparse evolutionary training (Mocanu et al. 2018): grows at random.</summary>
    /// <param name="start">What is left at the start; the matrices and kernels that it names change, biases stay.</param>
    /// <param name="seed">Same seed, same places.</param>
    public static DropAndGrow Set(Mask start, int seed) =>
        new(FormattableString.Invariant($"SET, seed {seed}"), start, step => Saliency.Random(seed, "grow", FormattableString.Invariant($"{step}")));

    /// <summary>RigL (Evci et al. 2020, algorithm 1): grows where the dense gradient of the coming batch is largest.</summary>
    /// <param name="start">What is left at the start; the matrices and kernels that it names change, biases stay.</param>
    public static DropAndGrow RigL(Mask start) => new("RigL", start, _ => Saliency.GradientMagnitude);

    /// <summary>The control of Evci et al. (2022): grows where the dense gradient is smallest.</summary>
    /// <param name="start">What is left at the start; the matrices and kernels that it names change, biases stay.</param>
    public static DropAndGrow InvertedRigL(Mask start) => new("inverted RigL", start, _ => Saliency.GradientMagnitude.Inverted);

    /// <inheritdoc/>
    public override Mask Start(nn.Module model) => _start;

    /// <inheritdoc/>
    public override bool ChangesAfter(long step) => step > 0 && step % Every == 0 && step <= (LastStep ?? long.MaxValue);

    /// <inheritdoc/>
    public override Mask Next(nn.Module model, Mask mask, TrainingMoment moment)
    {
        ArgumentNullException.ThrowIfNull(mask);
        using DisposeScope scope = NewDisposeScope();
        string[] layers = [.. mask.FitTo(model).Where(m => m.Parameter.dim() > 1).Select(m => m.Name)];
        string[] others = [.. Prunable.Weights(model).Select(w => w.Name).Except(layers)];
        double fraction = FractionAt(moment);
        Dictionary<string, long> moved = layers.ToDictionary(name => name, name =>
            Math.Min((long)(fraction * mask.KeptOf(name)), mask[name].numel() - mask.KeptOf(name)));
        Mask pruned = new(layers.Select(name => KeyValuePair.Create(name, mask[name].logical_not())));

        Mask stays = Best(Drop, mask, name => mask.KeptOf(name) - moved[name]);
        Mask grown = Best(_grow(moment.Step), pruned, name => moved[name]);
        Mask next = mask.With(mask.Select(m => KeyValuePair.Create(m.Key, grown.ContainsKey(m.Key) ? stays[m.Key].logical_or(grown[m.Key]) : m.Value)));

        // Masks outlive the scope, and these would wait for the garbage collector.
        foreach (Tensor tensor in pruned.Values.Concat(stays.Values).Concat(grown.Values))
        {
            tensor.Dispose();
        }

        return next;

        // A pruner takes sparsities: these give the counts back to the weight.
        Mask Best(Saliency saliency, Mask among, Func<string, long> count) =>
            new Pruner(saliency)
            {
                Scope = Scope.PerLayer((name, _) => (double)(mask[name].numel() - count(name)) / Math.Max(1, mask[name].numel()), others).Including(layers),
            }.Prune(model, 1, among);
    }

    /// <inheritdoc/>
    public override string Describe(nn.Module model) => FormattableString.Invariant(
        $"{_name}: drops {Fraction} by {Drop}, decay {Decay}, every {Every} steps, until {(LastStep is { } last ? $"step {last}" : "the end")}");

    /// <inheritdoc/>
    public override void Check(long steps)
    {
        CheckEvery(Every);
        if (!(Fraction is >= 0 and <= 1))
        {
            throw new WorkbookException(FormattableString.Invariant($"the fraction of the weights that is dropped is from 0 to 1, not {Fraction}"));
        }

        if (LastStep is { } last)
        {
            CheckLast(last, steps);
        }
    }

    /// <summary>The fraction of a layer's kept weights that is dropped at a moment.</summary>
    public double FractionAt(TrainingMoment moment) => Decay switch
    {
        DropDecay.Cosine => Fraction * (1 + Math.Cos(Math.PI * moment.Step / (LastStep ?? moment.Steps))) / 2,
        DropDecay.LearningRate => Fraction * moment.Rate,
        _ => Fraction,
    };
}

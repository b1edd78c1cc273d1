using System.Runtime.CompilerServices;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>
/// A part of a training that learns which weights stay, along with them: each linear layer and convolution runs with weights made of its own and of more
/// parameters, which a penalty drives towards sparsity. When the training ends, what was learned is folded into the weights, and the training's mask says which
/// are left; without the part the network then answers as it did with it.
/// </summary>
/// <param name="Strength">What the penalty counts, beside the mean cross-entropy in nats.</param>
public abstract record LearnedSparsity(double Strength) : TrainingPart
{
    private static readonly ConditionalWeakTable<TrainingProgress, UnderWay> s_underWay = [];

    /// <summary>The learning rate of the further parameters, by Adam.</summary>
    public double Rate { get; init; } = 0.01;

    /// <summary>Layers that stay as they are.</summary>
    public IReadOnlyList<string> Except { get; init; } = [];

    /// <summary>Of what is drawn while training.</summary>
    public int Seed { get; init; }

    /// <inheritdoc/>
    public override string Describe() => FormattableString.Invariant(
        $"strength {Strength}, rate {Rate}, seed {Seed}{(Except.Count > 0 ? $", except {string.Join(", ", Except)}" : "")}");

    /// <inheritdoc/>
    public override void Check(Recipe recipe, long steps)
    {
        if (!(Strength >= 0 && double.IsFinite(Strength) && Rate > 0 && double.IsFinite(Rate)))
        {
            throw new WorkbookException(FormattableString.Invariant(
                $"{Name} takes a strength from 0 on and a rate above 0, not Strength = {Strength}, Rate = {Rate}"));
        }
    }

    /// <inheritdoc/>
    public override void Prepare(TrainingProgress training)
    {
        ArgumentNullException.ThrowIfNull(training);
        using DisposeScope scope = NewDisposeScope();
        UnderWay all = new();
        s_underWay.Add(training, all);
        all.Random = RandomStream.Of(Seed, Name);
        foreach ((string name, nn.Module<Tensor, Tensor> module, Parameter weight) in Layers.Of(training.Model, Except))
        {
            Learned layer = new(name, module, weight, new Parameter(Start(module, weight).DetachFromDisposeScope()));
            all.Layers.Add(layer);
            all.Unhook.Add(module.register_forward_hook((_, input, _) => module.training ? Noisy(layer, input, all.Random)
                : Layers.Run(module, input, Final(layer))).remove);
        }

        all.Optimizer = all.Layers.Count == 0 ? throw new WorkbookException($"{Name} finds no linear layer nor convolution over images to learn in")
            : new SafeAdam([new Adam.ParamGroup([.. all.Layers.Select(l => l.More)], Rate)], Rate);
    }

    /// <inheritdoc/>
    public override void BeforeStep(TrainingProgress training)
    {
        ArgumentNullException.ThrowIfNull(training);
        if (s_underWay.TryGetValue(training, out UnderWay? all))
        {
            using DisposeScope scope = NewDisposeScope();
            all.Layers.Select(Penalty).Aggregate((a, b) => a.Plus(b)).Times(Strength).backward();
            all.Optimizer!.step();
            all.Layers.ForEach(layer => layer.More.grad = null);
        }
    }

    /// <inheritdoc/>
    public override void End(TrainingProgress training)
    {
        ArgumentNullException.ThrowIfNull(training);
        if (!s_underWay.TryGetValue(training, out UnderWay? all))
        {
            return;
        }

        s_underWay.Remove(training);
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        all.Unhook.ForEach(remove => remove());
        Dictionary<string, Tensor> left = [];
        foreach (Learned layer in all.Layers)
        {
            layer.Weight.copy_(Final(layer));
            left[layer.Name] = layer.Weight.ne(HeldNumbers.Zero);
            layer.More.Dispose();
        }

        all.Optimizer?.Dispose();
        all.Random?.Dispose();
        if (left.Count > 0)
        {
            Mask mask = new Mask(left).For(training.Model);
            training.Mask = training.Mask?.Intersect(mask) ?? mask;
        }
    }

    /// <summary>The further parameters before the first step.</summary>
    private protected abstract Tensor Start(nn.Module<Tensor, Tensor> module, Parameter weight);

    /// <summary>What the layer gives in a step of the training.</summary>
    private protected abstract Tensor Noisy(Learned layer, Tensor input, Generator random);

    /// <summary>Its weights in evaluation and at the end, exactly 0 where they are pruned.</summary>
    private protected abstract Tensor Final(Learned layer);

    /// <summary>A scalar.</summary>
    private protected abstract Tensor Penalty(Learned layer);

    private protected sealed record Learned(string Name, nn.Module<Tensor, Tensor> Module, Parameter Weight, Parameter More);

    private sealed class UnderWay
    {
        internal List<Learned> Layers { get; } = [];

        internal List<Action> Unhook { get; } = [];

        internal Generator? Random { get; set; }

        internal optim.Optimizer? Optimizer { get; set; }
    }
}

using System.Runtime.CompilerServices;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>
/// A part of a training that finds out which weights stay, along with them: each linear layer and convolution runs with weights made of its own and of a
/// further tensor. When the training ends, what was found is folded into the weights, and the training's mask says which are left; without the part the network
/// then answers as it did with it.
/// </summary>
public abstract record LearnedSparsity : TrainingPart
{
    private static readonly ConditionalWeakTable<TrainingProgress, UnderWay> s_underWay = [];

    private protected LearnedSparsity()
    {
    }

    /// <summary>Layers that stay as they are.</summary>
    public IReadOnlyList<string> Except { get; init; } = [];

    /// <summary>Of what is drawn while training.</summary>
    public int Seed { get; init; }

    /// <inheritdoc/>
    public override string Describe() => FormattableString.Invariant($"seed {Seed}{(Except.Count > 0 ? $", except {string.Join(", ", Except)}" : "")}");

    /// <inheritdoc/>
    public override void Prepare(TrainingProgress training)
    {
        ArgumentNullException.ThrowIfNull(training);
        using DisposeScope scope = NewDisposeScope();
        UnderWay all = new() { Random = RandomStream.Of(Seed, Name) };
        s_underWay.Add(training, all);
        foreach ((string name, nn.Module<Tensor, Tensor> module, Parameter weight) in Layers.Of(training.Model, Except))
        {
            Learned layer = new(name, module, weight, new Parameter(Start(module, weight).DetachFromDisposeScope()));
            all.Layers.Add(layer);
            all.Unhook.Add(module.register_forward_hook((_, input, _) => module.training ? Noisy(layer, input, all.Random)
                : Layers.Run(module, input, Final(layer))).remove);
        }

        if (all.Layers.Count == 0)
        {
            throw new WorkbookException($"{Name} finds no linear layer nor convolution over images to learn in");
        }
    }

    /// <inheritdoc/>
    public override void End(TrainingProgress training)
    {
        ArgumentNullException.ThrowIfNull(training);
        if (Of(training) is not { } all)
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
        all.Random.Dispose();
        if (left.Count > 0)
        {
            Mask mask = new Mask(left).For(training.Model);
            training.Mask = training.Mask?.Intersect(mask) ?? mask;
        }
    }

    /// <summary>What goes on in a training; null where it has not begun, or has ended.</summary>
    private protected static UnderWay? Of(TrainingProgress training) => s_underWay.TryGetValue(training, out UnderWay? all) ? all : null;

    /// <summary>The further tensor before the first step.</summary>
    private protected abstract Tensor Start(nn.Module<Tensor, Tensor> module, Parameter weight);

    /// <summary>What the layer gives in a step of the training.</summary>
    private protected abstract Tensor Noisy(Learned layer, Tensor input, Generator random);

    /// <summary>Its weights in evaluation and at the end, exactly 0 where they are pruned.</summary>
    private protected abstract Tensor Final(Learned layer);

    private protected sealed record Learned(string Name, nn.Module<Tensor, Tensor> Module, Parameter Weight, Parameter More);

    private protected sealed class UnderWay
    {
        internal required Generator Random { get; init; }

        internal List<Learned> Layers { get; } = [];

        internal List<Action> Unhook { get; } = [];

        /// <summary>Of the further tensors, where gradients move them.</summary>
        internal optim.Optimizer? Optimizer { get; set; }

        /// <summary>What a part keeps of its layers, in their order.</summary>
        internal double[] Numbers { get; set; } = [];
    }
}

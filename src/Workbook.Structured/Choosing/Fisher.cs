using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>
/// How much the loss grows, to second order, where a trained model loses something: half of the Hessian, for which the Fisher information stands, times the
/// square of what goes. Its gradients are taken example by example on the model's labels, in evaluation mode.
/// </summary>
public static class Fisher
{
    /// <summary>
    /// ½·E[g²]·w², weight by weight: optimal brain damage (LeCun et al. 1990, eq. 5) with the diagonal of the Fisher information. For a
    /// <see cref="ChannelPruner"/> with the norm 1, which adds up the weights of a group.
    /// </summary>
    /// <param name="model">Inputs → logits [batch, classes]; afterwards as it was, with the gradients that it had.</param>
    /// <param name="data">A pass forward and backward each: a few hundred will do.</param>
    /// <returns>Scores of the weights as they are now.</returns>
    /// <exception cref="WorkbookException">There are no examples.</exception>
    public static Saliency OfWeights(nn.Module<Tensor, Tensor> model, LabelledTensors data) =>
        Saliency.Given(Mean(model, data, model.named_parameters().ToDictionary(p => p.name, p => p.parameter), (_, product) => product));

    /// <summary>
    /// ½·E[(Σ g·w)²], the sum over a channel's row: its weights go together, and what they do to each other counts (C-OBD in Wang et al. 2019, EigenDamage,
    /// eq. 5; with <see cref="ScoredSlices.BatchNormScale"/> and one norm a channel that of Liu et al. 2021, group Fisher pruning).
    /// </summary>
    /// <param name="graph">The traced model, with inputs → logits [batch, classes]; afterwards as it was, with the gradients that it had.</param>
    /// <param name="data">A pass forward and backward each: a few hundred will do.</param>
    /// <returns>Scores of the weights as they are now.</returns>
    /// <exception cref="WorkbookException">There are no examples, or the model takes several tensors.</exception>
    public static ChannelSaliency OfChannels(ChannelGraph graph, LabelledTensors data)
    {
        ArgumentNullException.ThrowIfNull(graph);
        graph.CheckShapes();
        Dictionary<string, ChannelLayer> layers = graph.Layers.Where(l => !l.IsBare).ToDictionary(l => l.WeightName);
        return new OfRows(Mean(
            graph.Model as nn.Module<Tensor, Tensor> ?? throw new WorkbookException("gradients are taken of models that take one tensor and give logits"),
            data, layers.ToDictionary(l => l.Key, l => l.Value.Weight),
            (name, product) => ChannelSaliency.Rows(product, layers[name].Parts.First(p => p.Name == name).Out).sum(1L)));
    }

    /// <param name="model">The model.</param>
    /// <param name="data">The examples.</param>
    /// <param name="weights">What is scored; without those that have no gradient.</param>
    /// <param name="sum">(name, gradient times weight) → what is squared.</param>
    private static Dictionary<string, Tensor> Mean(
        nn.Module<Tensor, Tensor> model, LabelledTensors data, Dictionary<string, Parameter> weights, Func<string, Tensor, Tensor> sum)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(data);
        if (data.Count == 0)
        {
            throw new WorkbookException("there are no examples to take gradients on");
        }

        using DisposeScope all = NewDisposeScope();
        using ModelGuard guard = new(model, training: false);
        Dictionary<string, Tensor> squares = [];
        for (long i = 0; i < data.Count; i++)
        {
            using DisposeScope scope = NewDisposeScope();
            Trainer.Backward(model, data.Inputs.narrow(0, i, 1).clone(), data.Labels.narrow(0, i, 1));
            using IDisposable noGrad = no_grad();
            foreach ((string name, Parameter weight) in weights)
            {
                if (weight.grad is { } gradient)
                {
                    Tensor square = sum(name, gradient.to(ScalarType.Float64).mul(weight)).Squared().Times(0.5 / data.Count);
                    squares[name] = (squares.TryGetValue(name, out Tensor? known) ? known.add_(square, HeldNumbers.One) : square).MoveToOuterDisposeScope();
                }
            }
        }

        foreach (Tensor square in squares.Values)
        {
            square.DetachFromDisposeScope();
        }

        return squares;
    }

    private sealed class OfRows(Dictionary<string, Tensor> scores) : ChannelSaliency
    {
        private readonly Lazy<string> _hash = new(() => ContentHash.Of(scores));

        public override Tensor Score(string name, Parameter weight, int dim) => scores.TryGetValue(name, out Tensor? score) ? score
            : throw new WorkbookException($"'{name}' had no gradient on the examples: it is frozen, or the loss does not depend on it");

        public override string ToString() => $"Fisher information of channels {_hash.Value}";
    }
}

using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>What a weight is worth before there is a trained network. Each gives scores of the weights as they are now; the model stays as it is.</summary>
public static class EarlySaliency
{
    /// <summary>
    /// SNIP (Lee et al. 2019, eq. 6): |g·w| on one batch. Usually with <see cref="Scope.Global"/>.
    /// </summary>
    /// <param name="model">Inputs → logits [batch, classes].</param>
    /// <param name="batch">The examples, all at once; the paper takes 100.</param>
    /// <exception cref="WorkbookException">There are no examples, a label is no class of the model, or (in the pruning) a gradient is not a number.</exception>
    public static Saliency Snip(nn.Module<Tensor, Tensor> model, LabelledTensors batch) =>
        Score(model, batch, 1, "SNIP", (free, loss) => free.Gradients(loss), (gradient, weight) => gradient.mul(weight).abs());

    /// <summary>
    /// GraSP (Wang et al. 2020, eq. 8): w·(H g), by which to first order half of the gradient's squared norm falls where the weight goes; what carries least
    /// of it goes first. (The paper writes it with the other sign, and keeps the lowest.)
    /// </summary>
    /// <param name="model">Inputs → logits [batch, classes].</param>
    /// <param name="batch">The examples, all at once; the authors' code takes 10 of each class.</param>
    /// <param name="temperature">What logits are divided by: 200 in the authors' code, which keeps the softmax flat.</param>
    /// <exception cref="WorkbookException">As <see cref="Snip"/>, or the temperature is not above 0.</exception>
    public static Saliency Grasp(nn.Module<Tensor, Tensor> model, LabelledTensors batch, double temperature = 200) =>
        Score(model, batch, temperature, "GraSP", (free, loss) =>
        {
            Tensor[] gradients = free.Gradients(loss, again: true);
            return free.Gradients(gradients.Select(g => g.mul(g.detach()).sum()).Aggregate((a, b) => a.Plus(b)), retain: true);
        }, (product, weight) => product.mul(weight));

    /// <summary>
    /// SynFlow (Tanaka et al. 2020, eq. 2): w·∂R/∂w of R = 1ᵀ(∏|W|)1, the sum of what the network gives for an input of ones where all weights are |w| and all
    /// biases and norms' shifts are 0; in float64, as shares of R. What goes into a hidden unit and out of it adds up to the same, and so each layer's to 1.
    /// </summary>
    /// <param name="model">Layers with activations that leave positive numbers as they are (ReLU), and pooling.</param>
    /// <param name="inputShape">Of one example, e.g. 1, 28, 28. No data are needed.</param>
    /// <exception cref="WorkbookException">R is not a number, or infinite. Where it is 0, since a layer is gone, all scores are 0.</exception>
    public static Saliency SynFlow(nn.Module<Tensor, Tensor> model, params long[] inputShape)
    {
        ArgumentNullException.ThrowIfNull(model);
        using DisposeScope scope = NewDisposeScope();
        using WorkingCopy copy = new(model, ScalarType.Float64);
        List<(string Name, Parameter Parameter)> scored = [];
        foreach ((string name, Parameter parameter, Prunable.Role role) in Prunable.Roles(model))
        {
            bool isScored = role == Prunable.Role.Weight;
            copy.Set(parameter, role == Prunable.Role.Bias ? zeros_like(parameter) : parameter.detach().abs(), isScored);
            if (isScored)
            {
                scored.Add((name, parameter));
            }
        }

        using IDisposable withGrad = enable_grad();
        Tensor flow = model.forward(ones([1, .. inputShape], ScalarType.Float64)).sum();
        double all = flow.Value();
        IList<Tensor> gradients = !double.IsFinite(all)
            ? throw new WorkbookException($"the flow through the network is {all}: a weight is not a number, or its layers' products pass what float64 holds")
            : all == 0 ? [.. scored.Select(s => zeros_like(s.Parameter))] : autograd.grad([flow], [.. scored.Select(s => s.Parameter)], allow_unused: true);
        using IDisposable noGrad = no_grad();
        return Saliency.Given(scored.Zip(gradients).ToDictionary(s => s.First.Name, s => (s.Second is null || s.Second.IsInvalid || all == 0
            ? zeros_like(s.First.Parameter) : s.Second.mul(s.First.Parameter).Over(all)).detach().DetachFromDisposeScope()));
    }

    /// <summary>
    /// Prunes in rounds without training between them, with scores taken anew of what is left, as SynFlow does it 100 times
    /// (<c>EarlySaliency.InRounds(model, Schedule.Iterative(0.99, 100), m => EarlySaliency.SynFlow(m, 1, 28, 28))</c>); the model stays as it is.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="levels">The sparsities to reach one after the other, e.g. <see cref="Schedule.Iterative"/>.</param>
    /// <param name="score">Scores of a model whose pruned weights are 0.</param>
    /// <param name="scope">Among which weights the ranking runs; global where left out.</param>
    /// <exception cref="WorkbookException">There is no level, or as <see cref="Pruner.Prune"/>.</exception>
    public static Mask InRounds<TModel>(TModel model, IReadOnlyList<double> levels, Func<TModel, Saliency> score, Scope? scope = null)
        where TModel : nn.Module
    {
        ArgumentNullException.ThrowIfNull(levels);
        ArgumentNullException.ThrowIfNull(score);
        using Restored _ = new(model);
        Mask? mask = null;
        foreach (double level in levels)
        {
            using DisposeScope round = NewDisposeScope();
            mask = new Pruner(score(model)) { Scope = scope ?? Scope.Global() }.Prune(model, level, mask);
            mask.Apply(model);
            foreach (Tensor kept in mask.Values)
            {
                kept.DetachFromDisposeScope();
            }
        }

        return mask ?? throw new WorkbookException("pruning in rounds has at least 1 round: give Schedule.Iterative(sparsity, rounds)");
    }

    /// <summary>
    /// Another draw's scores, as SNIP's published code takes them: the weights are drawn anew, scored, and put back.
    /// </summary>
    /// <param name="model">The model; it stays as it is.</param>
    /// <param name="initializer">How they are drawn.</param>
    /// <param name="seed">Of the draw.</param>
    /// <param name="score">The criterion, e.g. <c>m => EarlySaliency.Snip(m, batch)</c>.</param>
    public static Saliency OfAnotherDraw<TModel>(TModel model, Initializer initializer, int seed, Func<TModel, Saliency> score)
        where TModel : nn.Module
    {
        ArgumentNullException.ThrowIfNull(initializer);
        ArgumentNullException.ThrowIfNull(score);
        using Restored _ = new(model);
        return score(initializer.Apply(model, seed));
    }

    private static Saliency Score(nn.Module<Tensor, Tensor> model, LabelledTensors batch, double temperature, string criterion,
        Func<FreeParameters, Tensor, Tensor[]> derivatives, Func<Tensor, Tensor, Tensor> score)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(batch);
        if (!(temperature > 0))
        {
            throw new WorkbookException(FormattableString.Invariant($"logits are divided by a temperature above 0, not {temperature}"));
        }

        if (batch.Count == 0)
        {
            throw new WorkbookException($"there are no examples to take gradients on: {criterion} needs a batch with labels");
        }

        using DisposeScope scope = NewDisposeScope();
        using ModelGuard guard = new(model, training: true);
        using IDisposable withGrad = enable_grad();
        FreeParameters free = new(model, null);
        Tensor logits = model.Answer(batch.Inputs);
        Labels.Check(batch, logits.shape[^1], criterion);
        Tensor[] derived = derivatives(free, nn.functional.cross_entropy(temperature == 1 ? logits : logits.Over(temperature), batch.Labels));
        Dictionary<string, Parameter> parameters = model.named_parameters().ToDictionary(p => p.name, p => p.parameter);
        using IDisposable noGrad = no_grad();
        return Saliency.Given(free.Names.Zip(derived).ToDictionary(d => d.First,
            d => score(d.Second.detach(), parameters[d.First].detach()).DetachFromDisposeScope()));
    }
}

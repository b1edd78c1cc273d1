using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>
/// What the linear layers and convolutions of a model are given on a few examples: the second moments of their inputs. They are the Hessian of each layer's
/// squared error in its weights, the same for every output unit (Hassibi and Stork 1993; Dong et al. 2017, L-OBS; Frantar and Alistarh 2022, OBC).
/// </summary>
public sealed class Calibration : IDisposable
{
    private readonly Dictionary<string, Tensor> _moments = new(StringComparer.Ordinal);
    private readonly Dictionary<string, long> _counts = new(StringComparer.Ordinal);

    private Calibration(double damping) => Damping = damping;

    /// <summary>What is added to the diagonal of the moments, as a share of its mean.</summary>
    public double Damping { get; }

    /// <summary>Parameter → mean of x·xᵀ, float64 [groups, inputs, inputs], over examples and the places of a convolution. Not to be changed.</summary>
    public IReadOnlyDictionary<string, Tensor> Moments => _moments;

    /// <summary>
    /// Layers with fewer inputs seen than each output has weights, in words: directions that no example shows cost only the damping there, so that weights may
    /// move along them at will.
    /// </summary>
    public IReadOnlyList<string> Warnings => [.. _moments.Where(m => _counts[m.Key] < m.Value.shape[^1]).Select(m =>
        $"{m.Key} saw {_counts[m.Key]} inputs for {m.Value.shape[^1]} weights of each output: in the directions not seen only the damping counts")];

    /// <summary>Runs the examples through the model, in evaluation mode; it stays as it is. Memory is bounded: the moments, and one batch.</summary>
    /// <param name="model">A model that runs its layers by <c>call</c>: <c>forward</c> passes hooks by.</param>
    /// <param name="inputs">As the model takes them, [count, …]; a few hundred will do.</param>
    /// <param name="damping">As a share of the mean of the moments' diagonal; 1 % in OBC and SparseGPT.</param>
    /// <param name="batchSize">Examples at a time: bounds the memory, does not change the moments.</param>
    /// <param name="mostBytes">What the moments of all layers may take.</param>
    /// <param name="except">Layers that are left out.</param>
    /// <exception cref="WorkbookException">
    /// There are no examples or they hold NaN, the damping is below 0, the moments would take too much, a layer was not run by <c>call</c> or pads otherwise
    /// than with zeros.
    /// </exception>
    public static Calibration Of(nn.Module<Tensor, Tensor> model, Tensor inputs, double damping = 0.01, int batchSize = 100, long mostBytes = 4L << 30,
        params IReadOnlyCollection<string> except)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(inputs);
        var layers = Layers.Of(model, except);
        Check(layers, inputs, damping, batchSize, mostBytes);
        Calibration result = new(damping);
        using DisposeScope all = NewDisposeScope();
        using ModelGuard guard = new(model, training: false);
        using IDisposable noGrad = no_grad();
        List<Action> unhook = [];
        try
        {
            foreach ((string name, nn.Module<Tensor, Tensor> module, _) in layers)
            {
                unhook.Add(module.register_forward_hook((_, input, output) =>
                {
                    result.Add(name, module, input);
                    return output;
                }).remove);
            }

            for (long start = 0; start < inputs.shape[0]; start += batchSize)
            {
                using DisposeScope scope = NewDisposeScope();
                model.Answer(inputs.narrow(0, start, Math.Min(batchSize, inputs.shape[0] - start)));
            }
        }
        finally
        {
            unhook.ForEach(remove => remove());
        }

        foreach ((string name, Tensor sum) in result._moments)
        {
            using Scalar count = result._counts[name];
            sum.div_(count);
        }

        return layers.FirstOrDefault(l => !result._moments.ContainsKey(l.Weight)).Weight is not { } unseen ? result
            : throw new WorkbookException($"what the layer of '{unseen}' is given was not seen: forward passes hooks by; have the model run its layers by "
                + "call, as in conv1.call(x), or leave the layer out");
    }

    /// <summary>
    /// Wanda (Sun et al. 2024, eq. 1): |w|·‖x‖₂, the size of a weight times that of its input, ranked within each output unit; nothing else moves.
    /// </summary>
    public Saliency Wanda => Score("Wanda", (moments, weight) => weight.abs().mul(moments.diagonal(0, -2, -1).unsqueeze(1).sqrt())).WithinRows();

    /// <summary>
    /// L-OBS (Dong et al. 2017, eq. 7): ½·w²/[H⁻¹]_qq, what the layer's squared error grows by where this weight alone goes and the others of its unit make up
    /// for it.
    /// </summary>
    public Saliency LayerObs => Score("L-OBS", (_, weight, inverse) =>
        weight.Squared().div(inverse.diagonal(0, -2, -1).unsqueeze(1)).Times(0.5));

    /// <summary>
    /// OBC (Frantar and Alistarh 2022, ExactOBS): each unit's weights go one by one, each time the one that costs least, and the others make up for it; a
    /// weight is worth what the unit's dearest has cost until then. Takes rows · inputs³ operations: for small layers.
    /// </summary>
    public Saliency Obc => Score("OBC", (name, weight, _) =>
    {
        Tensor hessian = Hessian(name), scores = zeros_like(weight);
        for (long g = 0; g < weight.shape[0]; g++)
        {
            for (long row = 0; row < weight.shape[1]; row++)
            {
                using DisposeScope scope = NewDisposeScope();
                Elimination gone = Obs.Eliminate(weight[g, row], hessian[g], weight.shape[2]);
                double most = 0;
                float[] order = new float[gone.Order.Count];
                foreach ((int k, long q) in gone.Order.Index())
                {
                    order[q] = (float)(most = Math.Max(most, gone.Costs[k]));
                }

                scores[g, row].copy_(from_array(order));
            }
        }

        return scores;
    });

    /// <summary>Frees the moments.</summary>
    public void Dispose()
    {
        foreach (Tensor moments in _moments.Values)
        {
            moments.Dispose();
        }
    }

    /// <summary>The damped moments of a layer, [groups, inputs, inputs].</summary>
    internal Tensor Hessian(string name)
    {
        Tensor moments = _moments[name];
        double mean = moments.diagonal(0, -2, -1).mean().item<double>();
        return moments.Damped(Damping * (mean > 0 ? mean : 1));
    }

    internal string Singular(string name) =>
        $"the inputs of '{name}' are singular: {_counts[name]} were seen for {_moments[name].shape[^1]} weights of each output, and some never vary; "
        + $"calibrate on more examples, or with a damping above {Damping}";

    /// <summary>A layer's weights as [groups, outputs, inputs], float64.</summary>
    internal Tensor Matrix(string name, Tensor weight)
    {
        Tensor moments = _moments.TryGetValue(name, out Tensor? known) ? known
            : throw new WorkbookException($"the calibration knows nothing of '{name}': it saw {string.Join(", ", _moments.Keys)}");
        return weight.numel() % (moments.shape[0] * moments.shape[1]) == 0
            && weight.shape[0] % moments.shape[0] == 0 && weight[0].numel() == moments.shape[1]
            ? weight.detach().to(ScalarType.Float64).reshape(moments.shape[0], -1, moments.shape[1])
            : throw new WorkbookException($"'{name}' has shape [{string.Join(", ", weight.shape)}], the calibration saw {moments.shape[1]} inputs: "
                + "calibrate anew");
    }

    private static void Check(IReadOnlyList<(string Weight, nn.Module<Tensor, Tensor> Module, Parameter Parameter)> layers, Tensor inputs, double damping,
        int batchSize, long mostBytes)
    {
        if (inputs.shape[0] == 0 || batchSize < 1)
        {
            throw new WorkbookException("there are no examples to calibrate on: give one or more, and batches of one or more");
        }

        if (!(damping >= 0 && double.IsFinite(damping)))
        {
            throw new WorkbookException(FormattableString.Invariant($"a damping is a share from 0 on, not {damping}"));
        }

        if (!inputs.isfinite().all().item<bool>())
        {
            throw new WorkbookException("the examples to calibrate on hold NaN or infinity: mend the data, or leave them out");
        }

        double bytes = layers.Sum(l => 8.0 * Layers.GroupsOf(l.Module) * l.Parameter[0].numel() * l.Parameter[0].numel());
        if (bytes > mostBytes)
        {
            string largest = layers.MaxBy(l => l.Parameter[0].numel()).Weight;
            throw new WorkbookException(FormattableString.Invariant(
                $"the moments of all layers take {bytes / (1 << 30):F1} GB, most of them for '{largest}': leave layers out, or allow more with mostBytes"));
        }

        foreach ((string name, _, Parameter weight) in layers)
        {
            if (!weight.isfinite().all().item<bool>())
            {
                throw new WorkbookException($"'{name}' holds NaN or infinity: start from another model");
            }
        }
    }

    private void Add(string name, nn.Module<Tensor, Tensor> module, Tensor input)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor rows = Layers.Rows(module, input.detach()).to(ScalarType.Float64);
        Tensor product = rows.transpose(1, 2).matmul(rows);
        _counts[name] = _counts.GetValueOrDefault(name) + rows.shape[1];
        if (_moments.TryGetValue(name, out Tensor? sum))
        {
            sum.add_(product, HeldNumbers.One);
        }
        else
        {
            _moments[name] = product.DetachFromDisposeScope();
        }
    }

    private LayerSaliency Score(string criterion, Func<Tensor, Tensor, Tensor> score) => new(this, criterion, (name, weight) => score(_moments[name], weight));

    private LayerSaliency Score(string criterion, Func<string, Tensor, Tensor, Tensor> score) => new(this, criterion, (name, weight) =>
        score(name, weight, Positive.Inverse(Hessian(name), () => Singular(name))));

    private sealed class LayerSaliency(Calibration calibration, string criterion, Func<string, Tensor, Tensor> score) : Saliency
    {
        private readonly Lazy<string> _hash = new(() => ContentHash.Of(calibration._moments));

        public override Tensor Score(string name, Parameter weight)
        {
            using DisposeScope scope = NewDisposeScope();
            using IDisposable noGrad = no_grad();
            return score(name, calibration.Matrix(name, weight)).reshape(weight.shape).MoveToOuterDisposeScope();
        }

        public override string ToString() => $"{criterion} of {_hash.Value}, damping {calibration.Damping}";
    }
}

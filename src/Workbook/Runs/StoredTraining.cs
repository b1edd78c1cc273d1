using TorchSharp;
using Workbook.DynamicSparsity;
using Workbook.GradientFlow;
using Workbook.Pruning;
using Workbook.Training;
using static TorchSharp.torch;
using SparseLayers = Workbook.Sparse.Sparse;

namespace Workbook.Runs;

/// <summary>What a stored training notes, and what it is called.</summary>
public sealed record RunDetails
{
    /// <summary>Where the first weights come from, in words.</summary>
    public string Initialization { get; init; } = "as given";

    /// <summary>Where the mask comes from, in words.</summary>
    public string MaskSource { get; init; } = "as given";

    /// <summary>Steps between two notes, the first before the first step, the last after the last step; by default a hundredth of the training.</summary>
    public int? Every { get; init; }

    /// <summary>Name → a set that is scored at every note, which gives the metrics <c>NAME loss</c> and <c>NAME accuracy</c>.</summary>
    public IReadOnlyDictionary<string, LabelledTensors> Evaluate { get; init; } = new Dictionary<string, LabelledTensors>();

    /// <summary>
    /// Examples on which the gradient is measured at every note, which gives the metrics <c>gradient norm</c> and, for
    /// each layer, <c>gradient norm of LAYER</c>; and at every change of the mask, which gives <c>gradient norm before change</c>
    /// and <c>gradient norm after change</c>. Null: not measured.
    /// </summary>
    public LabelledTensors? GradientNormOn { get; init; }

    /// <summary>Steps after which the weights are kept, 0 being before the first.</summary>
    public IReadOnlyCollection<long> Checkpoints { get; init; } = [];

    /// <summary>
    /// Layers as sparse as this, 0 to 1, are trained as <see cref="Sparse.SparseLinear"/>: faster, and the same but for
    /// rounding. The mask has to stay the same; checkpoints after the first step can't be had then. Null: all stay dense.
    /// </summary>
    public double? SparseFrom { get; init; }

    /// <summary>Whatever else the result depends on and the record can't see, e.g. the rate of a dropout layer.</summary>
    public IReadOnlyDictionary<string, string> More { get; init; } = new Dictionary<string, string>();
}

/// <summary>Trainings that are done once.</summary>
public static class StoredTraining
{
    private const int Fingerprinted = 4;

    /// <summary>
    /// As <see cref="Trainer.Train"/>, but done only if the store does not have it: afterwards the model holds the
    /// trained weights either way. The metrics are <c>training loss</c> (the mini-batch's) and those of <see cref="RunDetails.Evaluate"/>.
    /// </summary>
    /// <param name="store">Where the run is kept.</param>
    /// <param name="model">Inputs → logits [batch, classes]; the training starts from its weights.</param>
    /// <param name="data">The training set.</param>
    /// <param name="recipe">Optimizer, epochs, rates.</param>
    /// <param name="seed">Determines the order of the examples.</param>
    /// <param name="mask">What is left of the model: a mask, or a schedule that changes it; null for all of it.</param>
    /// <param name="details">What to note.</param>
    /// <exception cref="WorkbookException">As <see cref="Trainer.Train"/>, or the store can't be written.</exception>
    public static Run Train(this RunStore store, nn.Module<Tensor, Tensor> model, LabelledTensors data, Recipe recipe, int seed, MaskSchedule? mask = null, RunDetails? details = null)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(model);
        details ??= new();
        Check(details, recipe, data);
        bool trained = false;
        Run run = store.Get(Describe(model, data, recipe, seed, mask, details), () =>
        {
            trained = true;
            return Note(model, data, recipe, seed, mask, details);
        });
        if (!trained)
        {
            run.LoadInto(model);
            model.eval();
        }

        return run;
    }

    /// <summary>The record of such a training.</summary>
    /// <inheritdoc cref="Train" path="/param"/>
    public static RunRecord Describe(nn.Module<Tensor, Tensor> model, LabelledTensors data, Recipe recipe, int seed, MaskSchedule? mask = null, RunDetails? details = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(data);
        details ??= new();
        SortedDictionary<string, string> more = new(details.More.ToDictionary(), StringComparer.Ordinal);
        if (details.Every is { } every)
        {
            more.Add("noted every", $"{every} steps");
        }

        foreach ((string name, LabelledTensors set) in details.Evaluate)
        {
            more.Add($"evaluated on {name}", set.Hash);
        }

        if (details.GradientNormOn is { } examples)
        {
            more.Add("gradient norm on", examples.Hash);
        }

        if (mask?.Describe(model) is { } schedule)
        {
            more.Add("mask schedule", schedule);
        }

        if (details.Checkpoints.Count > 0)
        {
            more.Add("checkpoints", string.Join(", ", details.Checkpoints.Order()));
        }

        string[] frozen = [.. model.named_parameters().Where(p => !p.parameter.requires_grad).Select(p => p.name)];
        if (frozen.Length > 0)
        {
            more.Add("not trained", string.Join(", ", frozen));
        }

        if (details.SparseFrom is { } sparsity)
        {
            more.Add("sparse layers", FormattableString.Invariant($"from {sparsity} on"));
        }

        return new RunRecord
        {
            Model = NameOf(model),
            Initialization = details.Initialization,
            StartHash = StartOf(model, data),
            Data = data.ToString(),
            DataHash = data.Hash,
            Mask = mask is null ? "none" : details.MaskSource,
            MaskHash = mask is null ? null : ContentHash.Of(mask.Start(model)),
            Recipe = recipe,
            Seed = seed,
            More = more,
        };
    }

    private static void Check(RunDetails details, Recipe recipe, LabelledTensors data)
    {
        if (details.Every < 1)
        {
            throw new WorkbookException($"a training is noted every 1 or more steps, not every {details.Every}");
        }

        long steps = recipe.StepsOver(data.Count);
        if (details.Checkpoints.Any(step => step < recipe.FirstStep || step > steps))
        {
            throw new WorkbookException($"a training from step {recipe.FirstStep} to {steps} keeps no weights of step {details.Checkpoints.First(step => step < recipe.FirstStep || step > steps)}");
        }
    }

    private static RunResult Note(nn.Module<Tensor, Tensor> model, LabelledTensors data, Recipe recipe, int seed, MaskSchedule? mask, RunDetails details)
    {
        long steps = recipe.StepsOver(data.Count);
        long every = details.Every ?? Math.Max(1, steps / 100);
        Dictionary<string, (List<long> Steps, List<double> Values)> metrics = [];
        Dictionary<long, IReadOnlyDictionary<string, Tensor>> checkpoints = [];
        Mask? left = mask?.Start(model);
        left?.Apply(model);
        Mask? measured = left;
        At(recipe.FirstStep, null);
        MaskSchedule? dense = mask;
        if (left is not null && details.SparseFrom is { } sparsity)
        {
            if (!mask!.IsFixed)
            {
                throw new WorkbookException("sparse layers are trained with a mask that stays, not with a schedule that changes it: leave SparseFrom out");
            }

            Mask remaining = SparseLayers.Convert(model, left, recipe.BatchSize, fromSparsity: sparsity).Remaining;
            dense = measured = remaining;
            if (remaining.Count < left.Count && details.Checkpoints.Any(step => step != recipe.FirstStep))
            {
                SparseLayers.ToDense(model);
                throw new WorkbookException($"a training with sparse layers keeps the weights of its first and last step only, not of {string.Join(", ", details.Checkpoints)}: leave SparseFrom out");
            }
        }

        try
        {
            Trainer.Train(model, data, recipe, seed, dense, (step, loss) => At(step, loss), Changed);
        }
        finally
        {
            SparseLayers.ToDense(model);
        }

        return new RunResult
        {
            Metrics = metrics.ToDictionary(m => m.Key, m => new Curve(m.Value.Steps, m.Value.Values)),
            Weights = model.state_dict(),
            Mask = left,
            Checkpoints = checkpoints,
        };

        void At(long step, double? loss)
        {
            if (details.Checkpoints.Contains(step))
            {
                checkpoints[step] = model.state_dict().ToDictionary(s => s.Key, s => s.Value.detach().clone().DetachFromDisposeScope());
            }

            if (step % every != 0 && step != steps && loss is not null)
            {
                return;
            }

            if (loss is { } value)
            {
                Add(step, "training loss", value);
            }

            foreach ((string name, LabelledTensors set) in details.Evaluate)
            {
                Score score = Trainer.Evaluate(model, set);
                Add(step, $"{name} loss", score.Loss);
                Add(step, $"{name} accuracy", score.Accuracy);
            }

            if (details.GradientNormOn is { } examples)
            {
                GradientNorm norm = GradientNorm.Of(model, examples, measured);
                Add(step, "gradient norm", norm.All);
                foreach ((string layer, double ofLayer) in norm.Layers)
                {
                    Add(step, $"gradient norm of {layer}", ofLayer);
                }
            }
        }

        void Changed(MaskChange change)
        {
            left = measured = change.IsDone ? change.After : change.Before;
            if (details.GradientNormOn is { } examples)
            {
                Add(change.Step, $"gradient norm {(change.IsDone ? "after" : "before")} change", GradientNorm.Of(model, examples, left).All);
            }
        }

        void Add(long step, string name, double value)
        {
            (List<long> at, List<double> values) = metrics.TryGetValue(name, out var known) ? known : metrics[name] = ([], []);
            at.Add(step);
            values.Add(value);
        }
    }

    /// <summary>The types of all modules and the shapes of all parameters, shortly.</summary>
    private static string NameOf(nn.Module model)
    {
        string[] layers = [.. model.named_modules().Select(m => m.module).Where(m => m != model).Select(m => m.GetType().Name)];
        return $"{model.GetName()} ({string.Join(", ", layers)}; {model.parameters().Sum(p => p.numel())} parameters)";
    }

    /// <summary>
    /// The weights alone do not tell a tanh from a ReLU, or the forward that a notebook's author has just changed: the
    /// answers to a few examples do. Rounded, since other numbers of threads add up in another order.
    /// </summary>
    private static string StartOf(nn.Module<Tensor, Tensor> model, LabelledTensors data)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        bool training = model.training;
        model.eval();
        Tensor answers = model.forward(data.Inputs.narrow(0, 0, Math.Min(Fingerprinted, data.Count)));
        model.train(training);
        Tensor scale = answers.abs().max().clamp_min(1e-30);
        return ContentHash.Of(model.state_dict().Append(KeyValuePair.Create("answers", answers.div(scale).mul(100).round())));
    }
}

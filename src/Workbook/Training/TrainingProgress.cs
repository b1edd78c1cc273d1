using static TorchSharp.torch;

namespace Workbook;

/// <summary>A training under way, as its parts see it.</summary>
public sealed class TrainingProgress
{
    private readonly Dictionary<string, (List<long> Steps, List<double> Values)> _metrics = new(StringComparer.Ordinal);
    private readonly Dictionary<long, IReadOnlyDictionary<string, Tensor>> _checkpoints = [];
    private Tensor? _loss;
    private double? _lossValue;

    internal TrainingProgress(nn.Module<Tensor, Tensor> model, Recipe recipe, MaskSchedule? schedule, IReadOnlyList<TrainingPart> parts, long steps)
    {
        (Model, Recipe, Schedule, Parts, Steps, Step) = (model, recipe, schedule, parts, steps, recipe.FirstStep);
        Mask = Held = schedule?.Start(model);
    }

    /// <summary>The network, in training mode.</summary>
    public nn.Module<Tensor, Tensor> Model { get; }

    /// <summary>How it is trained.</summary>
    public Recipe Recipe { get; }

    /// <summary>What changes the mask, or the <see cref="Workbook.Mask"/> that stays; null where nothing is pruned.</summary>
    public MaskSchedule? Schedule { get; }

    /// <summary>All parts of the training.</summary>
    public IReadOnlyList<TrainingPart> Parts { get; }

    /// <summary>What is left of the network as it was given; null for all of it.</summary>
    public Mask? Mask { get; internal set; }

    /// <summary>What is left of the network as it is now; a part that exchanges layers sets it to the mask of the others.</summary>
    public Mask? Held { get; set; }

    /// <summary>Steps done, those before <see cref="Recipe.FirstStep"/> included.</summary>
    public long Step { get; private set; }

    /// <summary>The examples that it learns from.</summary>
    internal LabelledTensors? Data { get; init; }

    /// <summary>(inputs, labels) → the loss, with the gradients set, faster than by autograd; null where it can't.</summary>
    internal Func<Tensor, Tensor, Tensor?>? Backward { get; set; }

    /// <summary>Steps in all.</summary>
    public long Steps { get; }

    /// <summary>Mean cross-entropy of the last step's batch, in nats; not a number before the first step.</summary>
    public double Loss => _lossValue ??= _loss?.Value() ?? double.NaN;

    /// <summary>Notes a number at this step.</summary>
    /// <param name="name">The curve it belongs to.</param>
    /// <param name="value">The number.</param>
    public void Note(string name, double value)
    {
        (List<long> at, List<double> values) = _metrics.TryGetValue(name, out var known) ? known : _metrics[name] = ([], []);
        at.Add(Step);
        values.Add(value);
    }

    /// <summary>Keeps the weights and buffers of this step.</summary>
    public void Keep() => _checkpoints[Step] = CopyOf(Model);

    /// <summary>A copy of all weights and buffers, which the caller disposes.</summary>
    internal static IReadOnlyDictionary<string, Tensor> CopyOf(nn.Module model)
    {
        using IDisposable noGrad = no_grad();
        return model.state_dict().ToDictionary(s => s.Key, s => s.Value.detach().clone().DetachFromDisposeScope());
    }

    internal void ForAll(Action<TrainingPart> what) => Array.ForEach([.. Parts], what);

    internal void Done(Tensor loss) => (Step, _loss, _lossValue) = (Step + 1, loss, null);

    internal TrainingLog ToLog() => new TrainedInMemory(_metrics.ToDictionary(m => m.Key, m => new Curve(m.Value.Steps, m.Value.Values)), _checkpoints, Mask);
}

using System.Reflection;
using System.Text.Json.Serialization;
using TorchSharp;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>
/// Four steps of a training, for its <see cref="Behaviour"/>. What is too faint to be seen in so few steps is made stronger: the weight decay is a
/// tenth where there is any, the mask's first and last changes come after the first and second step, and the epoch ends within them. The learning
/// rate is low: a high one doubles each step what processors differ by, and 1e-7 may become a thousandth.
/// </summary>
internal sealed class SmallTraining(
    nn.Module<Tensor, Tensor> model, LabelledTensors data, Recipe recipe, int seed, MaskSchedule? mask, IReadOnlyList<TrainingPart> parts)
{
    private const int Steps = 4, MostExamples = 8;

    /// <summary>Where the look ahead ends, for recipes whose steps have no end.</summary>
    internal const long MostSteps = 10_000_000;

    private const double Decay = 0.1, GentleRate = 1e-3, Rounding = 1e-5;

    /// <summary>torch has one default generator for all threads; two that reset it at once would each see the other's numbers.</summary>
    private static readonly Lock s_generator = new();

    internal SortedDictionary<string, IReadOnlyList<double>> Run()
    {
        lock (s_generator)
        {
            using DisposeScope scope = NewDisposeScope();
            using ModelGuard guard = new(model, training: false);
            Dictionary<string, Tensor> start = Copy();
            Tensor random = get_rng_state();
            (Generator Generator, Tensor State)[] own = [.. GeneratorsOf(model).Select(g => (g, g.get_state()))];
            LayerSlot[] layers = [.. LayerSlot.OfDense(model)];
            int whole = (int)Math.Clamp(Math.Min(recipe.BatchSize, data.Count), 1, int.MaxValue), few = Math.Min(whole, MostExamples);
            try
            {
                // The kernels of sparse layers are the library's own, and others for small batches.
                return Try(start, parts.OfType<SparseTraining>().Any() || model.modules().OfType<ICompressedLayer>().Any() ? whole : few);
            }
            catch (Exception e) when (e is not WorkbookException && few < whole)
            {
                PutBack(); // a forward that takes batches of one size only
                return Try(start, whole);
            }
            finally
            {
                PutBack();
            }

            void PutBack()
            {
                foreach (LayerSlot slot in LayerSlot.OfDense(model).Where(now => !layers.Any(l => ReferenceEquals(l.Layer, now.Layer))).ToArray())
                {
                    slot.Put((nn.Module<Tensor, Tensor>)layers.First(l => l.Name == slot.Name).Layer);
                }

                Load(start);
                set_rng_state(random);
                foreach ((Generator generator, Tensor state) in own)
                {
                    generator.set_state(state);
                }
            }
        }
    }

    /// <summary>The steps, from the first of the training on, after which a schedule changes the mask.</summary>
    internal static long[] ChangesOf(MaskSchedule schedule, long first, long steps)
    {
        List<long> changes = [];
        for (long step = Math.Max(first, 0); step < Math.Min(steps, MostSteps); step++)
        {
            if (schedule.ChangesAfter(step))
            {
                changes.Add(step);
            }
        }

        return [.. changes];
    }

    private SortedDictionary<string, IReadOnlyList<double>> Try(Dictionary<string, Tensor> start, int batch)
    {
        manual_seed(seed);
        SortedDictionary<string, IReadOnlyList<double>> numbers = new(StringComparer.Ordinal) { ["answers"] = Answers(batch) };

        // Three batches an epoch, where there are so many examples, for a new order; the last is smaller where the training has one that is.
        bool uneven = data.Count % Math.Max(1, recipe.BatchSize) != 0 && batch >= 4;
        LabelledTensors few = data.Slice(0, data.Count < 3 * batch ? data.Count - (data.Count % batch) : (2 * batch) + (uneven ? batch / 2 : batch));
        Recipe small = recipe with
        {
            BatchSize = batch,
            Epochs = Steps / Math.Ceiling((double)few.Count / batch),
            FirstStep = recipe.FirstStep > 0 ? 1 : 0,
            WeightDecay = recipe.WeightDecay > 0 ? Decay : recipe.WeightDecay,
            LearningRate = Math.Min(recipe.LearningRate, GentleRate),
        };
        TrainingPart[] tried =
        [
            .. parts.Select(p => p.Small(batch)).OfType<TrainingPart>(),
            .. parts.OfType<LossProbe>().Any() ? [] : (TrainingPart[])[Probe.Loss(every: 1)],
            .. parts.OfType<CheckpointProbe>().Any() ? (TrainingPart[])[Probe.Checkpoints(small.FirstStep)] : [],
        ];
        MaskSchedule? squeezed = mask is null or Mask ? mask : new Squeezed(mask, recipe.FirstStep, recipe.StepsOver(data.Count));
        Mask? first = squeezed?.Start(model);
        TrainedInMemory log;
        try
        {
            log = (TrainedInMemory)Trainer.Train(model, few, small, seed, squeezed, tried);
        }
        catch (WorkbookException e) when (e.Message.Contains("diverged", StringComparison.Ordinal))
        {
            numbers["diverged"] = [1]; // the training itself will say so, in its own words
            return numbers;
        }

        foreach ((string name, Curve curve) in log.Metrics)
        {
            numbers[name] = curve.Values;
        }

        Mask? left = log.LoadMask();
        if (left is not null)
        {
            Dictionary<string, Tensor> end = model.state_dict();
            numbers["mask"] = Means(left.Values);
            numbers["pruned"] = Means(left.Select(m => end[m.Key].detach().abs() * m.Value.logical_not()));
        }

        HashSet<string> idle = Idle();
        IEnumerable<KeyValuePair<string, Tensor>> busy = model.named_parameters().Where(p => !idle.Contains(p.name))
            .Select(p => KeyValuePair.Create(p.name, (Tensor)p.parameter));
        numbers["updates"] = Moved(idle.Count == 0 ? model.state_dict() : busy, start, first, left);
        foreach ((long step, IReadOnlyDictionary<string, Tensor> weights) in log.Weights)
        {
            numbers[FormattableString.Invariant($"kept after {step}")] = Moved(weights, start, first, first);
        }

        return numbers;
    }

    private double[] Answers(int batch)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        Tensor answers = model.Answer(data.Inputs.narrow(0, 0, Math.Min(batch, data.Count)));
        return [.. answers.to(ScalarType.Float64).flatten()[..(int)Math.Min(answers.numel(), 64)].data<double>()];
    }

    /// <summary>
    /// Parameters on which nothing depends, e.g. a bias before a batch norm: their gradients are rounding, another on each
    /// processor, and Adam moves by it as far as by any other. Statistics, which are buffers, follow them.
    /// </summary>
    private HashSet<string> Idle()
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        (string Name, double Size)[] gradients = [.. model.named_parameters().Where(p => p.parameter.grad is { } g && g.numel() > 0)
            .Select(p => (p.name, p.parameter.grad!.abs().mean().to(ScalarType.Float64).item<double>()))];
        double largest = gradients.Select(g => g.Size).DefaultIfEmpty(0).Max();
        return [.. gradients.Where(g => g.Size < Rounding * largest).Select(g => g.Name)];
    }

    /// <summary>By how much what is left of each parameter and buffer has moved: what was pruned has moved by far more, to 0.</summary>
    private static double[] Moved(IEnumerable<KeyValuePair<string, Tensor>> now, Dictionary<string, Tensor> start, Mask? first, Mask? left)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        return Means(now.OrderBy(s => s.Key, StringComparer.Ordinal)
            .Select(s => Left(s.Value.to(ScalarType.Float64).sub(Left(start[s.Key].to(ScalarType.Float64), s.Key, first)), s.Key, left).abs()));
    }

    private static Tensor Left(Tensor tensor, string name, Mask? mask) => mask is not null && mask.TryGetValue(name, out Tensor? kept) ? tensor * kept : tensor;

    /// <summary>The mean of each tensor, and those over every second, third and seventh number: where matters, too.</summary>
    private static double[] Means(IEnumerable<Tensor> tensors)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor[] means = [.. tensors.Where(t => t.numel() > 0).Select(t => t.to(ScalarType.Float64).flatten())
            .SelectMany(t => new long[] { 1, 2, 3, 7 }.Select(each => t[TensorIndex.Slice(0, null, each)].mean()))];
        return means.Length == 0 ? [] : [.. stack(means).data<double>()];
    }

    private Dictionary<string, Tensor> Copy()
    {
        using IDisposable noGrad = no_grad();
        return model.state_dict().ToDictionary(s => s.Key, s => s.Value.detach().clone());
    }

    private void Load(Dictionary<string, Tensor> weights)
    {
        using IDisposable noGrad = no_grad();
        foreach ((string name, Tensor tensor) in model.state_dict())
        {
            tensor.copy_(weights[name]);
        }
    }

    /// <summary>Generators that modules have as fields, e.g. for a dropout of their own: no state_dict holds them.</summary>
    private static IEnumerable<Generator> GeneratorsOf(nn.Module model) =>
        model.named_modules().Select(m => m.module).Prepend(model).Distinct()
            .SelectMany(module => FieldsOf(module.GetType()).Select(f => f.GetValue(module)).OfType<Generator>()).Distinct();

    private static IEnumerable<FieldInfo> FieldsOf(Type? type) => type is null || type == typeof(nn.Module) ? []
        : type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly)
            .Where(f => f.FieldType.IsAssignableTo(typeof(Generator))).Concat(FieldsOf(type.BaseType));

    /// <summary>A schedule's first and last change, after the first and the second step.</summary>
    private sealed record Squeezed(MaskSchedule Schedule, long First, long AllSteps) : MaskSchedule
    {
        [JsonIgnore]
        private long[] Changes { get; } = ChangesOf(Schedule, First, AllSteps) is var all && all is [var first, .., var last] ? [first, last] : all;

        public override Mask Start(nn.Module model) => Schedule.Start(model);

        public override bool ChangesAfter(long step) => step >= 1 && step <= Changes.Length;

        public override Mask Next(nn.Module model, Mask mask, TrainingMoment moment) =>
            Schedule.Next(model, mask, new(Changes[moment.Step - 1], AllSteps, moment.Rate));

        public override string? Describe(nn.Module model) => Schedule.Describe(model);

        public override void Check(long steps) => Schedule.Check(AllSteps);
    }
}

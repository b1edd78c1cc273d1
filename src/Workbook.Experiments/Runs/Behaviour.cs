using System.Reflection;
using System.Text.Json.Serialization;
using TorchSharp;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>
/// What library and model really compute, as numbers: a training of four steps on a few examples, with the recipe's
/// optimizer and rates, the mask, its changes, and all parts. A stored run is given back only where these come out as when
/// it was trained, whatever has been edited meanwhile: the library's trainer, or a notebook's own module, saliency,
/// schedule or probe. Whatever changes none of them, a chart or a comment, throws no run away.
/// <para>
/// Numbers rather than a hash of code, since a hash changes with every comment; and compared to a thousandth rather than
/// hashed, since another processor adds up in another order (some 1e-6 here), while an edit that matters moves a loss or an
/// update by far more. What no four steps can show, e.g. a rate that only changes in the tenth epoch of a hand-written
/// schedule, has to stand in the part's or schedule's <c>Describe</c>.
/// </para>
/// </summary>
/// <param name="Numbers">What was computed → its numbers.</param>
public sealed record Behaviour(IReadOnlyDictionary<string, IReadOnlyList<double>> Numbers)
{
    private const int Steps = 4, MostExamples = 8, AnswersOf = 4;
    private const double Tolerance = 1e-3, Floor = 1e-5;

    /// <summary>
    /// Tries a training; the model is as it was afterwards, to the bit, and so are torch's default generator and those that the model's
    /// modules hold in fields.
    /// </summary>
    /// <exception cref="WorkbookException">The mask or a part does not fit.</exception>
    internal static Behaviour Of(nn.Module<Tensor, Tensor> model, LabelledTensors data, Recipe recipe, int seed, MaskSchedule? mask, IReadOnlyList<TrainingPart> parts)
    {
        using DisposeScope scope = NewDisposeScope();
        using ModelGuard guard = new(model, training: false);
        Dictionary<string, Tensor> start = Copy(model);
        using Tensor random = get_rng_state();
        (Generator Generator, Tensor State)[] generators = [.. GeneratorsOf(model).Select(g => (g, g.get_state()))];
        try
        {
            manual_seed(seed);
            SortedDictionary<string, IReadOnlyList<double>> numbers = new(StringComparer.Ordinal) { ["answers"] = Answers(model, data) };
            int batch = (int)Math.Clamp(Math.Min(recipe.BatchSize, data.Count), 1, MostExamples);
            LabelledTensors few = data.Slice(0, Math.Min(batch * Steps, data.Count - (data.Count % batch)));
            Recipe small = recipe with { BatchSize = batch, Epochs = (double)Steps * batch / few.Count, FirstStep = recipe.FirstStep > 0 ? 1 : 0 };
            TrainingPart[] tried = [.. parts.Select(p => p.Small(batch)).OfType<TrainingPart>(), .. parts.OfType<LossProbe>().Any() ? [] : (TrainingPart[])[Probe.Loss(every: 1)]];
            try
            {
                TrainingLog log = Trainer.Train(model, few, small, seed, mask is null or Mask ? mask : new Squeezed(mask, recipe.StepsOver(data.Count)), tried);
                foreach ((string name, Curve curve) in log.Metrics)
                {
                    numbers[name] = curve.Values;
                }

                numbers["updates"] = Updates(model, start);
            }
            catch (WorkbookException e) when (e.Message.Contains("diverged", StringComparison.Ordinal))
            {
                numbers["diverged"] = [1]; // the training itself will say so, or be saner over larger batches
            }

            return new(numbers);
        }
        finally
        {
            set_rng_state(random);
            foreach ((Generator generator, Tensor state) in generators)
            {
                generator.set_state(state);
            }

            using IDisposable noGrad = no_grad();
            foreach ((string name, Tensor tensor) in model.state_dict())
            {
                tensor.copy_(start[name]);
            }
        }
    }

    /// <summary>What of it is no longer so, in words; null where all is.</summary>
    internal string? DifferenceFrom(Behaviour before)
    {
        if (!Numbers.Keys.Order(StringComparer.Ordinal).SequenceEqual(before.Numbers.Keys.Order(StringComparer.Ordinal)))
        {
            return $"notes {string.Join(", ", Numbers.Keys)} instead of {string.Join(", ", before.Numbers.Keys)}";
        }

        return Numbers.Where(n => !AreAlike(n.Value, before.Numbers[n.Key])).Select(n => $"{n.Key} {Shortly(n.Value)} instead of {Shortly(before.Numbers[n.Key])}").FirstOrDefault();
    }

    /// <summary>As equal as different processors make them: to a thousandth, or to a hundred-thousandth of the largest.</summary>
    private static bool AreAlike(IReadOnlyList<double> now, IReadOnlyList<double> before)
    {
        double floor = Floor * now.Concat(before).Where(double.IsFinite).Select(Math.Abs).DefaultIfEmpty(0).Max();
        return now.Count == before.Count && now.Zip(before).All(p =>
            p.First.Equals(p.Second) || Math.Abs(p.First - p.Second) <= Math.Max(floor, Tolerance * Math.Max(Math.Abs(p.First), Math.Abs(p.Second))));
    }

    private static string Shortly(IReadOnlyList<double> values) => string.Join(" · ", values.Take(Steps).Select(v => v.ToString("G4", System.Globalization.CultureInfo.InvariantCulture)));

    private static double[] Answers(nn.Module<Tensor, Tensor> model, LabelledTensors data)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        Tensor answers = model.Answer(data.Inputs.narrow(0, 0, Math.Min(AnswersOf, data.Count)));
        return [.. answers.to(ScalarType.Float64).flatten()[..(int)Math.Min(answers.numel(), 64)].data<double>()];
    }

    /// <summary>What modules draw from, a dropout layer of one's own, say.</summary>
    private static IEnumerable<Generator> GeneratorsOf(nn.Module model) => model.named_modules().Select(m => m.module).Prepend(model).Distinct()
        .SelectMany(m => m.GetType().GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic).Where(f => f.FieldType == typeof(Generator)).Select(f => f.GetValue(m)))
        .OfType<Generator>().Distinct();

    /// <summary>By how much each parameter has moved, in the mean.</summary>
    private static double[] Updates(nn.Module model, Dictionary<string, Tensor> start)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        return [.. model.state_dict().Where(s => s.Value.numel() > 0).Select(s => s.Value.to(ScalarType.Float64).sub(start[s.Key].to(ScalarType.Float64)).abs().mean().item<double>())];
    }

    private static Dictionary<string, Tensor> Copy(nn.Module model)
    {
        using IDisposable noGrad = no_grad();
        return model.state_dict().ToDictionary(s => s.Key, s => s.Value.detach().clone());
    }

    /// <summary>A schedule's first and last change, after the first and the second step.</summary>
    private sealed record Squeezed(MaskSchedule Schedule, long AllSteps) : MaskSchedule
    {
        [JsonIgnore]
        private long[] Changes { get; } = ChangesOf(Schedule, AllSteps);

        public override Mask Start(nn.Module model) => Schedule.Start(model);

        public override bool ChangesAfter(long step) => step >= 1 && step <= Changes.Length;

        public override Mask Next(nn.Module model, Mask mask, TrainingMoment moment) =>
            Schedule.Next(model, mask, new(Changes[moment.Step - 1], AllSteps, moment.Rate));

        public override string? Describe(nn.Module model) => Schedule.Describe(model);

        public override void Check(long steps) => Schedule.Check(AllSteps);

        private static long[] ChangesOf(MaskSchedule schedule, long steps)
        {
            List<long> all = [];
            for (long step = 1; step < steps; step++)
            {
                if (schedule.ChangesAfter(step))
                {
                    all.Add(step);
                }
            }

            return all.Count < 2 ? [.. all] : [all[0], all[^1]];
        }
    }
}

using System.Globalization;
using System.Security.Cryptography;
using System.Text;
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
/// schedule, or a probe that notes only every hundredth step, has to stand in the part's or schedule's <c>Describe</c>.
/// </para>
/// </summary>
/// <param name="Plan">What is counted rather than computed, and has to be the same to the letter: steps, changes of the mask, when probes note.</param>
/// <param name="Numbers">What was computed → its numbers.</param>
public sealed record Behaviour(string Plan, IReadOnlyDictionary<string, IReadOnlyList<double>> Numbers)
{
    private const double Tolerance = 1e-3, Floor = 1e-5;

    /// <summary>As equal as different processors make them: to a thousandth, or to a hundred-thousandth of the largest.</summary>
    private static bool AreAlike(IReadOnlyList<double> now, IReadOnlyList<double> before)
    {
        double floor = Floor * now.Concat(before).Where(double.IsFinite).Select(Math.Abs).DefaultIfEmpty(0).Max();
        return now.Count == before.Count && now.Zip(before).All(p =>
            p.First.Equals(p.Second) || Math.Abs(p.First - p.Second) <= Math.Max(floor, Tolerance * Math.Max(Math.Abs(p.First), Math.Abs(p.Second))));
    }

    /// <summary>What of it is no longer so, in words; null where all is.</summary>
    internal string? DifferenceFrom(Behaviour before)
    {
        if (Plan != before.Plan)
        {
            return $"{Plan} instead of {before.Plan}";
        }

        if (!Numbers.Keys.Order(StringComparer.Ordinal).SequenceEqual(before.Numbers.Keys.Order(StringComparer.Ordinal)))
        {
            return $"notes {string.Join(", ", Numbers.Keys)} instead of {string.Join(", ", before.Numbers.Keys)}";
        }

        return Numbers.Where(n => !AreAlike(n.Value, before.Numbers[n.Key])).Select(n => Difference(n.Key, n.Value, before.Numbers[n.Key])).FirstOrDefault();
    }

    /// <summary>The first number that differs, e.g. <c>training loss 2.31 instead of 2.35</c>.</summary>
    private static string Difference(string name, IReadOnlyList<double> now, IReadOnlyList<double> before)
    {
        int first = Enumerable.Range(0, Math.Min(now.Count, before.Count)).FirstOrDefault(i => !AreAlike([now[i]], [before[i]]));
        return now.Count != before.Count || first >= now.Count
            ? FormattableString.Invariant($"{name}: {now.Count} numbers instead of {before.Count}")
            : FormattableString.Invariant($"{name} {now[first]:G4} instead of {before[first]:G4}");
    }

    /// <summary>Tries a training; the model is as it was afterwards, to the bit, and so is torch's default generator.</summary>
    /// <exception cref="WorkbookException">The mask or a part does not fit.</exception>
    internal static Behaviour Of(
        nn.Module<Tensor, Tensor> model, LabelledTensors data, Recipe recipe, int seed, MaskSchedule? mask, IReadOnlyList<TrainingPart> parts) =>
        new(PlanOf(model, data, recipe, mask), new SmallTraining(model, data, recipe, seed, mask, parts).Run());

    private static string PlanOf(nn.Module<Tensor, Tensor> model, LabelledTensors data, Recipe recipe, MaskSchedule? mask)
    {
        long steps = recipe.StepsOver(data.Count);
        long[] changes = mask is null or Mask ? [] : SmallTraining.ChangesOf(mask, recipe.FirstStep, steps);
        TrainingProgress walk = new(model, recipe, null, [], steps);
        Clock clock = new();
        while (walk.Step < Math.Min(steps, SmallTraining.MostSteps))
        {
            walk.Done(null!);
            clock.AfterStep(walk);
        }

        string changing = changes.Length == 0 ? "" : $", {changes.Length.ToString(CultureInfo.InvariantCulture)} changes of the mask ({Shortly(changes)})";
        string noting = FormattableString.Invariant($"by default noted {clock.Noted.Count} times ({Shortly(clock.Noted)})");
        return FormattableString.Invariant($"steps {recipe.FirstStep} to {steps}{changing}, {noting}");
    }

    /// <summary>Eight hexadecimal digits that tell one list of steps from another.</summary>
    private static string Shortly(IEnumerable<long> steps) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(string.Join(',', steps.Select(s => s.ToString(CultureInfo.InvariantCulture))))))[..8];

    /// <summary>Notes when a probe notes by default.</summary>
    private sealed record Clock() : PeriodicProbe<int>((long?)null)
    {
        public override string Name => "clock";

        internal List<long> Noted { get; } = [];

        public override string Describe() => "";

        public override int Read(TrainingLog log) => Noted.Count;

        protected override void Note(TrainingProgress training) => Noted.Add(training.Step);
    }
}

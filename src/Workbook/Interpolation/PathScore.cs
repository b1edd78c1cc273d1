using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>What a network scores at a place of a path.</summary>
/// <param name="Alpha">The place: 0 at the path's start, 1 at its end.</param>
/// <param name="Score">Loss and accuracy there.</param>
public readonly record struct PathScore(double Alpha, Score Score);

/// <summary>Loss and error along paths between solutions.</summary>
public static class Paths
{
    /// <summary>Evenly spaced places, ends included.</summary>
    /// <param name="count">How many, at least 2; Evci et al. (2022) take 29 from −0.2 to 1.2, Frankle et al. (2020) 30 from 0 to 1.</param>
    /// <param name="from">The first.</param>
    /// <param name="to">The last.</param>
    /// <exception cref="WorkbookException">Fewer than 2.</exception>
    public static double[] Places(int count, double from = 0, double to = 1) => count < 2
        ? throw new WorkbookException($"a path is scored at 2 or more places, not {count}")
        : [.. Enumerable.Range(0, count).Select(i => Math.Round(from + ((to - from) * i / (count - 1)), 12))]; // 0 is 0, not -2.8e-17

    /// <summary>The straight line between two points: (1 − α)·start + α·end.</summary>
    /// <param name="start">[parameters].</param>
    /// <param name="end">[parameters].</param>
    public static Func<double, Tensor> Line(Tensor start, Tensor end) => alpha => start.Times(1 - alpha).Plus(end.Times(alpha));

    /// <summary>Scores a network along a path.</summary>
    /// <param name="model">The network that is moved; it is back where it was afterwards, also when this fails.</param>
    /// <param name="path">α → point [parameters], e.g. <see cref="Line"/>.</param>
    /// <param name="places">The values of α.</param>
    /// <param name="data">What it is scored on.</param>
    /// <param name="statistics">Batch-norm statistics are recomputed on these examples at every place: those of the ends are wrong in between. Null for a
    /// network without batch norm.</param>
    /// <exception cref="WorkbookException">A point does not fit the network, or it has batch norm and <paramref name="statistics"/> is missing.</exception>
    public static PathScore[] Score(nn.Module<Tensor, Tensor> model, Func<double, Tensor> path, IEnumerable<double> places, LabelledTensors data,
        LabelledTensors? statistics = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(path);
        ArgumentNullException.ThrowIfNull(places);
        NormBase[] norms = [.. model.modules().OfType<NormBase>()];
        if (norms.Length > 0 && statistics is null)
        {
            throw new WorkbookException($"{model.GetName()} has batch norm: give the examples to recompute its statistics on");
        }

        if (norms.Length > 0 && statistics!.Count == 1)
        {
            BatchOfOne.Refuse(model, statistics, "the statistics are taken on one example");
        }

        double[] alphas = [.. places], scores = Kept.Numbers("path", [model, alphas.Select(path), data, statistics], Measure);
        return [.. alphas.Select((alpha, i) => new PathScore(alpha, new Score(scores[2 * i], scores[(2 * i) + 1])))];

        double[] Measure()
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor before = Point.Of(model);
            using ModelGuard guard = new(model, training: true);
            double?[] momenta = [.. norms.Select(n => n.momentum)];
            List<double> found = [];
            try
            {
                foreach (double alpha in alphas)
                {
                    using DisposeScope step = NewDisposeScope();
                    model.MoveTo(path(alpha));
                    if (norms.Length > 0)
                    {
                        Renew(model, norms, statistics!);
                    }

                    Score score = Trainer.Evaluate(model, data);
                    found.AddRange(score.Loss, score.Accuracy);
                }

                return [.. found];
            }
            finally
            {
                model.MoveTo(before);
                foreach ((NormBase norm, double? momentum) in norms.Zip(momenta))
                {
                    norm.momentum = momentum;
                }
            }
        }
    }

    /// <summary>The highest loss between the ends minus the worse end's; 0 where the path never rises above it (Evci et al. 2022).</summary>
    /// <param name="path">Scores at places from 0 to 1, both included; those outside are left out.</param>
    /// <exception cref="WorkbookException">An end was not scored.</exception>
    public static double Barrier(IReadOnlyList<PathScore> path) =>
        Between(path).Max(p => p.Score.Loss) - Math.Max(End(path, 0).Score.Loss, End(path, 1).Score.Loss);

    /// <summary>The highest error between the ends minus the mean of the ends', as a fraction; under 0.02 counts as stable (Frankle et al. 2020, section
    /// 2).</summary>
    /// <param name="path">Scores at places from 0 to 1, both included.</param>
    /// <exception cref="WorkbookException">An end was not scored.</exception>
    public static double Instability(IReadOnlyList<PathScore> path) =>
        ((End(path, 0).Score.Accuracy + End(path, 1).Score.Accuracy) / 2) - Between(path).Min(p => p.Score.Accuracy);

    private static IEnumerable<PathScore> Between(IReadOnlyList<PathScore> path) => path.Where(p => p.Alpha is > -1e-9 and < 1 + 1e-9);

    private static PathScore End(IReadOnlyList<PathScore> path, double alpha) =>
        path.FirstOrDefault(p => Math.Abs(p.Alpha - alpha) < 1e-9, new PathScore(double.NaN, default)) is { Alpha: not double.NaN } end
        ? end : throw new WorkbookException($"the path was not scored at its end {alpha}: choose places with 0 and 1 among them");

    /// <summary>Statistics over all examples at once, the model being in training mode: no momentum, so that nothing of another point is left.</summary>
    private static void Renew(nn.Module<Tensor, Tensor> model, NormBase[] norms, LabelledTensors statistics)
    {
        using IDisposable noGrad = no_grad();
        foreach (NormBase norm in norms)
        {
            norm.reset_running_stats();
            norm.momentum = null; // a plain mean over the batches
        }

        const int Batch = 1000;
        for (long start = 0, count; start < statistics.Count; start += count)
        {
            using DisposeScope scope = NewDisposeScope();
            // A last one alone, which has no variance, goes with those before it.
            count = statistics.Count - start is var left && left <= Batch + 1 ? left : Batch;
            model.Answer(statistics.Inputs.narrow(0, start, count));
        }
    }
}

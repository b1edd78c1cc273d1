using System.Diagnostics;
using TorchSharp;

namespace Workbook.Notebook;

/// <summary>Times that survive a busy machine.</summary>
public static class Timing
{
    /// <summary>
    /// The time of <paramref name="action"/> as a fraction of <paramref name="baseline"/>'s, once for each pair. The two take turns, so that
    /// a slow spell of the machine meets both; one untimed run of each goes first.
    /// </summary>
    /// <exception cref="WorkbookException"><paramref name="pairs"/> is less than 1.</exception>
    public static double[] AlternatingRatios(Action action, Action baseline, int pairs)
    {
        if (pairs < 1)
        {
            throw new WorkbookException($"{pairs} pairs can't be timed: at least 1 is needed");
        }

        action();
        baseline();
        double[] ratios = new double[pairs];
        for (int i = 0; i < pairs; i++)
        {
            // Who goes first changes, too.
            (double first, double second) = i % 2 == 0 ? (Time(action), Time(baseline)) : Swap(Time(baseline), Time(action));
            ratios[i] = first / second;
        }

        return ratios;
    }

    /// <summary>The middle value, or the mean of the middle two; NaN if any is NaN.</summary>
    /// <exception cref="WorkbookException">There are no values.</exception>
    public static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted.Length == 0 ? throw new WorkbookException("a median needs at least one value")
            : double.IsNaN(sorted[0]) ? double.NaN
            : (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }

    private static (double, double) Swap(double baseline, double action) => (action, baseline);

    private static double Time(Action action)
    {
        long start = Stopwatch.GetTimestamp();
        action();
        return Math.Max(Stopwatch.GetElapsedTime(start).TotalMilliseconds, 1e-6);
    }

    /// <summary>One or more forward passes without gradients.</summary>
    /// <param name="model">Inputs → anything.</param>
    /// <param name="batch">The inputs.</param>
    /// <param name="repeats">How many passes.</param>
    public static Action Forward(torch.nn.Module<torch.Tensor, torch.Tensor> model, torch.Tensor batch, int repeats = 1)
    {
        torch.Tensor own = batch.clone().DetachFromDisposeScope(); // a model may change what it is given
        return () =>
        {
            using IDisposable still = torch.no_grad();
            for (int i = 0; i < repeats; i++)
            {
                using DisposeScope scope = torch.NewDisposeScope();
                model.forward(own);
            }
        };
    }

    /// <summary>The time of one model's forward pass as a fraction of another's, once for each pair; short passes are repeated within a turn.</summary>
    /// <param name="model">What is timed.</param>
    /// <param name="baseline">What it is compared with.</param>
    /// <param name="batch">The inputs of both.</param>
    /// <param name="pairs">How many pairs; as many as take some 0.4 s, but from 6 to 100, where left out.</param>
    public static double[] LatencyRatios(
        torch.nn.Module<torch.Tensor, torch.Tensor> model, torch.nn.Module<torch.Tensor, torch.Tensor> baseline, torch.Tensor batch, int? pairs = null)
    {
        double time = Milliseconds(baseline, batch);
        int repeats = (int)Math.Clamp(1 / time, 1, 200);      // short turns: few are interrupted
        return AlternatingRatios(Forward(model, batch, repeats), Forward(baseline, batch, repeats), pairs ?? (int)Math.Clamp(400 / (time * repeats), 6, 100));
    }

    /// <summary>The median of 20 forward passes, in milliseconds.</summary>
    /// <param name="model">Inputs → anything.</param>
    /// <param name="batch">The inputs.</param>
    public static double Milliseconds(torch.nn.Module<torch.Tensor, torch.Tensor> model, torch.Tensor batch) =>
        Median(Enumerable.Range(0, 20).Select(_ => Time(Forward(model, batch))));
}

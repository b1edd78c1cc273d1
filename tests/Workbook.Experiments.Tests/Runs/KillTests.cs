using System.Diagnostics;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Workbook.Tests;

public sealed class KillTests : IDisposable
{
    private const int Trainings = 8;
    private readonly string _folder = Directory.CreateTempSubdirectory("workbook-runs-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Killed_at_random_moments_nothing_finished_is_lost_and_nothing_broken_counts()
    {
        Random moments = new(1);
        HashSet<int> done = [];
        int killed = 0;
        for (int attempt = 0; done.Count < Trainings; attempt++)
        {
            Assert.True(attempt < 100, "the trainings never end");
            List<string> lines = [];
            using Process child = Process.Start(StoreChild.Start(_folder, Trainings))!;
            child.OutputDataReceived += (_, e) =>
            {
                lock (lines)
                {
                    lines.Add(e.Data ?? "");
                }
            };
            child.BeginOutputReadLine();

            // Mostly within the trainings: the first word comes when the process is up.
            while (!child.HasExited && Count(lines) == 0)
            {
                Thread.Sleep(1);
            }

            // Later and later, as a training takes longer on a busy machine.
            if (!child.WaitForExit(moments.Next(0, 600 + (50 * attempt))))
            {
                child.Kill();
                killed++;
            }

            child.WaitForExit();
            Assert.DoesNotContain(lines, line => line.StartsWith("training ", StringComparison.Ordinal) && done.Contains(int.Parse(line[9..])));
            done.UnionWith(lines.Where(line => line.StartsWith("done ", StringComparison.Ordinal)).Select(line => int.Parse(line[5..])));
            IReadOnlyList<StoredRun> runs = RunStore.Open(_folder).List();
            Assert.All(runs, run => Assert.Contains(run.State, new[] { RunState.Finished, RunState.Unfinished }));
            Assert.InRange(runs.Count(run => run.State == RunState.Finished), done.Count, Trainings);
        }

        Assert.True(killed > 0);

        // What is there is what an undisturbed training gives.
        using LabelledTensors data = Noise.Data();
        RunStore store = RunStore.Open(_folder), undisturbed = RunStore.Open(Path.Combine(_folder, "undisturbed"));
        foreach (int seed in new[] { 0, Trainings - 1 })
        {
            Run kept = StoreChild.Train(store, data, seed, _ => Assert.Fail("it was there already"));
            Run anew = Replicas.Run([seed], s => StoreChild.Train(undisturbed, data, s))[0];
            Assert.Equal(anew.Metrics["noise loss"].Values, kept.Metrics["noise loss"].Values);
            using DisposeScope scope = NewDisposeScope();
            Assert.All(anew.LoadWeights(), w => Assert.True(w.Value.Equals(kept.LoadWeights()[w.Key])));
        }
    }

    [Fact]
    public void Two_processes_share_the_trainings_and_do_none_twice()
    {
        using Process first = Process.Start(StoreChild.Start(_folder, Trainings))!, second = Process.Start(StoreChild.Start(_folder, Trainings))!;
        Task<string>[] outputs = [first.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken),
            second.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken)];
        first.WaitForExit();
        second.WaitForExit();
        Assert.Equal((0, 0), (first.ExitCode, second.ExitCode));
        Assert.All(outputs, output => Assert.Equal(Trainings, output.Result.Split('\n').Count(line => line.StartsWith("done ", StringComparison.Ordinal))));
        IReadOnlyList<StoredRun> runs = RunStore.Open(_folder).List();
        Assert.Equal(Trainings, runs.Count);
        Assert.All(runs, run => Assert.Equal(RunState.Finished, run.State));
        Assert.Equal([".locks"], Directory.EnumerateDirectories(_folder, ".*").Select(Path.GetFileName));
    }

    private static int Count(List<string> lines)
    {
        lock (lines)
        {
            return lines.Count;
        }
    }
}

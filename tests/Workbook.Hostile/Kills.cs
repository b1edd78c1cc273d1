using System.Diagnostics;
using Workbook.Cli.Tests.Running;

namespace Workbook.Hostile;

/// <summary>Runs that train, killed at some moment and begun again, until one comes to its end: its claims are those of a run that nobody disturbed.</summary>
internal sealed class Kills : Attack
{
    private const string Trainings = """
        var generator = new Generator(1);
        LabelledTensors data = new(randn([600, 784], generator: generator), randint(0, 10, [600], generator: generator)) { Name = "noise" };
        RunStore store = RunStore.Open();
        for (int seed = 0; seed < 4; seed++)
        {
            using LeNet300100 network = new(seed);
            Mask mask = new Pruner(Saliency.Magnitude).Prune(network, 0.5);
            Run run = store.Train(network, data, new Recipe { Epochs = 4 }, seed, mask, Probe.Score(data, every: 10));
            Claims.Ours($"pruning.hostile-{seed}", "the loss after a training", [run.Metrics["noise loss"].Values[^1]], Expect.Above(0), seeds: [seed]).Show();
        }
        """;

    private const int Times = 3;

    private readonly string _expected;
    private readonly TimeSpan _whole;

    public Kills(string folder)
    {
        Write(folder);
        Stopwatch watch = Stopwatch.StartNew();
        (int? exitCode, _, string errors, _) = RealProgram.Finish(Start(folder), TimeSpan.FromMinutes(3));
        _whole = watch.Elapsed;
        _expected = exitCode == 0 ? Claims(folder) : throw new WorkbookException($"the undisturbed run failed: {Readable(errors)}");
    }

    public override int InOne => Times;

    public override int Share => 4;

    public override TimeSpan Patience => TimeSpan.FromMinutes(5);

    public override string? Try(Random random, string folder)
    {
        Write(folder);
        for (int kills = 0; ; kills++)
        {
            using Process process = Start(folder);
            Task<string> output = process.StandardOutput.ReadToEndAsync(), errors = process.StandardError.ReadToEndAsync();
            // The first within a training; each later, so that there is an end.
            if (kills < Times && !process.WaitForExit(random.Next((int)_whole.TotalMilliseconds)))
            {
                process.Kill(entireProcessTree: random.Next(2) == 0);
                process.WaitForExit();
                if (RealProgram.Left(folder).Length > 0 && !SpinWait.SpinUntil(() => RealProgram.Left(folder).Length == 0, TimeSpan.FromSeconds(10)))
                {
                    return $"after a kill still runs: {RealProgram.Left(folder).FirstOrDefault()}";
                }

                continue;
            }

            if (!process.WaitForExit(TimeSpan.FromMinutes(2)))
            {
                process.Kill(entireProcessTree: true);
                return "the run after the kills did not end";
            }

            return process.ExitCode != 0 ? $"exit code {process.ExitCode}: {Readable(errors.Result)}" : Claims(folder) != _expected ? "other claims"
                : RunStore.Open(Path.Combine(folder, "store")).List() is { } runs && (runs.Count != 4 || runs.Any(run => run.State != RunState.Finished))
                    ? $"the store has {string.Join(", ", runs.Select(run => run.State))}"
                : Directory.EnumerateFiles(Path.Combine(folder, "out"), "*.tmp", SearchOption.AllDirectories).FirstOrDefault();
        }
    }

    private static Process Start(string folder) => RealProgram.Start(folder, "run", "n.ipynb", "--out", "out");

    private static string Claims(string folder) => File.ReadAllText(Path.Combine(folder, "out", "claims.json"));

    private static void Write(string folder) =>
        File.WriteAllText(Path.Combine(folder, "n.ipynb"), Notebooks.OfCode("#!import lab.csx", Trainings).ToJsonString());
}

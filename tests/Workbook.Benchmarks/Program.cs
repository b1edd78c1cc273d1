using Workbook.Benchmarks;

// dotnet run -c Release --project tests/Workbook.Benchmarks
switch (args)
{
    case ["workload", var steps]:
        Workload.Run(int.Parse(steps));
        return 0;
    case [] or ["runner"]:
        RunnerBenchmark.Startup(runs: 5);
        RunnerBenchmark.Overhead(steps: 14_000, pairs: 3);
        return 0;
    case ["sparse"]:
        SparseBenchmark.Run();
        return 0;
    default:
        Console.Error.WriteLine($"error: there is no benchmark '{string.Join(' ', args)}': try 'runner' or 'sparse'");
        return 2;
}

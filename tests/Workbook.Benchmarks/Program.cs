using Workbook.Benchmarks;

// dotnet run -c Release --project tests/Workbook.Benchmarks [-- name]
(string Name, Action Run)[] benchmarks =
[
    ("runner", RunnerBenchmark.Run),
    ("training", TrainingBenchmark.Run),
    ("pruning", PruningBenchmark.Run),
    ("structured", StructuredBenchmark.Run),
    ("vision", VisionBenchmark.Run),
    ("pretrained", VisionBenchmark.Pretrained),
    ("curvature", CurvatureBenchmark.Run),
    ("sparse", SparseBenchmark.Run),
    ("step", SparseBenchmark.RunStep),
    ("convolution", ConvBenchmark.Run),
    ("roofline", RooflineBenchmark.Run),
    ("peers", PeerBenchmark.Run),
    ("networks", NetworkBenchmark.Run),
    ("transformer", TransformerBenchmark.Run),
];
switch (args)
{
    case ["workload", var steps]:
        Workload.Run(int.Parse(steps));
        return 0;
    case [] or [_] when benchmarks.Where(b => args is [] || args[0] == b.Name).ToArray() is { Length: > 0 } chosen:
        Array.ForEach(chosen, b => b.Run());
        return 0;
    default:
        Console.Error.WriteLine($"error: there is no benchmark '{string.Join(' ', args)}': try {string.Join(", ", benchmarks.Select(b => b.Name))}, or "
            + $"none of them for all");
        return 2;
}

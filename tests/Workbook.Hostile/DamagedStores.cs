using TorchSharp;
using static TorchSharp.torch;

namespace Workbook.Hostile;

/// <summary>Stores of trainings in which something was changed, cut or taken away: a run is whole, or it does not count; nothing else of it is told.</summary>
internal sealed class DamagedStores : Attack
{
    private readonly string _store;
    private readonly Dictionary<string, byte[]> _files;
    private readonly RunRecord _record;

    public DamagedStores(string folder)
    {
        _store = Path.Combine(folder, "store");
        set_num_threads(1);
        using Generator generator = new(1);
        using LabelledTensors data = new(randn([60, 784], generator: generator), randint(0, 10, [60], generator: generator)) { Name = "noise" };
        using LeNet300100 network = new(0);
        Recipe recipe = new() { Epochs = 1 };
        RunStore store = RunStore.Open(_store);
        TrainingPart[] parts = [Probe.Loss(every: 1), Probe.Checkpoints(0)];
        _record = RunStore.Describe(network, data, recipe, 0, (Mask?)null, parts);
        store.Train(network, data, recipe, 0, (Mask?)null, parts);
        _files = Directory.EnumerateFiles(_store, "*", SearchOption.AllDirectories)
            .ToDictionary(path => Path.GetRelativePath(_store, path), File.ReadAllBytes);
    }

    public override int Share => 1;

    public override string? Try(Random random, string folder)
    {
        string changed = _files.Keys.ElementAt(random.Next(_files.Count));
        bool gone = random.Next(6) == 0;
        foreach ((string name, byte[] content) in _files)
        {
            string path = Path.Combine(folder, name);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            byte[] written = name == changed ? Damage.Bytes(random, content) : content;
            if (name != changed || !gone)
            {
                File.WriteAllBytes(path, written);
            }
        }

        using DisposeScope scope = NewDisposeScope();
        string? said = null;
        try
        {
            RunStore store = RunStore.Open(folder, line => said ??= FaultOf(line));
            IReadOnlyList<StoredRun> runs = store.List();
            said ??= runs.Select(run => run.Fault).OfType<string>().Select(FaultOf).FirstOrDefault(fault => fault is not null);
            Run? found = store.Find(_record);
            if (found is not null && !changed.Contains(".lock", StringComparison.Ordinal))
            {
                // It counts: then all that it holds can be read.
                _ = (found.LoadWeights(), found.LoadWeights(0), found.Metrics.Count, found.Seconds);
            }
        }
        catch (WorkbookException e)
        {
            said ??= FaultOf(e.Message);
        }

        return said is null ? null : $"{changed}: {said}";
    }
}

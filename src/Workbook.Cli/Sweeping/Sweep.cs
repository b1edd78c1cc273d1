using System.Text.Json;
using Workbook.Cli.Notebooks;
using Workbook.Cli.Running;

namespace Workbook.Cli.Sweeping;

/// <summary>What a sweep is: the file <c>sweep.json</c>, so that it can go on from there, here or on another machine.</summary>
internal sealed record SweepDefinition
{
    /// <summary>The notebook's path; it runs in this folder, from the copy that the sweep has.</summary>
    public required string Notebook { get; init; }

    public required IReadOnlyList<Axis> Axes { get; init; }

    /// <summary>The parameter whose values are averaged over; null where there is none.</summary>
    public string? Over { get; init; }

    public required string Code { get; init; }

    public required string Profile { get; init; }

    /// <summary>What data the notebook finds; null where it leaves no choice.</summary>
    public required PointData? Dataset { get; init; }

    public required string Version { get; init; }

    public string? DataFolder { get; init; }

    /// <summary>The engine that runs the points; null for the runner's own.</summary>
    public string? Kernel { get; init; }

    /// <summary>Seconds after which a point is stopped.</summary>
    public double? Timeout { get; init; }

    /// <summary>Seconds of silence after which a point is stopped; 0 for no limit, null for the usual one.</summary>
    public double? Silence { get; init; }

    /// <summary>The most bytes of memory that a point may have.</summary>
    public long? Memory { get; init; }
}

/// <summary>A sweep in its store: a folder with its definition, the notebook as it was when the sweep began, and the summary.</summary>
internal sealed class Sweep
{
    private const string DefinitionFile = "sweep.json";
    private const string NotebookFile = "notebook.ipynb";

    private readonly byte[] _notebook;

    private Sweep(PointStore store, SweepDefinition definition, byte[] notebook)
    {
        (Store, Definition, _notebook) = (store, definition, notebook);
        Points = [.. Axis.Combine(definition.Axes)
            .Select(values => new SweepPoint(Name, definition.Code, values, definition.Profile, definition.Dataset, definition.Version))];
        Hash = SweepPoint.HashOf(string.Concat(Points.Select(point => point.Hash)));
        Folder = Path.Combine(store.Folder, $"{Name}-{Hash[..8]}");
    }

    public PointStore Store { get; }

    public SweepDefinition Definition { get; }

    public IReadOnlyList<SweepPoint> Points { get; }

    public string Folder { get; }

    public string Hash { get; }

    public string Name => Path.GetFileNameWithoutExtension(Definition.Notebook);

    /// <summary>A sweep of a notebook as it is now.</summary>
    /// <exception cref="WorkbookException">There are too many points.</exception>
    public static Sweep Of(PointStore store, NotebookDocument notebook, SweepDefinition definition)
    {
        Parameters.Inject([notebook], []);
        notebook.ClearOutputs();
        return new Sweep(store, definition, JupyterJson.Serialize(notebook.Root));
    }

    /// <summary>The sweep that a folder holds.</summary>
    /// <exception cref="WorkbookException">It holds none that can be read.</exception>
    public static Sweep Load(PointStore store, string folder)
    {
        try
        {
            SweepDefinition definition = JsonSerializer.Deserialize<SweepDefinition>(File.ReadAllBytes(Path.Combine(folder, DefinitionFile)), RunRecord.Json)!;
            return new Sweep(store, definition, File.ReadAllBytes(Path.Combine(folder, NotebookFile)));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException or NotSupportedException)
        {
            throw new WorkbookException($"the sweep {folder} can't be read ({e.Message.ReplaceLineEndings(" ")}): begin it again with its notebook and "
                + $"parameters", e);
        }
    }

    /// <summary>The sweep that was begun last, of one notebook where that is named; null where there is none.</summary>
    public static Sweep? Last(PointStore store, string? notebook)
    {
        IEnumerable<FileInfo> definitions = new DirectoryInfo(store.Folder).EnumerateDirectories()
            .Select(folder => new FileInfo(Path.Combine(folder.FullName, DefinitionFile)));
        return definitions.Where(file => file.Exists).OrderByDescending(file => file.LastWriteTimeUtc).Select(file => Load(store, file.DirectoryName!))
            .FirstOrDefault(sweep => notebook is null || sweep.Definition.Notebook == notebook);
    }

    /// <summary>The same sweep within other limits.</summary>
    public Sweep With(SweepDefinition definition) => new(Store, definition, _notebook);

    /// <summary>Writes what others need to go on with it; from now on it is the last.</summary>
    /// <exception cref="WorkbookException">The store can't be written.</exception>
    public void Save() => Store.Writing(() =>
    {
        Directory.CreateDirectory(Folder);
        AtomicFile.Write(Path.Combine(Folder, NotebookFile), _notebook);
        AtomicFile.Write(Path.Combine(Folder, DefinitionFile), JsonSerializer.SerializeToUtf8Bytes(Definition, RunRecord.Json));
    });

    /// <summary>The notebook with a point's parameters.</summary>
    public NotebookDocument NotebookOf(SweepPoint point)
    {
        NotebookDocument notebook = NotebookReader.Parse(Definition.Notebook, System.Text.Encoding.UTF8.GetString(_notebook));
        Parameters.Inject([notebook], [.. point.Parameters.Select(p => $"{p.Key}={p.Value}")]);
        return notebook;
    }

    /// <summary>How a point is run.</summary>
    public RunOptions Options(string outputFolder, long? memory, int? processors) => new()
    {
        OutputFolder = outputFolder,
        DataFolder = Definition.DataFolder,
        Dataset = Definition.Dataset?.Name, // by name: a node without it is not to take another
        Profile = Definition.Profile,
        Kernel = Definition.Kernel,
        Runs = Store.Store,
        Timeout = Definition.Timeout is { } seconds ? TimeSpan.FromSeconds(seconds) : null,
        Silence = RunOptions.SilenceOf(Definition.Silence),
        Memory = memory,
        Processors = processors,
        WithPlotly = false, // each point would keep its own
    };
}

using Xunit;

namespace Workbook.Notebook.Tests;

/// <summary>Keeps what is shown.</summary>
internal sealed class RecordingHost : INotebookHost
{
    private readonly Lock _lock = new();

    public List<IReadOnlyDictionary<string, string>> Shown { get; } = [];

    public List<(string Id, IReadOnlyDictionary<string, string> Bundle)> Updates { get; } = [];

    public string Name => "recording";

    public bool WantsPlotly { get; init; }

    public bool UpdatesInPlace { get; init; } = true;

    public bool DropsImports { get; init; }

    public string Display(IReadOnlyDictionary<string, string> bundle)
    {
        lock (_lock)
        {
            Shown.Add(bundle);
            return $"{Shown.Count}";
        }
    }

    public void Update(string id, IReadOnlyDictionary<string, string> bundle)
    {
        lock (_lock)
        {
            Updates.Add((id, bundle));
        }
    }
}

/// <summary>Tests that set the process's host or context run one after the other.</summary>
[CollectionDefinition(Name)]
public sealed class OneNotebook
{
    public const string Name = "one notebook";
}

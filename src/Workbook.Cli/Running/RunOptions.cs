using System.Globalization;
using Workbook.Native;

namespace Workbook.Cli.Running;

/// <summary>How notebooks are run.</summary>
internal sealed record RunOptions
{
    public required string OutputFolder { get; init; }

    /// <summary>The folder with data sets, absolute; null where the library is to look for itself.</summary>
    public string? DataFolder { get; init; }

    public string? Dataset { get; init; }

    /// <summary>The engine that runs the notebooks; null where each notebook may name its own.</summary>
    public string? Kernel { get; init; }

    /// <summary>Whether downloading was tried in vain.</summary>
    public bool Offline { get; init; }

    public string? Profile { get; init; }

    public TimeSpan? Timeout { get; init; }

    /// <summary>For how long a notebook may show nothing and use no processor time; null for ever.</summary>
    public TimeSpan? Silence { get; init; } = SilenceOf(null);

    /// <summary>Whether a notebook goes on after a cell that fails.</summary>
    public bool AllowErrors { get; init; }

    public int Jobs { get; init; } = 1;

    /// <summary>The run store's folder; null where the library is to look for itself.</summary>
    public string? Runs { get; init; }

    public bool FailFast { get; init; }

    public bool InPlace { get; init; }

    /// <summary>Whether stack traces are printed.</summary>
    public bool Verbose { get; init; }

    /// <summary>The most bytes of memory that a notebook may have; null where nothing limits it.</summary>
    public long? Memory { get; init; }

    /// <summary>How many processors a notebook takes itself to have; null for all.</summary>
    public int? Processors { get; init; }

    /// <summary>Whether the executed notebook holds plotly.js (3.6 MB), so that its charts show wherever it is opened.</summary>
    public bool WithPlotly { get; init; } = true;

    /// <summary>How long a silence may be: ten minutes where nothing is named, without end where it is 0.</summary>
    public static TimeSpan? SilenceOf(double? seconds) => seconds == 0 ? null : TimeSpan.FromSeconds(seconds ?? 600);

    /// <summary>What the notebooks see of these options.</summary>
    public IEnumerable<KeyValuePair<string, string>> Environment()
    {
        (string Name, string? Value)[] variables =
        [
            (EnvironmentVariables.Profile, Profile), (EnvironmentVariables.Data, DataFolder), (EnvironmentVariables.Dataset, Dataset),
            (EnvironmentVariables.Offline, Offline ? Datasets.Unreachable : null), (EnvironmentVariables.Runs, Runs),
            (EnvironmentVariables.Memory, Memory?.ToString(CultureInfo.InvariantCulture)),
                ("DOTNET_PROCESSOR_COUNT", Processors?.ToString(CultureInfo.InvariantCulture)),
            (Cultures.Invariant, EnvironmentVariables.Find(Cultures.Invariant) ?? (Cultures.AreHere ? "0" : "1")),
            (Cultures.PredefinedOnly, EnvironmentVariables.Find(Cultures.PredefinedOnly) ?? (Cultures.AreHere ? "0" : null)),
            (EnvironmentVariables.Plotly, WithPlotly ? null : EnvironmentVariables.No),
        ];
        return variables.Where(v => v.Value is not null).Select(v => KeyValuePair.Create(v.Name, v.Value!));
    }
}

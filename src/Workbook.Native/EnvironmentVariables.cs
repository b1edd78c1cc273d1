namespace Workbook.Native;

/// <summary>The variables by which the environment reaches the workbook; this file alone spells their names.</summary>
internal static class EnvironmentVariables
{
    /// <summary>The folder of everything that is kept for all notebooks: data sets, the copy of LibTorchSharp that older systems need.</summary>
    public const string Cache = "WORKBOOK_CACHE";

    /// <summary>A folder with data sets, used as it is: nothing is downloaded to it.</summary>
    public const string Data = "WORKBOOK_DATA";

    /// <summary>The data set that notebooks use: <c>auto</c>, <c>mnist</c>, <c>fashion-mnist</c> or <c>digits</c>.</summary>
    public const string Dataset = "WORKBOOK_DATASET";

    /// <summary>Forbids downloads; where a runner sets it, says that one was tried in vain.</summary>
    public const string Offline = "WORKBOOK_OFFLINE";

    /// <summary>The run store's folder.</summary>
    public const string Runs = "WORKBOOK_RUNS";

    /// <summary>How much notebooks compute: <c>quick</c> or <c>paper</c>.</summary>
    public const string Profile = "WORKBOOK_PROFILE";

    /// <summary>The program of the browser that draws pictures of charts.</summary>
    public const string Browser = "WORKBOOK_BROWSER";

    /// <summary>The most bytes of memory that a notebook's process may have: from the runner to its kernel.</summary>
    public const string Memory = "WORKBOOK_MEMORY";

    /// <summary>The program or the DLL of the kernel dotnet-interactive, where it is in none of the usual places.</summary>
    public const string Interactive = "WORKBOOK_DOTNET_INTERACTIVE";

    /// <summary><see cref="No"/> where an executed notebook is to be kept without plotly.js: from the runner to its kernel.</summary>
    public const string Plotly = "WORKBOOK_PLOTLY";

    /// <summary>The value that says no.</summary>
    public const string No = "no";

    /// <summary>A variable's value; null where it is unset or empty.</summary>
    public static string? Find(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;
}

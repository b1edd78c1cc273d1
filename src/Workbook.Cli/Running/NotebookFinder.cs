namespace Workbook.Cli.Running;

/// <summary>Which notebooks a run is about.</summary>
internal static class NotebookFinder
{
    private const string Folder = "notebooks";

    // Elsewhere one file answers to a name in any letter case, mostly.
    private static readonly StringComparer s_names = OperatingSystem.IsLinux() ? StringComparer.Ordinal : StringComparer.OrdinalIgnoreCase;

    /// <summary>The notebooks that were named, folders' notebooks in name order; all of the workbook's where none was.</summary>
    /// <exception cref="WorkbookException">A path does not exist, is no notebook, or there are none.</exception>
    public static IReadOnlyList<string> Find(IReadOnlyList<string> named)
    {
        IReadOnlyList<string> places = named.Count > 0 ? named : [FindUpward() ?? throw new WorkbookException(
            $"no notebooks: there is no folder `{Folder}` here or above; name a notebook or a folder")];
        List<string> notebooks = [.. places.SelectMany(Expand).Distinct()];
        foreach (IGrouping<string, string> same in notebooks.GroupBy(path => Path.GetFileNameWithoutExtension(path), s_names).Where(g => g.Count() > 1))
        {
            throw new WorkbookException($"{string.Join(" and ", same)} have the same name, so that one's output would replace the other's: run them with "
                + $"different --out folders");
        }

        return notebooks;
    }

    /// <summary>Where the outputs go by default: beside the folder <c>notebooks</c> that is run, else here.</summary>
    public static string DefaultOutputFolder(IReadOnlyList<string> notebooks)
    {
        string? folder = Path.GetDirectoryName(notebooks[0]);
        string? root = Path.GetFileName(folder) == Folder ? Path.GetDirectoryName(folder) : null;
        return Path.Combine(root ?? Environment.CurrentDirectory, "artifacts", "run");
    }

    private static IEnumerable<string> Expand(string named)
    {
        string path = Path.GetFullPath(named);
        if (File.Exists(path))
        {
            return Path.GetExtension(path).Equals(".ipynb", StringComparison.OrdinalIgnoreCase)
                ? [path]
                : throw new WorkbookException($"{named} is not a notebook: its name does not end in .ipynb");
        }

        if (!Directory.Exists(path))
        {
            throw new WorkbookException(named.StartsWith('-') ? $"there is no option {named}: --help names those that there are"
                : $"{named} does not exist: name a notebook (.ipynb) or a folder with notebooks");
        }

        string[] found = [.. Directory.EnumerateFiles(path, "*.ipynb").Order(StringComparer.Ordinal)];
        return found.Length > 0 ? found : throw new WorkbookException($"{named} holds no notebooks (.ipynb)");
    }

    private static string? FindUpward()
    {
        string? found = null;
        for (DirectoryInfo? folder = new(Environment.CurrentDirectory); folder is not null && found is null; folder = folder.Parent)
        {
            string candidate = folder.Name == Folder ? folder.FullName : Path.Combine(folder.FullName, Folder);
            found = Directory.Exists(candidate) && Directory.EnumerateFiles(candidate, "*.ipynb").Any() ? candidate : null;
        }

        return found;
    }
}

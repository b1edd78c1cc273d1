using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Workbook;
using Workbook.Hostile;

// dotnet run -c Release --project tests/Workbook.Hostile [-- --minutes 60 --seed 2 --only kills]
string scratch = Directory.CreateTempSubdirectory("workbook-hostile-").FullName;
try
{
    Options options = Options.Of(args);
    JsonNode[] notebooks = [.. Directory.EnumerateFiles(Repository(), "*.ipynb").Order(StringComparer.Ordinal)
        .Select(path => JsonNode.Parse(File.ReadAllText(path))!)];
    (string Name, Func<Attack> New)[] kinds =
    [
        ("files", () => new DamagedFiles(Folder("files"))),
        ("stores", () => new DamagedStores(Folder("stores"))),
        ("pages", () => new DamagedNotebooks(notebooks)),
        ("mirrors", () => new BadMirrors()),
        ("notebooks", () => new BadCells(notebooks)),
        ("kills", () => new Kills(Folder("kills"))),
    ];
    if (options.Only?.FirstOrDefault(name => !kinds.Any(k => k.Name == name)) is { } unknown)
    {
        throw new WorkbookException($"there is no kind '{unknown}': {Options.Usage}");
    }

    Attack[] attacks = [.. kinds.Where(k => options.Only?.Contains(k.Name) ?? true).Select(k => k.New())];
    string kept = Path.Combine(Repository(), "..", "artifacts", "hostile");
    List<string> faults = [];
    Console.WriteLine($"seed {options.Seed}, {options.Minutes.ToString(CultureInfo.InvariantCulture)} minutes");
    Console.WriteLine($"{"",-10}{"tried",10}{"survived",10}{"peak MB",10}{"seconds",10}");
    foreach (Attack attack in attacks)
    {
        Series series = new(attack, options.Seed, Path.GetFullPath(kept));
        series.Run(TimeSpan.FromMinutes(options.Minutes * attack.Share / attacks.Sum(a => a.Share)), options.From);
        using Process own = Process.GetCurrentProcess();
        long peak = attack.PeakMemory > 0 ? attack.PeakMemory : own.PeakWorkingSet64;
        int tried = series.Tried * attack.InOne, survived = (series.Tried - series.Faults.Count) * attack.InOne;
        FormattableString row = $"{attack.Name,-10}{tried,10:N0}{survived,10:N0}{peak / 1e6,10:N0}{series.Seconds,10:N0}";
        Console.WriteLine(row.ToString(CultureInfo.InvariantCulture));
        faults.AddRange(series.Faults);
    }

    faults.ForEach(fault => Console.Error.WriteLine("error: " + fault));
    return faults.Count == 0 ? 0 : 1;
}
catch (WorkbookException e)
{
    Console.Error.WriteLine("error: " + e.Message);
    return 2;
}
finally
{
    Directory.Delete(scratch, recursive: true);
}

string Folder(string name) => Directory.CreateDirectory(Path.Combine(scratch, name)).FullName;

static string Repository()
{
    string? folder = AppContext.BaseDirectory;
    while (folder is not null && !File.Exists(Path.Combine(folder, "Workbook.sln")))
    {
        folder = Path.GetDirectoryName(folder);
    }

    return Path.Combine(folder ?? throw new WorkbookException("this program runs in a clone of the workbook: there is no Workbook.sln above it"), "notebooks");
}

using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Workbook;
using Workbook.Cli.Tests;
using Workbook.Hostile;

// dotnet run -c Release --project tests/Workbook.Hostile [-- --minutes 60 --seed 2 --only kills]
string scratch = Directory.CreateTempSubdirectory("workbook-hostile-").FullName;
try
{
    Options options = Options.Of(args);
    JsonNode[] notebooks = [.. Directory.EnumerateFiles(Repository.PathOf("notebooks"), "*.ipynb").Order(StringComparer.Ordinal)
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

    (string Name, Attack Attack)[] attacks = [.. kinds.Where(k => options.Only?.Contains(k.Name) ?? true).Select(k => (k.Name, k.New()))];
    string kept = Repository.PathOf("artifacts", "hostile");
    List<string> faults = [];
    Console.WriteLine($"seed {options.Seed}, {options.Minutes.ToString(CultureInfo.InvariantCulture)} minutes");
    Console.WriteLine($"{"",-10}{"tried",10}{"survived",10}{"peak MB",10}{"seconds",10}");
    foreach ((string name, Attack attack) in attacks)
    {
        Series series = new(name, attack, options.Seed, kept);
        series.Run(TimeSpan.FromMinutes(options.Minutes * attack.Share / attacks.Sum(a => a.Attack.Share)), options.From);
        using Process own = Process.GetCurrentProcess();
        long peak = attack.PeakMemory > 0 ? attack.PeakMemory : own.PeakWorkingSet64;
        int tried = series.Tried * attack.InOne, survived = (series.Tried - series.Faults.Count) * attack.InOne;
        FormattableString row = $"{name,-10}{tried,10:N0}{survived,10:N0}{peak / 1e6,10:N0}{series.Seconds,10:N0}";
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

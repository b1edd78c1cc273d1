using System.Globalization;

namespace Workbook.Hostile;

/// <summary>What the program is asked for.</summary>
/// <param name="Minutes">For how long it goes on.</param>
/// <param name="Seed">Of all that is random.</param>
/// <param name="Only">The kinds to do; all where none is named.</param>
/// <param name="From">The number of the first try of each kind.</param>
internal sealed record Options(double Minutes = 3, int Seed = 1, IReadOnlyList<string>? Only = null, int From = 0)
{
    public const string Usage = "[--minutes 3] [--seed 1] [--only files,stores,pages,mirrors,notebooks,kills] [--from 0]";

    /// <exception cref="WorkbookException">An option is not known, or its value is none.</exception>
    public static Options Of(IReadOnlyList<string> arguments)
    {
        Options options = new();
        for (int i = 0; i < arguments.Count; i += 2)
        {
            string value = i + 1 < arguments.Count ? arguments[i + 1] : throw new WorkbookException($"{arguments[i]} has no value: {Usage}");
            options = arguments[i] switch
            {
                "--minutes" when double.TryParse(value, CultureInfo.InvariantCulture, out double minutes) && minutes > 0 => options with { Minutes = minutes },
                "--seed" when int.TryParse(value, CultureInfo.InvariantCulture, out int seed) => options with { Seed = seed },
                "--from" when int.TryParse(value, CultureInfo.InvariantCulture, out int from) && from >= 0 => options with { From = from },
                "--only" => options with { Only = value.Split(',') },
                _ => throw new WorkbookException($"{arguments[i]} {value} is not understood: {Usage}"),
            };
        }

        return options;
    }
}

using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using Workbook.Native;

namespace Workbook;

/// <summary>A text to learn a language from.</summary>
/// <param name="Name">"moby-dick" or "grammar".</param>
/// <param name="Title">The name to show.</param>
/// <param name="Source">What was used and why, one sentence.</param>
/// <param name="Content">The text, with line ends of one character.</param>
/// <param name="Entropy">The least loss that a model of it can have, in nats for each character; null where nobody knows.</param>
public sealed partial record TextSource(string Name, string Title, string Source, string Content, double? Entropy)
{
    /// <summary>SHA-256 of the content in UTF-8, lower-case hex.</summary>
    public string Hash { get; } = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Content)));

    /// <summary>Sentences of some lengths, spread evenly over a part of the text, each once, in their order.</summary>
    /// <param name="count">How many.</param>
    /// <param name="words">The least and the most words.</param>
    /// <param name="part">From where to where, as shares of all sentences of these lengths.</param>
    /// <exception cref="WorkbookException">The part has fewer sentences of these lengths.</exception>
    public IReadOnlyList<string> Sentences(int count, (int Least, int Most) words, (double From, double To) part)
    {
        string[] all =
        [
            .. Ends().Split(Content).Select(sentence => Blanks().Replace(sentence, " ").Trim()).Distinct()
                .Where(sentence => sentence.Count(c => c == ' ') + 1 is var n && n >= words.Least && n <= words.Most && char.IsLetter(sentence[0])),
        ];
        int from = (int)(part.From * all.Length), length = (int)(part.To * all.Length) - from;
        return length >= count
            ? [.. Enumerable.Range(0, count).Select(i => all[from + (int)((long)i * length / count)])]
            : throw new WorkbookException(FormattableString.Invariant(
                $"{Title} has {Math.Max(0, length):N0} sentences of {words.Least} to {words.Most} words there, {count:N0} are asked for: take fewer, ")
                + "or a longer text");
    }

    [GeneratedRegex(@"(?<=[.!?])\s+|\n\n+")]
    private static partial Regex Ends();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Blanks();
}

/// <summary>The texts of the workbook: Moby Dick, or where that can't be had one drawn by a grammar.</summary>
public static class Texts
{
    private const string MobyDick = "moby-dick";

    private const int GrammarCharacters = 1_000_000;

    private static string CacheFolder => Path.Combine(CacheRoot.Path, "texts");

    private static TextEntry Entry => Manifest.Embedded.Texts!.First(t => t.Name == MobyDick);

    /// <summary>
    /// Opens Moby Dick: DIR/text/moby-dick.txt of <paramref name="directory"/> or WORKBOOK_DATA, else the cache, else downloaded to the cache; with
    /// neither file nor network, after at most 5 seconds, a text drawn by a grammar of known entropy.
    /// </summary>
    /// <param name="directory">A folder of data, used as it is.</param>
    /// <param name="report">Gets a line of text now and then while a download runs.</param>
    /// <exception cref="WorkbookException">A file that is there can't be read, or is no text.</exception>
    public static TextSource Open(string? directory = null, Action<string>? report = null)
    {
        TextEntry entry = Entry;
        if ((directory ?? EnvironmentVariables.Find(EnvironmentVariables.Data)) is { } named
            && Path.Combine(named, "text", $"{MobyDick}.txt") is var path && File.Exists(path))
        {
            string not = Idx.IsContent(path, entry.File) ? "" : "; its content is not the published one";
            return Read(path, $"{entry.Title} from the folder that was named{not}");
        }

        string cached = Path.Combine(CacheFolder, MobyDick, entry.File.Published);
        if (Idx.IsContent(cached, entry.File))
        {
            return Read(cached, $"{entry.Title} from the cache");
        }

        string why = $"nothing is downloaded ({EnvironmentVariables.Offline})";
        if (EnvironmentVariables.Find(EnvironmentVariables.Offline) is null or "0" or "false")
        {
            try
            {
                report?.Invoke(FormattableString.Invariant($"downloading {entry.Title} ({entry.File.Download / 1e6:0.0} MB)"));
                Fetch(null, report is null ? null : new DownloadLines(report), briefly: true);
                return Read(cached, $"{entry.Title}, downloaded");
            }
            catch (WorkbookException e)
            {
                report?.Invoke(e.Message);
                why = "could not be downloaded";
            }
        }

        return new("grammar", "a grammar's text",
            $"a text drawn by a grammar of known entropy, because {entry.Title} is neither in a folder that was named nor in the cache and {why}",
            Grammar.Draw(GrammarCharacters), Grammar.Entropy);
    }

    /// <summary>Downloads Moby Dick, unless it is there; checked by SHA-256 before it gets its name.</summary>
    /// <param name="directory">Where to, as DIR/text/moby-dick.txt; the cache where left out.</param>
    /// <param name="progress">Gets the progress, from a thread of the pool.</param>
    /// <param name="briefly">Gives up when no mirror answers for 5 seconds in all.</param>
    /// <param name="cancel">Ends the download; what has arrived stays for the next attempt.</param>
    /// <returns>The file.</returns>
    /// <exception cref="WorkbookException">No mirror gives the file, or the folder can't be written.</exception>
    public static string Fetch(string? directory = null, IProgress<DownloadProgress>? progress = null, bool briefly = false, CancellationToken cancel = default)
    {
        TextEntry entry = Entry;
        string folder = directory is null ? Path.Combine(CacheFolder, MobyDick) : Path.Combine(directory, "text");
        string named = Path.Combine(folder, directory is null ? entry.File.Published : $"{MobyDick}.txt"), arrives = Path.Combine(folder, entry.File.Published);
        if (!Idx.IsContent(named, entry.File))
        {
            DatasetStore.Fetch(entry.Mirrors, () => Idx.IsContent(arrives, entry.File) ? [] : [entry.File], folder,
                briefly ? Patience.Trying : Patience.Asked, progress, cancel);
            File.Move(arrives, named, overwrite: true);
        }

        return named;
    }

    /// <summary>What is here, in <paramref name="directory"/>, else WORKBOOK_DATA, else the cache.</summary>
    /// <param name="directory">A folder of data.</param>
    public static DatasetStatus Status(string? directory = null)
    {
        TextEntry entry = Entry;
        string path = (directory ?? EnvironmentVariables.Find(EnvironmentVariables.Data)) is { } named ? Path.Combine(named, "text", $"{MobyDick}.txt")
            : Path.Combine(CacheFolder, MobyDick, entry.File.Published);
        bool isHere = File.Exists(path);
        return new(entry.Name, entry.Title, entry.Licence, Path.GetDirectoryName(path), isHere ? new FileInfo(path).Length : 0, entry.File.Download, isHere,
            isHere && Idx.IsContent(path, entry.File));
    }

    private static TextSource Read(string path, string source)
    {
        const int LeastCharacters = 100_000, MostBytes = 1 << 28;
        try
        {
            FileKind.RequireFile(Path.GetFullPath(path), "read");
            string text = new FileInfo(path).Length > MostBytes ? throw new WorkbookException($"{path} has more than {MostBytes:N0} bytes: name a smaller text")
                : new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(File.ReadAllBytes(path)).TrimStart('\ufeff').ReplaceLineEndings("\n");
            return text.Length >= LeastCharacters && !text.Contains('\0', StringComparison.Ordinal)
                ? new(MobyDick, Entry.Title, source, text, null)
                : throw new WorkbookException($"{path} is no text to learn from, with {text.Length:N0} characters: at least {LeastCharacters:N0} are needed");
        }
        catch (DecoderFallbackException e)
        {
            throw new WorkbookException($"{path} is no text in UTF-8: save it so", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new WorkbookException($"{path} can't be read: {e.Message}", e);
        }
    }
}

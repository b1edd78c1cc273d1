using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Workbook.Cli.Kernel;

namespace Workbook.Cli.Engines;

/// <summary>Says in the cell's own terms why the kernel calls it failed: an exception comes as its whole text.</summary>
internal static partial class InteractiveErrors
{
    private const int MostFrames = 12;
    private const int MostDiagnostics = 10;

    /// <param name="text">The kernel's words.</param>
    /// <param name="diagnostics">The compiler's errors.</param>
    /// <param name="cell">The cell.</param>
    /// <param name="languages">Those that the kernel has.</param>
    public static CellError Describe(string text, IReadOnlyList<JsonNode> diagnostics, CellRequest cell, string languages)
    {
        text = OutputLimits.Cut(text);
        if (text.Contains("NoSuitableKernelException", StringComparison.Ordinal))
        {
            return text.Contains("RequestInput", StringComparison.Ordinal)
                ? new("InputRequested", "the cell asks for input, and nobody is there to give it: make it a parameter (-p name=value)", 0, "", [], text)
                : new("KernelError", $"the cell is in {cell.Language}, which this kernel does not have; it has {languages}", 0, "", [], text);
        }

        if (diagnostics.Count > 0)
        {
            string[] errors = [.. diagnostics.Take(MostDiagnostics).Select(d => $"line {LineOf(d)}: error {d["code"]}: {d["message"]}")];
            string message = string.Join('\n', errors) + (diagnostics.Count > MostDiagnostics ? $"\nand {diagnostics.Count - MostDiagnostics} more" : "");
            return new("CompilationError", message, LineOf(diagnostics[0]), CellText.Line(cell.Code, LineOf(diagnostics[0])).Trim(), [], text);
        }

        if (Restore().Match(text) is { Success: true } restore)
        {
            const string remedy = "connect to a network, or name a folder or source that has the package with #i \"nuget: …\"";
            return new("PackageError", $"{restore.Groups[1].Value.Trim().TrimEnd('.')}: {remedy}", 0, "", [], text);
        }

        if (Twice().Match(text) is { Success: true } twice)
        {
            const string remedy = "a notebook imports lab.csx or has #r \"nuget: PruningWorkbook.Notebook\", not both";
            return new("PackageError", $"{twice.Groups[1].Value} is loaded already, from elsewhere: {remedy}", 0, "", [], text);
        }

        Match thrown = Thrown().Match(Cause(text));
        string[] frames = [.. Frame().Matches(text).Select(frame => frame.Value.Trim())
            .TakeWhile(frame => !frame.StartsWith("at Microsoft.CodeAnalysis.", StringComparison.Ordinal))];
        int line = frames.Select(frame => Place(ScriptSession.CellName(cell.Number)).Match(frame)).Where(place => place.Success)
            .Select(place => int.Parse(place.Groups[1].ValueSpan, System.Globalization.CultureInfo.InvariantCulture)).FirstOrDefault();
        string source = CellText.Line(cell.Code, line).Trim();
        if (source.Length == 0 || cell.Code.Split('\n').Any(code => code.TrimStart().StartsWith("#!", StringComparison.Ordinal)))
        {
            (line, source) = (0, ""); // counted from a magic on: of which one, the kernel does not say
        }

        if (frames.Length > MostFrames)
        {
            frames = [.. frames[..MostFrames], "…"];
        }

        return thrown.Success
            ? new(thrown.Groups[1].Value, thrown.Groups[2].Value.Trim(), line, source, frames, text)
            : new("KernelError", text.Trim(), 0, "", [], text);
    }

    private static int LineOf(JsonNode diagnostic) =>
        1 + (diagnostic["linePositionSpan"]?["start"]?["line"] is JsonValue value && value.TryGetValue(out int line) ? line : 0);

    // What a reflective call or a static constructor threw is the matter, not that one did.
    private static string Cause(string text)
    {
        int inner = text.LastIndexOf("\n ---> ", StringComparison.Ordinal);
        return inner >= 0
            && (text.StartsWith("System.Reflection.TargetInvocationException:", StringComparison.Ordinal)
                || text.StartsWith("System.TypeInitializationException:", StringComparison.Ordinal))
            ? text[(inner + 7)..]
            : text;
    }

    private static Regex Place(string cell) => new(Regex.Escape(cell) + ":line ([0-9]+)$", RegexOptions.CultureInvariant);

    // The type, then the message, which may have several lines, up to the first frame or the exception behind it.
    [GeneratedRegex("""\A([\w.+`]*(?:Exception|Error)[\w.+`]*|[\w+`]+(?:\.[\w+`]+)+): (.*?)(?=\r?\n   (?:at |---)|\r?\n ---> |\z)""", RegexOptions.Singleline)]
    private static partial Regex Thrown();

    [GeneratedRegex("""error (NU[0-9]+: [^\r\n]+)""")]
    private static partial Regex Restore();

    [GeneratedRegex("""'([\w.]+), [^']*'\. Assembly with same name is already loaded""")]
    private static partial Regex Twice();

    [GeneratedRegex("""^   at .*$""", RegexOptions.Multiline)]
    private static partial Regex Frame();
}

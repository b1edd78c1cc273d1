namespace Workbook;

/// <summary>Messages about files: names in them come from outside and may hold anything.</summary>
internal static class SafeTensorsFault
{
    private const int LongestName = 80, NamesShown = 5;

    /// <summary>A fault of a file that can't be used as it is.</summary>
    internal static WorkbookException Of(string path, string what, Exception? inner = null) =>
        new(OneLine($"{path} is not a sound safetensors file: {what}; write or fetch it again"), inner);

    internal static string OneLine(string text) => string.Concat(text.Select(c => char.IsControl(c) || c is '\u2028' or '\u2029' ? ' ' : c));

    internal static string Quoted(string name) => $"'{Short(name, LongestName)}'";

    internal static string Short(string text, int longest) => text.Length > longest ? text[..longest] + "…" : text;

    internal static string List(IReadOnlyCollection<string> names) => names.Count == 0 ? "nothing"
        : string.Join(", ", names.Take(NamesShown).Select(Quoted)) + (names.Count > NamesShown ? $" and {names.Count - NamesShown} more" : "");

    internal static string Shape(IEnumerable<long> shape) => $"[{string.Join(", ", shape)}]";
}

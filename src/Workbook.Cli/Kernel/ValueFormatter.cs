using Microsoft.CodeAnalysis.CSharp.Scripting.Hosting;
using Workbook.Notebook;

namespace Workbook.Cli.Kernel;

/// <summary>How a value looks in a notebook.</summary>
internal static class ValueFormatter
{
    public static IReadOnlyDictionary<string, string> ToBundle(object? value) => value switch
    {
        null => Plain("null"),
        string text => Plain(text),
        _ => Formatters.TryFormat(value) ?? Plain(CSharpObjectFormatter.Instance.FormatObject(value)),
    };

    private static Dictionary<string, string> Plain(string text) => new() { ["text/plain"] = text };
}

using System.Collections;
using System.Text;
using Microsoft.CodeAnalysis.CSharp.Scripting.Hosting;
using Workbook.Notebook;

namespace Workbook.Cli.Kernel;

/// <summary>How a value looks in a notebook.</summary>
internal static class ValueFormatter
{
    private const int MostElements = 100;
    private const int DeepestSequence = 8;

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    public static IReadOnlyDictionary<string, string> ToBundle(object? value) => value switch
    {
        null => Plain("null"),
        string text => Plain(text),
        _ => Formatters.TryFormat(value) ?? Plain(Format(value)),
    };

    private static Dictionary<string, string> Plain(string text) => new() { ["text/plain"] = text };

    // A value's members, and how it writes itself, are anybody's code, which may not end: the cell does.
    private static string Format(object value)
    {
        if (value is ValueType and IFormattable)
        {
            return CSharpObjectFormatter.Instance.FormatObject(value);
        }

        Task<string> writing = Task.Factory.StartNew(() => Format(value, 0), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        return writing.ContinueWith(_ => { }, TaskScheduler.Default).Wait(s_patience) ? writing.GetAwaiter().GetResult()
            : $"{value.GetType()} [its value is left out: writing it takes longer than {s_patience.TotalSeconds:0} s]";
    }

    // A sequence that is computed as it is read may have no end; what has all its elements at hand is written by the compiler's formatter.
    private static string Format(object value, int depth)
    {
        if (value is not IEnumerable sequence || value is string || IsCollection(value.GetType()) || depth >= DeepestSequence)
        {
            return CSharpObjectFormatter.Instance.FormatObject(value);
        }

        List<object?> first = [];
        bool more = false;
        IEnumerator elements = sequence.GetEnumerator();
        using (elements as IDisposable)
        {
            while (!more && elements.MoveNext())
            {
                more = first.Count == MostElements;
                if (!more)
                {
                    first.Add(elements.Current);
                }
            }
        }

        StringBuilder text = new("{ ");
        text.AppendJoin(", ", first.Select(element => element is null ? "null" : Format(element, depth + 1)));
        return text.Append(more ? $", … (the first {MostElements})" : "").Append(" }").ToString();
    }

    private static bool IsCollection(Type type) => type.IsAssignableTo(typeof(ICollection)) || type.GetInterfaces().Any(known => known.IsGenericType
        && (known.GetGenericTypeDefinition() == typeof(ICollection<>) || known.GetGenericTypeDefinition() == typeof(IReadOnlyCollection<>)));
}

using System.Collections.Concurrent;
using System.Diagnostics;
using System.Reflection;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Scripting;

namespace Workbook.Cli.Kernel;

/// <summary>Says what went wrong in a cell in the cell's own terms. Exceptions are a cell's code too: what they say of themselves may fail.</summary>
/// <param name="folder">The notebook's folder: paths are told relative to it.</param>
internal sealed class CellErrors(string folder)
{
    private const int MostFrames = 12;
    private const int MostDiagnostics = 10;
    private const int MostFrame = 1000;

    private readonly ConcurrentDictionary<string, CellRequest> _cells = new();

    /// <summary>From now on a cell's lines are known.</summary>
    public void Begin(CellRequest cell) => _cells[ScriptSession.CellName(cell.Number)] = cell;

    /// <param name="exception">What was thrown.</param>
    /// <param name="cell">The cell that ran, or that began what failed later.</param>
    public CellError Describe(Exception exception, CellRequest cell)
    {
        try
        {
            string name = ScriptSession.CellName(cell.Number);
            (string type, string message, string place, int line, IReadOnlyList<string> frames) = exception switch
            {
                CellException e => (e.Name, e.Message, name, e.Line, []),
                CompilationErrorException e => DescribeCompilation(e, name),
                _ => DescribeThrown(exception, name),
            };
            CellRequest at = _cells.GetValueOrDefault(place, cell);
            string[] texts = [.. frames.Select(frame => OutputLimits.Cut(frame, MostFrame))];
            string source = OutputLimits.Cut(CellText.Line(at.Code, line).Trim(), MostFrame);
            return new CellError(type, OutputLimits.Cut(message, 3 * OutputLimits.Message), line, source, texts,
                Words(exception.ToString), at.Number);
        }
#pragma warning disable CA1031 // There is nothing else to say of it.
        catch (Exception e)
#pragma warning restore CA1031
        {
            return new CellError(exception.GetType().FullName!, $"(it can't be described: {e.GetType().FullName})", Cell: cell.Number);
        }
    }

    private static string Words(Func<string?> words)
    {
        try
        {
            return OutputLimits.Cut(words() ?? "");
        }
#pragma warning disable CA1031 // It is a cell's code.
        catch (Exception e)
#pragma warning restore CA1031
        {
            return $"(its message can't be read: that throws {e.GetType().FullName})";
        }
    }

    private (string, string, string, int, IReadOnlyList<string>) DescribeCompilation(CompilationErrorException exception, string name)
    {
        Diagnostic[] errors = [.. exception.Diagnostics.Where(d => d.Severity == DiagnosticSeverity.Error)];
        FileLinePositionSpan[] spans = [.. errors.Select(d => d.Location.GetLineSpan())];
        int line = spans.Where(span => Place(span.Path) == name).Select(span => span.StartLinePosition.Line + 1).FirstOrDefault();
        IEnumerable<string> texts = errors.Zip(spans, (error, span) =>
        {
            string place = Place(span.Path);
            string position = place.Length == 0 ? "" : $"{(place == name ? "" : place + ", ")}line {span.StartLinePosition.Line + 1}: ";
            return $"{position}error {error.Id}: {error.GetMessage()}";
        });
        string message = string.Join('\n', texts.Take(MostDiagnostics));
        return ("CompilationError", errors.Length > MostDiagnostics ? $"{message}\nand {errors.Length - MostDiagnostics} more" : message, name, line, []);
    }

    private (string, string, string, int, IReadOnlyList<string>) DescribeThrown(Exception exception, string name)
    {
        while (exception is TargetInvocationException { InnerException: { } inner })
        {
            exception = inner;
        }

        string message = Words(() => exception.Message);
        if (exception is TypeInitializationException { InnerException: { } cause })
        {
            message += " " + Words(() => cause.Message);
        }

        StackFrame[] frames = new StackTrace(exception, fNeedFileInfo: true).GetFrames();
        StackFrame? at = frames.FirstOrDefault(frame => Place(frame.GetFileName()) == name)
            ?? frames.FirstOrDefault(frame => _cells.ContainsKey(Place(frame.GetFileName())));
        List<string> texts = [];
        foreach (StackFrame frame in frames)
        {
            MethodBase? method = frame.GetMethod();
            Type? type = method?.DeclaringType;
            if (type?.Namespace?.StartsWith("Microsoft.CodeAnalysis", StringComparison.Ordinal) == true || type?.Assembly == typeof(CellErrors).Assembly)
            {
                break;
            }

            if (method is not null && type?.Namespace != "System.Runtime.CompilerServices" && type?.Namespace != "System.Runtime.ExceptionServices")
            {
                texts.Add(DescribeFrame(frame, method, type));
            }
        }

        if (texts.Count > MostFrames)
        {
            texts.RemoveRange(MostFrames, texts.Count - MostFrames);
            texts.Add("…");
        }

        return (exception.GetType().FullName!, message, at is null ? name : Place(at.GetFileName()), at?.GetFileLineNumber() ?? 0, texts);
    }

    // A cell's name is no path, but comes back from the compiler as one.
    private string Place(string? path) => Path.IsPathRooted(path) ? Path.GetRelativePath(folder, path) : path ?? "";

    private string DescribeFrame(StackFrame frame, MethodBase method, Type? type)
    {
        string place = frame.GetFileName() is { } file ? $" in {Place(file)}, line {frame.GetFileLineNumber()}" : "";
        bool ofCell = type?.FullName?.StartsWith("Submission#", StringComparison.Ordinal) == true;
        if (ofCell && type!.FullName!.Contains("<<Initialize>>", StringComparison.Ordinal))
        {
            return "at the cell's code" + place;
        }

        string owner = type is null || (ofCell && !type.IsNested) ? "" : (ofCell ? type.Name : type.FullName) + ".";
        string parameters = string.Join(", ", method.GetParameters().Select(p => p.ParameterType.Name));
        return $"at {owner}{method.Name}({parameters}){place}";
    }
}

using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.ExceptionServices;

namespace Workbook.Cli.Kernel;

/// <summary>
/// A notebook's code, read by the compiler's parser in this program. That goes as deep as types, patterns and texts lie in each other, and a stack that is
/// full ends the program, with everybody's notebooks: the reader gets a large one, and too much is not read.
/// </summary>
internal static class ForeignCode
{
    private const int MostCharacters = 200_000, MostOpenings = 20_000, MostInterpolated = 300, Short = 1000, StackBytes = 256 << 20;

    private static readonly SearchValues<char> s_openings = SearchValues.Create("([{<");

    /// <summary>Reads code.</summary>
    /// <returns>False where it is too long, or its parts may lie too deep in each other: nobody writes such by hand.</returns>
    public static bool TryRead<T>(string code, Func<string, T> read, [NotNullWhen(true)] out T? value)
        where T : notnull
    {
        value = default;
        if (code.Length > MostCharacters || code.Count(s_openings.Contains) > MostOpenings || code.Count(c => c == '$') > MostInterpolated)
        {
            return false;
        }

        if (code.Length <= Short)
        {
            value = read(code);
            return true;
        }

        T? got = default;
        ExceptionDispatchInfo? fault = null;
        Thread reader = new(Read, StackBytes);
        reader.Start();
        reader.Join();
        fault?.Throw();
        value = got!;
        return true;

        void Read()
        {
            try
            {
                got = read(code);
            }
#pragma warning disable CA1031 // Thrown again where somebody waits for it.
            catch (Exception e)
#pragma warning restore CA1031
            {
                fault = ExceptionDispatchInfo.Capture(e);
            }
        }
    }
}

using System.Buffers;
using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.ExceptionServices;

namespace Workbook.Cli.Kernel;

/// <summary>
/// A notebook's code, read by the compiler's parser in this program. That goes as deep as types, patterns and texts lie in each other, and a stack that is
/// full ends the program, with everybody's notebooks; some brackets it tries in every way that there is, without end. The reader gets a large stack and some
/// time, and too much is not read.
/// </summary>
internal static class ForeignCode
{
    private const int MostCharacters = 200_000, MostOpenings = 20_000, MostInterpolated = 300, StackBytes = 256 << 20, MostEndless = 4;

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(20);
    private static readonly SearchValues<char> s_openings = SearchValues.Create("([{<");

    // Code whose reader did not end: the parser can't be stopped, and goes on beside all else.
    private static readonly ConcurrentDictionary<string, bool> s_endless = new();

    /// <summary>Reads code.</summary>
    /// <returns>False where it is too long, its parts may lie too deep in each other, or reading it takes too long: nobody writes such by hand.</returns>
    public static bool TryRead<T>(string code, Func<string, T> read, [NotNullWhen(true)] out T? value)
        where T : notnull
    {
        value = default;
        if (code.Length > MostCharacters || code.Count(s_openings.Contains) > MostOpenings || code.Count(c => c == '$') > MostInterpolated
            || s_endless.ContainsKey(code) || s_endless.Count >= MostEndless)
        {
            return false;
        }

        T? got = default;
        ExceptionDispatchInfo? fault = null;
        Thread reader = new(Read, StackBytes) { IsBackground = true };
        reader.Start();
        if (!reader.Join(s_patience))
        {
            s_endless[code] = true;
            return false;
        }

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

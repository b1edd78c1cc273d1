using System.Runtime.InteropServices;

namespace Workbook.Cli.Running;

/// <summary>
/// Whether this machine has cultures for notebooks: ICU, which .NET takes them from. The runner itself needs none, and a process that asks for them
/// where there are none does not start.
/// </summary>
internal static class Cultures
{
    /// <summary>The variable by which .NET is told to do without.</summary>
    public const string Invariant = "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT";

    /// <summary>The variable by which .NET is told to know only cultures that have data.</summary>
    public const string PredefinedOnly = "DOTNET_SYSTEM_GLOBALIZATION_PREDEFINED_CULTURES_ONLY";

    // Those that .NET looks for.
    private const int Newest = 110, Oldest = 50;

    /// <summary>Whether there are any. Windows and macOS bring them.</summary>
    public static bool AreHere { get; } = !OperatingSystem.IsLinux() || Has("libicuuc.so") && Has("libicui18n.so");

    /// <summary>What is said where there are none.</summary>
    public const string Remark = "this machine has no ICU: cells know the invariant culture alone (a package like libicu or icu-libs brings the others)";

    private static bool Has(string library) => Enumerable.Range(Oldest, Newest - Oldest + 1).Reverse().Select(version => $"{library}.{version}").Append(library)
        .Any(name =>
        {
            bool found = NativeLibrary.TryLoad(name, out nint handle);
            if (found)
            {
                NativeLibrary.Free(handle);
            }

            return found;
        });
}

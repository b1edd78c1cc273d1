using System.Security.Cryptography;

namespace Workbook.Native;

/// <summary>
/// LibTorchSharp is built against GLIBCXX_3.4.32 and uses nothing of it but the marker
/// <c>ios_base_library_init</c>, which no code refers to. On a system that has 3.4.30 or 3.4.31 (Debian 12,
/// Ubuntu 22.04) a copy that needs that one version only weakly loads and runs.
/// </summary>
internal static class CompatibleCopy
{
    internal const string Library = "libstdc++.so.6", Newest = "GLIBCXX_3.4.32", Least = "GLIBCXX_3.4.30";

    private const string Marker = "_ZSt21ios_base_library_initv";

    /// <summary>The file to load: the source itself where the system has all that it needs, else a patched copy.</summary>
    /// <param name="source">LibTorchSharp as it came in its package.</param>
    /// <param name="systemVersions">The versions that the system's libstdc++ defines.</param>
    /// <param name="folders">Where the copy may be kept, best first; the first that can be written is taken.</param>
    /// <exception cref="WorkbookException">The system is too old, the file is damaged, or no folder can be written.</exception>
    internal static string For(string source, IReadOnlyCollection<string> systemVersions, IEnumerable<string> folders)
    {
        byte[] bytes = File.ReadAllBytes(source);
        ElfImage.Need[] missing;
        ElfImage image;
        try
        {
            image = new ElfImage(bytes);
            missing = [.. image.NeededVersions().Where(n => n.File == Library && !n.IsWeak && !systemVersions.Contains(n.Version))];
            if (missing.Length == 0)
            {
                return source;
            }

            if (missing.FirstOrDefault(n => n.Version != Newest || image.SymbolsOf(n).Any(s => s != Marker)) is { Version: not null } real)
            {
                throw new WorkbookException(
                    $"this system's {Library} lacks {real.Version}, which TorchSharp needs (at least {Least}): use Debian 12, Ubuntu 22.04 or newer, or a "
                        + $"container such as mcr.microsoft.com/dotnet/sdk:10.0");
            }
        }
        catch (InvalidDataException e)
        {
            throw new WorkbookException($"{source} is damaged ({e.Message}): delete its package from the NuGet cache and run 'dotnet restore' again", e);
        }

        byte[] patched = image.Weakened(missing[0]);
        string name = Path.Combine(Convert.ToHexStringLower(SHA256.HashData(bytes))[..16], Path.GetFileName(source));
        Exception? last = null;
        foreach (string folder in folders)
        {
            try
            {
                CacheRoot.Check(folder);
                return Store(Path.Combine(folder, name), patched);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or WorkbookException)
            {
                last = e;
            }
        }

        throw new WorkbookException(
            $"no folder can be written for the copy of {Path.GetFileName(source)} that this system needs ({last?.Message}): "
                + $"set {EnvironmentVariables.Cache} to a folder that can", last);
    }

    /// <summary>Keeps the bytes under a path; processes that start at once each write their own file and rename it.</summary>
    private static string Store(string path, byte[] bytes)
    {
        if (File.Exists(path) && File.ReadAllBytes(path).AsSpan().SequenceEqual(bytes))
        {
            return path;
        }

        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        string temporary = $"{path}.{Environment.ProcessId}.{Guid.NewGuid():N}.tmp";
        try
        {
            File.WriteAllBytes(temporary, bytes);
            File.Move(temporary, path, overwrite: true);
        }
        finally
        {
            File.Delete(temporary);
        }

        return path;
    }
}

namespace Workbook.Native;

/// <summary>The folder of all that is kept between programs: data sets, and the copy of a native library.</summary>
internal static class CacheRoot
{
    /// <summary>What WORKBOOK_CACHE names, else a folder of the user, else one in the common temporary folder.</summary>
    internal static string Path => All().First();

    /// <summary>All three, best first.</summary>
    internal static IEnumerable<string> All()
    {
        if (EnvironmentVariables.Find(EnvironmentVariables.Cache) is { } named)
        {
            yield return named;
        }

        if (Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData) is { Length: > 0 } local)
        {
            yield return System.IO.Path.Combine(local, "pruning-workbook");
        }

        yield return InCommon(System.IO.Path.GetTempPath());
    }

    /// <summary>The folder in a folder where everybody may make some.</summary>
    internal static string InCommon(string common) => System.IO.Path.Combine(common, $"pruning-workbook-{Environment.UserName}");

    /// <summary>
    /// Makes sure, before anything in it is used, that nobody else can put anything into a cache in the common temporary
    /// folder: whoever made it first could choose what this user loads. Other places are the user's own choice.
    /// </summary>
    /// <param name="path">The cache, or a folder in it.</param>
    /// <param name="common">The folder where everybody may make some; the system's by default.</param>
    /// <exception cref="WorkbookException">It is a link, somebody else's or open to others, or can't be made.</exception>
    internal static void Check(string path, string? common = null)
    {
        string root = InCommon(common ?? System.IO.Path.GetTempPath());
        if (OperatingSystem.IsWindows() || !(path + "/").StartsWith(root + "/", StringComparison.Ordinal))
        {
            return;
        }

        try
        {
            Directory.CreateDirectory(root, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            if (!FileKind.IsPrivateFolder(root))
            {
                throw new UnauthorizedAccessException("it is a link, somebody else's or open to others");
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new WorkbookException($"the cache {root} can't be used ({e.Message}): delete it, or name another folder with {EnvironmentVariables.Cache}",
                e);
        }
    }
}

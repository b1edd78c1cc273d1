namespace Workbook.Cli.Tests;

/// <summary>The clone that the tests were built in.</summary>
internal static class Repository
{
    public static string PathOf(params string[] names)
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Workbook.sln")))
        {
            folder = folder.Parent;
        }

        return Path.Combine([folder!.FullName, .. names]);
    }
}

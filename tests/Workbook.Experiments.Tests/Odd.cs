using System.Diagnostics;

namespace Workbook.Tests;

/// <summary>What is no regular file, on Linux.</summary>
internal static class Odd
{
    /// <summary>Puts a new pipe, or a link to what is named, at a path.</summary>
    internal static void Put(string what, string path)
    {
        File.Delete(path);
        if (what != "pipe")
        {
            File.CreateSymbolicLink(path, what);
            return;
        }

        using Process made = Process.Start("mkfifo", [path]);
        made.WaitForExit();
    }
}

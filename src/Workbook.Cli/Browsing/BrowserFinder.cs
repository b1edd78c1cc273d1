using Workbook.Native;

namespace Workbook.Cli.Browsing;

/// <summary>Finds a Chromium, Chrome or Edge on this machine: what draws the pictures of charts.</summary>
internal static class BrowserFinder
{
    private static readonly string[] s_names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge",
        "microsoft-edge-stable", "msedge"];

    /// <summary>The browser's program.</summary>
    /// <exception cref="WorkbookException">There is none, or the variable names a file that is not there.</exception>
    public static string Require() => Find() ?? throw new WorkbookException(
        $"pictures of charts are drawn by Chromium, Chrome or Edge, and none was found: install one, or name its program in {EnvironmentVariables.Browser}");

    /// <summary>The browser's program; null if there is none.</summary>
    /// <exception cref="WorkbookException">The variable names a file that is not there.</exception>
    public static string? Find() => Find(Environment.GetEnvironmentVariable, File.Exists);

    internal static string? Find(Func<string, string?> variable, Func<string, bool> exists)
    {
        if (variable(EnvironmentVariables.Browser) is { Length: > 0 } named)
        {
            return exists(named) ? named : throw new WorkbookException(
                $"{EnvironmentVariables.Browser} names {named}, which is not there: name the program of a Chromium, Chrome or Edge, or unset the variable");
        }

        string suffix = OperatingSystem.IsWindows() ? ".exe" : "";
        string[] folders = (variable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries);
        return s_names.SelectMany(name => folders.Select(folder => Path.Combine(folder, name + suffix))).Concat(WellKnown(variable)).FirstOrDefault(exists);
    }

    private static IEnumerable<string> WellKnown(Func<string, string?> variable)
    {
        if (OperatingSystem.IsWindows())
        {
            string[] roots = ["ProgramFiles", "ProgramFiles(x86)", "LocalAppData"];
            string[] places = [@"Google\Chrome\Application\chrome.exe", @"Chromium\Application\chrome.exe", @"Microsoft\Edge\Application\msedge.exe"];
            return places.SelectMany(place => roots.Select(variable).OfType<string>().Select(folder => Path.Combine(folder, place)));
        }

        string[] applications = ["Google Chrome", "Chromium", "Microsoft Edge"];
        string[] folders = ["", variable("HOME") ?? ""];
        return OperatingSystem.IsMacOS()
            ? applications.SelectMany(name => folders.Select(root => $"{root}/Applications/{name}.app/Contents/MacOS/{name}"))
            : ["/snap/bin/chromium", "/opt/google/chrome/chrome", "/opt/microsoft/msedge/msedge"];
    }
}

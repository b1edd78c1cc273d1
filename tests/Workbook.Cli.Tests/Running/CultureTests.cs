using System.Diagnostics;
using Workbook.Cli.Running;
using Xunit;

namespace Workbook.Cli.Tests.Running;

/// <summary>Cells have the system's cultures where there are any; what they print without naming one is the same everywhere.</summary>
public sealed class CultureTests : IDisposable
{
    private const string Cell = "using System.Globalization;\nConsole.Write((1234.5).ToString(\"N1\", CultureInfo.GetCultureInfo(\"de-DE\")) + ' ' "
        + "+ 1234.5 + ' ' + string.Join(\"\", new[] { \"b\", \"A\", \"a\", \"B\" }.Order()) + ' ' + CultureInfo.CurrentCulture.Name.Length + ' '\n"
        + "    + System.Threading.Tasks.Task.Run(() => $\"{1.5}\").Result);";

    private readonly Workspace _workspace = new();

    public void Dispose() => _workspace.Dispose();

    [Theory]
    [InlineData("workbook")]
    [InlineData("dotnet-interactive")]
    public void A_culture_can_be_named_and_nothing_depends_on_the_users(string kernel)
    {
        Engines.KernelTool.RequireFor(kernel);
        Assert.SkipUnless(Cultures.AreHere, Cultures.Remark);
        Dictionary<string, string> german = new() { ["LANG"] = "de_DE.UTF-8", ["LC_ALL"] = "de_DE.UTF-8" };
        (int exitCode, _, string errors) = Workspace.Finish(_workspace.Start(german, "run", _workspace.Write("n", Cell), "--kernel", kernel));
        Assert.True(exitCode == 0, errors);
        Assert.Equal(["stdout: 1.234,5 1234.5 aAbB 0 1.5"], Notebooks.Outputs(_workspace.Executed("n"), 0));
    }

    [Theory]
    [InlineData("workbook")]
    [InlineData("dotnet-interactive")]
    public void On_a_machine_without_any_notebooks_run_and_one_line_says_so(string kernel)
    {
        Engines.KernelTool.RequireFor(kernel);
        string[] libraries = OperatingSystem.IsLinux() ? [.. new[] { "/usr/lib", "/lib", "/usr/lib64", "/lib64" }.Where(Directory.Exists)
            .SelectMany(folder => Directory.GetFiles(folder, "libicu*", new EnumerationOptions { RecurseSubdirectories = true, MaxRecursionDepth = 2 }))
            .Select(path => new FileInfo(path).ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? path).Distinct()] : [];

        // Away for this run alone: an empty file lies over each of them.
        string hide = string.Concat(libraries.Select(path => $"mount --bind /dev/null {path} && ")) + "exec \"$0\" \"$@\"";
        Assert.SkipUnless(OperatingSystem.IsLinux() && Ends(0, "-rm", "sh", "-c", hide, "true"), "this system hides no libraries from a program");
        string program = Path.Combine(AppContext.BaseDirectory, "Workbook.Cli");
        ProcessStartInfo start = new("unshare",
            ["-rm", "sh", "-c", hide, program, "run", _workspace.Write("n", "Console.Write(1.5 + \" \" + CultureInfo.InvariantCulture.Name.Length);\n"
                .Replace("CultureInfo", "System.Globalization.CultureInfo", StringComparison.Ordinal)), "--kernel", kernel])
        {
            WorkingDirectory = _workspace.Folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        (int exitCode, _, string errors) = Workspace.Finish(Process.Start(start)!);
        Assert.True(exitCode == 0, errors);
        Assert.Equal(Cultures.Remark, errors.Trim());
        Assert.Equal(["stdout: 1.5 0"], Notebooks.Outputs(_workspace.Executed("n"), 0));
    }

    private static bool Ends(int code, params string[] arguments)
    {
        try
        {
            using Process process = Process.Start(new ProcessStartInfo("unshare", arguments) { RedirectStandardError = true })!;
            process.WaitForExit();
            return process.ExitCode == code;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }
}

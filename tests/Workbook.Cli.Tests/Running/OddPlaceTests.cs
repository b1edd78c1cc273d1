using System.Diagnostics;
using Xunit;

namespace Workbook.Cli.Tests.Running;

/// <summary>Folders, files and names that are other than they seem.</summary>
public sealed class OddPlaceTests : IDisposable
{
    private const string Escape = "\\u001b[2J\\u009b31m\\u0007\\r";

    private readonly Workspace _workspace = new();

    public void Dispose() => _workspace.Dispose();

    [Theory]
    [InlineData("out", "notebooks")]
    [InlineData("out/n.ipynb", "../notebooks/n.ipynb")]
    [InlineData("out/site", "../notebooks")]
    [InlineData("out/site/n.ipynb", "../../notebooks/n.ipynb")]
    public void An_output_folder_that_leads_to_the_notebook_is_refused(string link, string leadsTo)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "making links needs a right that few have there");
        string notebook = _workspace.Write("notebooks/n", "Console.WriteLine(6 * 7);"), before = File.ReadAllText(notebook);
        Directory.CreateDirectory(Path.GetDirectoryName(_workspace.PathOf(link))!);
        File.CreateSymbolicLink(_workspace.PathOf(link), leadsTo);
        (int exitCode, _, string errors) = _workspace.Run("run", notebook, "--out", "out");

        Assert.Equal(2, exitCode);
        Assert.Contains("use --in-place", Assert.Single(errors.Trim().Split('\n')), StringComparison.Ordinal);
        Assert.Equal(before, File.ReadAllText(notebook));
        Assert.Equal(["n.ipynb"], Directory.GetFileSystemEntries(_workspace.PathOf("notebooks")).Select(Path.GetFileName));
    }

    [Fact]
    public void A_name_in_other_letters_is_the_same_file_where_the_system_says_so()
    {
        string notebook = _workspace.Write("notebooks/n", "1"), before = File.ReadAllText(notebook);
        Assert.SkipUnless(File.Exists(_workspace.PathOf("NOTEBOOKS", "n.ipynb")), "letters matter here");
        Assert.Equal(2, _workspace.Run("run", notebook, "--out", "NOTEBOOKS").ExitCode);
        Assert.Equal(before, File.ReadAllText(notebook));
    }

    [Fact]
    public void A_run_from_a_deleted_folder_says_so_in_one_line()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "a folder that is somebody's current one can't be deleted there");
        string notebook = _workspace.Write("n", "1");
        foreach (string command in new[] { $"run {notebook}", "runs list", "doctor", "data list", "" })
        {
            ProcessStartInfo start = new("sh", ["-c", $"mkdir gone; cd gone; rmdir ../gone; exec \"$0\" {command}", Workspace.Program])
            {
                WorkingDirectory = _workspace.Folder,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            };
            (int exitCode, string output, string errors) = Workspace.Finish(Process.Start(start)!);
            Assert.Equal((2, ""), (exitCode, output));
            Assert.Equal("error: the current folder has been deleted: change to another one (cd) and start again", errors.Trim());
        }
    }

    [Fact]
    public void A_pipe_in_a_store_or_in_place_of_a_notebook_keeps_nobody_waiting()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "no such pipes there");
        _workspace.WriteText("runs/store.json", "{ \"format\": 2 }\n");
        Directory.CreateDirectory(_workspace.PathOf("runs", "0123456789abcdef0123"));
        Directory.CreateDirectory(_workspace.PathOf("runs", ".0123456789abcdef0124.x"));
        Directory.CreateDirectory(_workspace.PathOf("runs", "0123456789abcdef0125"));
        foreach (string name in new[] { "runs/0123456789abcdef0123/run.json", "runs/.0123456789abcdef0124.x/run.json", "runs/pipe", "n.ipynb" })
        {
            Process.Start("mkfifo", [_workspace.PathOf(name)]).WaitForExit();
        }

        File.CreateSymbolicLink(_workspace.PathOf("runs", "0123456789abcdef0125", "run.json"), "/dev/zero");
        File.CreateSymbolicLink(_workspace.PathOf("runs", "zero"), "/dev/zero");
        (int exitCode, string output, string errors) = _workspace.Run("runs", "list", "--runs", "runs");
        Assert.True(exitCode == 0, errors);
        Assert.Contains("2 damaged", output, StringComparison.Ordinal);

        (exitCode, _, errors) = _workspace.Run("run", "n.ipynb");
        Assert.Equal(2, exitCode);
        Assert.Contains("it is a pipe", errors, StringComparison.Ordinal);
        (exitCode, _, errors) = _workspace.Run("run", _workspace.Write("loads", "#load \"n.ipynb\""), "--timeout", "60");
        Assert.Equal(1, exitCode);
    }

    [Fact]
    public void What_notebooks_say_can_not_steer_the_terminal()
    {
        string name = OperatingSystem.IsWindows() ? "n" : "n\u001b[31m";
        string notebook = _workspace.Write(name, $"#!import {Repository.PathOf("lab.csx")}",
            $"(Claims.Ours(\"pruning.a\", \"A{Escape}\", [1.0], Expect.Above(2), \"{Escape}\") with {{ Dataset = \"{Escape}\" }}).Show();",
            $"throw new Exception(\"B{Escape}\");");
        foreach (string[] more in new string[][] { [], ["--verbose"] })
        {
            (int exitCode, string output, string errors) = _workspace.Run(["run", notebook, .. more]);
            Assert.Equal(1, exitCode);
            Assert.Contains("Exception: B\uFFFD[2J", errors, StringComparison.Ordinal);
            Assert.Contains("A\uFFFD[2J", output, StringComparison.Ordinal);
            Assert.DoesNotContain(output + errors, c => char.IsControl(c) && c is not ('\n' or '\t') && !(c == '\r' && OperatingSystem.IsWindows()));
        }
    }
}

using Workbook.Cli.Kernel;

namespace Workbook.Cli.Engines;

/// <summary>
/// What the runner itself has the kernel do around a notebook's cells: it ends with the runner, says where in a cell an exception was thrown,
/// and shows with a cell what native code printed in it.
/// </summary>
internal static class InteractiveScript
{
    /// <summary>The language that these are in.</summary>
    public const string Language = "csharp";

    /// <summary>After a cell: native text goes out, then a mark by which the runner knows that it has read all of it.</summary>
    public const string End = "__WorkbookRunner.End();";

    /// <summary>After the last cell: waits for what cells have left running, not for long.</summary>
    public const string WaitForRest = "__WorkbookRunner.WaitForRest();";

    private const string OwnLab = "lab.csx";

    /// <summary>Before the first cell. The kernel compiles cells without debug information, which no option of it changes: its field does.</summary>
    public static string Prepare(string endOfCell) => $$"""
        static class __WorkbookRunner
        {
            [System.Runtime.InteropServices.DllImport("{{(OperatingSystem.IsWindows() ? "ucrtbase" : "libc")}}", EntryPoint = "fflush")]
            private static extern int Flush(nint file);

            [System.Runtime.InteropServices.DllImport("libc", EntryPoint = "setsid")]
            private static extern int BeginSession();

            [System.Runtime.InteropServices.DllImport("libc", EntryPoint = "kill")]
            private static extern int Kill(int id, int signal);

            [System.Runtime.InteropServices.DllImport("libc", EntryPoint = "prctl")]
            private static extern int Control(int option, nint a, nint b, nint c, nint d);

            private static readonly byte[] s_mark = System.Text.Encoding.UTF8.GetBytes("{{endOfCell.Replace("\u0001", "\\u0001", StringComparison.Ordinal)}}");
            private static readonly System.IO.Stream s_errors = System.Console.OpenStandardError();
            private static readonly System.Runtime.InteropServices.PosixSignalRegistration s_interrupt =
                System.Runtime.InteropServices.PosixSignalRegistration.Create(
                    System.Runtime.InteropServices.PosixSignal.SIGINT, context => context.Cancel = true);

            private static readonly long s_timers = System.Threading.Timer.ActiveCount;

            static __WorkbookRunner()
            {
                if (!System.OperatingSystem.IsWindows())
                {
                    BeginSession();
                }

                if (System.OperatingSystem.IsLinux())
                {
                    Control(36, 1, 0, 0, 0); // adopts what its children leave behind
                }

                System.Globalization.CultureInfo.DefaultThreadCurrentCulture = System.Globalization.CultureInfo.InvariantCulture;
                System.Globalization.CultureInfo.DefaultThreadCurrentUICulture = System.Globalization.CultureInfo.InvariantCulture;
                var runner = System.Diagnostics.Process.GetProcessById({{Environment.ProcessId}});
                void EndWithIt()
                {
                    runner.WaitForExit();
                    while (System.OperatingSystem.IsLinux() && EndChildren())
                    {
                        System.Threading.Thread.Sleep(1);
                    }

                    System.Diagnostics.Process.GetCurrentProcess().Kill();
                }

                new System.Threading.Thread(EndWithIt) { IsBackground = true }.Start();
            }

            // Those of a child that ends become this process's own: in the end none is left.
            private static bool EndChildren()
            {
                bool any = false;
                foreach (string folder in System.IO.Directory.GetDirectories("/proc"))
                {
                    try
                    {
                        string text = int.TryParse(System.IO.Path.GetFileName(folder), out int id) ? System.IO.File.ReadAllText(folder + "/stat") : ")";
                        string[] fields = text.Substring(text.LastIndexOf(')') + 1).Split(' ');
                        if (fields.Length > 2 && fields[1] != "Z" && fields[2] == System.Environment.ProcessId.ToString())
                        {
                            any = true;
                            Kill(id, 9);
                        }
                    }
                    catch (System.IO.IOException)
                    {
                        // It has just ended.
                    }
                }

                return any;
            }

            public static void Begin(string cell)
            {
                var kernel = Microsoft.DotNet.Interactive.KernelExtensions.FindKernelByName(Microsoft.DotNet.Interactive.Kernel.Root, "csharp");
                var field = kernel?.GetType().GetField("_scriptOptions", System.Reflection.BindingFlags.Instance | System.Reflection.BindingFlags.NonPublic);
                if (field?.GetValue(kernel) is Microsoft.CodeAnalysis.Scripting.ScriptOptions options)
                {
                    field.SetValue(kernel, options.WithEmitDebugInformation(true).WithFilePath(cell).WithFileEncoding(System.Text.Encoding.UTF8)
                        .WithOptimizationLevel(Microsoft.CodeAnalysis.OptimizationLevel.Release));
                }
            }

            public static void WaitForRest() =>
                System.Threading.SpinWait.SpinUntil(() => System.Threading.Timer.ActiveCount <= s_timers, System.TimeSpan.FromSeconds(1));

            public static void End()
            {
                Flush(0);
                s_errors.Write(s_mark);
                s_errors.Flush();
            }
        }
        """;

    /// <summary>Before a cell: stack traces call it by this name.</summary>
    public static string Begin(int cell) => $"__WorkbookRunner.Begin(\"{ScriptSession.CellName(cell)}\");";

    /// <summary>The cell, with the runner's own <c>lab.csx</c> where it imports one that no build has written: outside of a clone.</summary>
    /// <param name="cell">The cell.</param>
    /// <param name="folder">The notebook's folder.</param>
    /// <param name="scratch">Where the script is written to.</param>
    public static string WithOwnLab(CellRequest cell, string folder, string scratch)
    {
        string code = cell.Code;
        foreach (CellDirective import in CellText.Directives(code).Reverse().Where(line => cell.Language == Language && line.Is("#!import")))
        {
            string path = import.Argument("#!import");
            if (Path.GetFileName(path) == OwnLab && !File.Exists(Path.GetFullPath(path, folder)))
            {
                string own = Path.Combine(Directory.CreateDirectory(scratch).FullName, OwnLab);
                File.WriteAllText(own, ScriptSession.OwnLabScript());
                code = $"{code[..import.Span.Start]}#!import {own}{code[import.Span.End..]}";
            }
        }

        return code;
    }
}

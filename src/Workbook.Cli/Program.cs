using System.CommandLine;
using System.Runtime.InteropServices;
using System.Text;
using Workbook.Cli.Commands;
using Workbook.Cli.Kernel;
using Workbook.Cli.Terminal;

namespace Workbook.Cli;

internal static class Program
{
    private const int Unexpected = 1;
    private const int Usage = 2;

    private static async Task<int> Main(string[] arguments)
    {
        if (arguments is [KernelMain.Command, ..])
        {
            return KernelMain.Run(arguments);
        }

        Console.OutputEncoding = Encoding.UTF8;
        PlainText.Use();
        if (!HasFolder())
        {
            await Console.Error.WriteLineAsync("error: the current folder has been deleted: change to another one (cd) and start again").ConfigureAwait(false);
            return Usage;
        }

        using CancellationTokenSource interrupt = new();
        void OnSignal(PosixSignalContext context)
        {
            // The second signal ends this process at once; the notebooks' processes end with it.
            context.Cancel = !interrupt.IsCancellationRequested;
            interrupt.Cancel();
        }

        using PosixSignalRegistration onInterrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal);
        using PosixSignalRegistration onTerminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal);
        ParseResult parsed = WorkbookCommands.Create().Parse(arguments);
        if (parsed.Errors.Count > 0)
        {
            await Console.Error.WriteLineAsync(
                $"error: {string.Join(' ', parsed.Errors[0].Message.Split(default(char[]), StringSplitOptions.RemoveEmptyEntries))} (`--help` says what "
                    + $"there is)").ConfigureAwait(false);
            return Usage;
        }

        try
        {
            InvocationConfiguration configuration = new() { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null };
            return await parsed.InvokeAsync(configuration, interrupt.Token).ConfigureAwait(false);
        }
        catch (WorkbookException e)
        {
            await ReportAsync(e).ConfigureAwait(false);
            return Usage;
        }
#pragma warning disable CA1031 // The last resort: one line, and the trace for those who ask for it.
        catch (Exception e)
#pragma warning restore CA1031
        {
            await ReportAsync(e).ConfigureAwait(false);
            return Unexpected;
        }

        Task ReportAsync(Exception e) =>
            Console.Error.WriteLineAsync("error: " + (parsed.GetValue(WorkbookCommands.Verbose) ? e.ToString() : e.Message));
    }

    // Without one nothing relative is found, and native libraries that look for their parts end the process in words of their own.
    private static bool HasFolder()
    {
        try
        {
            return Environment.CurrentDirectory.Length > 0;
        }
        catch (IOException)
        {
            return false;
        }
    }
}

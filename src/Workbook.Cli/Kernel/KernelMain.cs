using System.Collections.Concurrent;
using System.Diagnostics;
using System.IO.Pipes;
using System.Runtime.InteropServices;
using System.Text.Json;
using Workbook.Notebook;

namespace Workbook.Cli.Kernel;

/// <summary>The process in which one notebook's cells run: the hidden command that the runner starts.</summary>
internal static class KernelMain
{
    /// <summary>The hidden command's name; its arguments are the two pipes' handles and the end-of-cell mark.</summary>
    public const string Command = "kernel";

    private static bool s_busy;

    public static int Run(string[] arguments)
    {
        if (arguments is not [_, string requestHandle, string eventHandle, string endOfCell])
        {
            Console.Error.WriteLine("error: this command is for the runner itself: use `workbook run`");
            return 2;
        }

        MemoryLimit.Apply();
        using AnonymousPipeClientStream requestPipe = new(PipeDirection.In, requestHandle);
        using AnonymousPipeClientStream eventPipe = new(PipeDirection.Out, eventHandle);
        NativeOutput.KeepFromChildren(requestPipe.SafePipeHandle.DangerousGetHandle());
        NativeOutput.KeepFromChildren(eventPipe.SafePipeHandle.DangerousGetHandle());
        EventChannel channel = new(eventPipe);
        using BlockingCollection<CellRequest> requests = [];
        new Thread(() => ReadRequests(requestPipe, requests)) { IsBackground = true }.Start();

        // A terminal sends Ctrl-C to all its processes; the runner decides what to do about it.
        using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, context => context.Cancel = true);
        NativeOutput native = new(endOfCell);
        Console.SetOut(new ConsoleText(channel, "stdout"));
        Console.SetError(new ConsoleText(channel, "stderr"));
        Console.SetIn(TextReader.Null);
        NotebookHost.Current = new RunnerHost(channel);
        AppDomain.CurrentDomain.ProcessExit += (_, _) => channel.Send(new KernelEvent(KernelEventKind.Exiting));

        string folder = Environment.CurrentDirectory;
        using ScriptSession session = new(folder);
        CellErrors errors = new(folder);
        CellRequest? current = null;
        AppDomain.CurrentDomain.UnhandledException += (_, e) =>
        {
            if (e.ExceptionObject is Exception exception && current is not null)
            {
                channel.Send(new KernelEvent(KernelEventKind.Error) { Error = errors.Describe(exception, current) });
            }
        };

        foreach (CellRequest cell in requests.GetConsumingEnumerable())
        {
            current = cell;
            Volatile.Write(ref s_busy, true);
            RunCell(session, errors, cell, channel);
            native.EndCell();
            Volatile.Write(ref s_busy, false);
            channel.Send(new KernelEvent(KernelEventKind.Finished));
        }

        return 0;
    }

    private static void RunCell(ScriptSession session, CellErrors errors, CellRequest cell, EventChannel channel)
    {
        try
        {
            if (session.RunAsync(cell).GetAwaiter().GetResult() is { } value)
            {
                channel.Send(new KernelEvent(KernelEventKind.Result) { Bundle = new(ValueFormatter.ToBundle(value)) });
            }
        }
#pragma warning disable CA1031 // Whatever a cell throws is the cell's error.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            ProgressBar.StopAll();
            channel.Send(new KernelEvent(KernelEventKind.Error) { Error = errors.Describe(exception, cell) });
        }
    }

    private static void ReadRequests(Stream pipe, BlockingCollection<CellRequest> requests)
    {
        using StreamReader reader = new(pipe);
        try
        {
            while (reader.ReadLine() is { } line)
            {
                requests.Add(JsonSerializer.Deserialize(line, KernelJson.Default.CellRequest)!);
            }
        }
        catch (IOException)
        {
            // Same as the end: the runner is gone.
        }

        requests.CompleteAdding();

        // The runner closes the pipe when it is done, or has died: a cell that still runs must not outlive it.
        if (!Volatile.Read(ref s_busy))
        {
            Thread.Sleep(TimeSpan.FromSeconds(3));
        }

        Process.GetCurrentProcess().Kill();
    }
}

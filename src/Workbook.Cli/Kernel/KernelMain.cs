using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
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

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(2);

    // Which cell began what runs: flows to the threads, tasks and methods that it starts.
    private static readonly AsyncLocal<CellRequest?> s_origin = new();

    private static CellRequest s_current = CellRequest.End;

    public static int Run(string[] arguments)
    {
        if (arguments is not [_, string requestHandle, string eventHandle, string endOfCell])
        {
            Console.Error.WriteLine("error: this command is for the runner itself: use `workbook run`");
            return 2;
        }

        MemoryLimit.Apply();
        ProcessTree.BeginSession();
        ProcessTree.Adopt();
        AnonymousPipeClientStream requestPipe = new(PipeDirection.In, requestHandle);
        AnonymousPipeClientStream eventPipe = new(PipeDirection.Out, eventHandle);
        NativeOutput.KeepFromChildren(requestPipe.SafePipeHandle.DangerousGetHandle());
        NativeOutput.KeepFromChildren(eventPipe.SafePipeHandle.DangerousGetHandle());
        EventChannel channel = new(eventPipe);
        BlockingCollection<CellRequest> requests = [];
        new Thread(() => ReadRequests(requestPipe, requests)) { IsBackground = true }.Start();

        // A terminal sends Ctrl-C to all its processes; the runner decides what to do about it.
        using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, context => context.Cancel = true);
        NativeOutput native = new(endOfCell);
        Console.SetOut(new ConsoleText(channel, "stdout"));
        Console.SetError(new ConsoleText(channel, "stderr"));
        Console.SetIn(TextReader.Null);
        NotebookHost.Current = new RunnerHost(channel);
        AppDomain.CurrentDomain.ProcessExit += (_, _) => channel.Send(new KernelEvent(KernelEventKind.Exiting));

        // What cells print is compared and stored: numbers look the same everywhere, whatever cultures there are.
        CultureInfo.CurrentCulture = CultureInfo.DefaultThreadCurrentCulture = CultureInfo.InvariantCulture;
        CultureInfo.CurrentUICulture = CultureInfo.DefaultThreadCurrentUICulture = CultureInfo.InvariantCulture;

        string folder = Environment.CurrentDirectory;
        CellErrors errors = new(folder);
        void Fail(Exception exception) =>
            channel.Send(new KernelEvent(KernelEventKind.Error) { Error = errors.Describe(exception, s_origin.Value ?? s_current) });

        AppDomain.CurrentDomain.UnhandledException += (_, e) => Fail(e.ExceptionObject as Exception ?? new InvalidOperationException("not an exception"));
        CellContext context = new(Fail);
        ScriptSession session = new(folder, context);
        foreach (CellRequest cell in requests.GetConsumingEnumerable())
        {
            if (cell.IsEnd)
            {
                End(context, channel);
                native.EndCell();
                return 0; // threads that the notebook left may still end it otherwise
            }

            s_origin.Value = s_current = cell;
            errors.Begin(cell);
            RunCell(session, cell, channel, Fail);
            native.EndCell();
            channel.Send(new KernelEvent(KernelEventKind.Finished));
        }

        return 0;
    }

    private static void RunCell(ScriptSession session, CellRequest cell, EventChannel channel, Action<Exception> fail)
    {
        try
        {
            if (session.RunAsync(cell).GetAwaiter().GetResult() is { } value)
            {
                channel.Send(new KernelEvent(KernelEventKind.Result) { Bundle = OutputLimits.Cut(ValueFormatter.ToBundle(value)) });
            }
        }
#pragma warning disable CA1031 // Whatever a cell throws is the cell's error.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            ProgressBar.StopAll();
            fail(exception);
        }
    }

    private static void End(CellContext context, EventChannel channel)
    {
        if (!context.WaitForRest())
        {
            const string remark = "[an async void method still ran when the notebook ended: it was ended with it]\n";
            channel.Send(new KernelEvent(KernelEventKind.Stream) { Stream = "stderr", Text = remark });
        }

        using Process self = Process.GetCurrentProcess();
        int id = self.Id;
        void Last()
        {
            Thread.Sleep(s_patience);
            channel.Send(new KernelEvent(KernelEventKind.Ended));
            KillSelf(id);
        }

        new Thread(Last) { IsBackground = true }.Start();
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

        // The runner asks for an end and waits for it. Where the pipe ends it has died, or wants no more: nothing here outlives it.
        KillSelf(Environment.ProcessId);
    }

    private static void KillSelf(int id)
    {
        ProcessTree.End(id, withRoot: false);
        Process.GetProcessById(id).Kill();
    }
}

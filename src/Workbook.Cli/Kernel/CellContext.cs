using System.Runtime.ExceptionServices;

namespace Workbook.Cli.Kernel;

/// <summary>
/// Where cells run: continuations go to the thread pool, as without a context, but <c>async void</c> methods are counted, and one that fails is the
/// failure of the cell that began it, not the end of the process.
/// </summary>
/// <param name="onFailure">Called with what such a method threw, on the thread where it did.</param>
internal sealed class CellContext(Action<Exception> onFailure) : SynchronizationContext
{
    private static readonly TimeSpan s_methods = TimeSpan.FromSeconds(10), s_rest = TimeSpan.FromSeconds(1);

    private readonly long _timers = Timer.ActiveCount;
    private int _running;

    public override void OperationStarted() => Interlocked.Increment(ref _running);

    public override void OperationCompleted() => Interlocked.Decrement(ref _running);

    public override SynchronizationContext CreateCopy() => this;

    public override void Send(SendOrPostCallback d, object? state) => Call(d, state);

    public override void Post(SendOrPostCallback d, object? state)
    {
        if (state is ExceptionDispatchInfo thrown)
        {
            onFailure(thrown.SourceException); // said before the method counts as ended
            return;
        }

        OperationStarted();
        ThreadPool.QueueUserWorkItem(_ =>
        {
            Call(d, state);
            OperationCompleted();
        });
    }

    /// <summary>Waits for what cells have left running: their <c>async void</c> methods, then tasks; neither for long.</summary>
    /// <returns>Whether no method was left.</returns>
    public bool WaitForRest()
    {
        bool ended = SpinWait.SpinUntil(() => Volatile.Read(ref _running) == 0, s_methods);
        SpinWait.SpinUntil(() => Timer.ActiveCount <= _timers && ThreadPool.PendingWorkItemCount == 0 && BusyWorkers() == 0, s_rest);
        return ended;
    }

    private static int BusyWorkers()
    {
        ThreadPool.GetMaxThreads(out int most, out _);
        ThreadPool.GetAvailableThreads(out int free, out _);
        return most - free;
    }

    private void Call(SendOrPostCallback callback, object? state)
    {
        SynchronizationContext? before = Current;
        SetSynchronizationContext(this);
        try
        {
            callback(state);
        }
#pragma warning disable CA1031 // Whatever it throws is a cell's error.
        catch (Exception e)
#pragma warning restore CA1031
        {
            onFailure(e);
        }
        finally
        {
            SetSynchronizationContext(before);
        }
    }
}

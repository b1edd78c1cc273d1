namespace Workbook.Cli.Running;

/// <summary>Lets the cells of notebooks that run side by side run together, and one that measures times alone.</summary>
/// <param name="most">How many notebooks run side by side.</param>
internal sealed class CellTurns(int most) : IDisposable
{
    // Who waits for all places holds the door, so that those that go on taking one each do not keep it waiting for ever.
    private readonly SemaphoreSlim _door = new(1);
    private readonly SemaphoreSlim _places = new(most);

    /// <summary>Waits until the cell may run; it has run when what comes is disposed.</summary>
    /// <param name="alone">Whether no other may run meanwhile.</param>
    /// <exception cref="OperationCanceledException">The run was given up while it waited.</exception>
    public async Task<IDisposable> TakeAsync(bool alone, CancellationToken cancellation)
    {
        Turn turn = new(_places);
        await _door.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            for (int wanted = alone ? most : 1; turn.Taken < wanted; turn.Taken++)
            {
                await _places.WaitAsync(cancellation).ConfigureAwait(false);
            }

            return turn;
        }
        catch (OperationCanceledException)
        {
            turn.Dispose();
            throw;
        }
        finally
        {
            _door.Release();
        }
    }

    public void Dispose()
    {
        _door.Dispose();
        _places.Dispose();
    }

    private sealed class Turn(SemaphoreSlim places) : IDisposable
    {
        public int Taken { get; set; }

        public void Dispose()
        {
            if (Taken > 0)
            {
                places.Release(Taken);
                Taken = 0;
            }
        }
    }
}
